"""GitLab's offset pagination: a slice, the `X-*` headers and an absolute `Link`."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from gateway.sandbox.gitlab.call import Call, refuse_parameter
from gateway.sandbox.wire import Document, Reply

T = TypeVar("T")
_MOST = 100


def page(call: Call, found: Sequence[T], shape: Callable[[T], Document]) -> Reply:
    """The page that was asked for, out of everything found."""
    number, size = _whole(call, "page", 1), min(_whole(call, "per_page", 20), _MOST)
    pages = max(1, -(-len(found) // size))
    window = found[(number - 1) * size : number * size]
    return Reply(200, [shape(item) for item in window], _headers(call, number, size, pages, len(found)))


def _whole(call: Call, name: str, default: int) -> int:
    value = str(call.params.get(name, default))
    if not value.isdigit():
        raise refuse_parameter(f"{name} is invalid")
    if int(value) == 0:
        raise refuse_parameter(f"{name} does not have a valid value")
    return int(value)


def _headers(call: Call, number: int, size: int, pages: int, total: int) -> dict[str, str]:
    following, previous = (number + 1 if number < pages else None), (number - 1 if number > 1 else None)
    links = {"prev": previous, "next": following, "first": 1, "last": pages}
    return {
        "X-Next-Page": str(following or ""),
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Prev-Page": str(previous or ""),
        "X-Total": str(total),
        "X-Total-Pages": str(pages),
        "Link": ", ".join(f'<{_address(call, at, size)}>; rel="{name}"' for name, at in links.items() if at),
    }


def _address(call: Call, number: int, size: int) -> str:
    query = {**call.asked.query, "page": number, "per_page": size}
    return f"{call.asked.address}?{urlencode(query, doseq=True)}"
