"""What the REST door is given by app.py, and how a request finds it."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from gateway.carrier import Carrier
from gateway.doors.ports import Archive, Credentials, Denials, Desk, Emergency, Glasses, PolicyDesk, Signals
from gateway.pipeline import Road
from gateway.ports import Clock, Counters, Identity, Policy, Readiness


class Probes(Protocol):
    """What readiness asks, each by name."""

    async def all(self) -> dict[str, Readiness]:
        """The answers by name."""
        ...


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Every port the door talks to. `probes` name what readiness asks."""

    road: Road
    carrier: Carrier
    identity: Identity
    desk: Desk
    credentials: Credentials
    denials: Denials
    emergency: Emergency
    break_glass: Glasses
    archive: Archive
    signals: Signals
    policy: Policy
    policies: PolicyDesk
    counters: Counters
    clock: Clock
    probes: Probes


async def neighbours(request: Request) -> Neighbours:
    """The door's neighbours, kept on the app."""
    found: Neighbours = request.app.state.neighbours
    return found


Given = Annotated[Neighbours, Depends(neighbours)]
