"""The served gateway of the REST door's tests, for the canary's flight."""

from tests.gateway.doors.rest.conftest import served

__all__ = ["served"]
