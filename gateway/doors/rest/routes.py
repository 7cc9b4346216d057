"""Routes that refuse query parameters they do not know.

Left out in silence, a misspelt filter would answer with everything, and one given twice with what only its last value
asks for.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, get_args, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gateway.core.errors import MalformedError

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route that answers 422 for query parameters it does not declare, and for those it takes once given twice."""

    def get_route_handler(self) -> _Handler:
        """The route's handler behind the check, which costs nothing where there is no query."""
        handle, known = super().get_route_handler(), dict(_declared(self.dependant))

        async def checked(request: Request) -> Response:
            if request.scope["query_string"]:
                _check(request, known)
            return await handle(request)

        return checked


def _declared(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Every query parameter by name, and whether it takes several values."""
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        yield parameter.alias, any(get_origin(a) is list for a in (annotation, *get_args(annotation)))
    for below in dependant.dependencies:
        yield from _declared(below)


def _check(request: Request, known: dict[str, bool]) -> None:
    """Raise `MalformedError`; the unknown name is not repeated, because it is the caller's word."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    takes = ", ".join(sorted(known)) or "none"
    if not known.keys() >= given.keys():
        raise MalformedError(f"The address has a query parameter this route does not take; it takes {takes}.")
    twice = next((name for name, times in given.items() if times > 1 and not known[name]), None)
    if twice:
        raise MalformedError(f"query/{twice}: give it once.", field=f"/{twice}")
