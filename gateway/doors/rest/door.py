"""The REST door as one ASGI app."""

from fastapi import FastAPI

from gateway.doors.rest import (
    actions,
    audit,
    break_glass,
    credentials,
    policies,
    problems,
    rulings,
    signals,
    standing,
    stops,
    tickets,
)
from gateway.doors.rest.bodies import BodyLimits
from gateway.doors.rest.context import Neighbours
from gateway.doors.rest.description import describe

VERSION = "1"


def rest_door(given: Neighbours | None) -> FastAPI:
    """The app; `given` may be None where only its OpenAPI document is wanted."""
    app = FastAPI(
        title="Loopgate",
        version=VERSION,
        description="The governed road for AI agents that do DevOps. Errors are RFC 9457 problem documents.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.neighbours = given
    problems.install(app)
    app.add_middleware(BodyLimits)
    for part in (
        actions,
        rulings,
        tickets,
        audit,
        credentials,
        stops,
        break_glass,
        signals,
        policies,
        standing,
    ):
        app.include_router(part.router)
    describe(app)
    return app
