"""Taking an action through the target's three steps, as the road does."""

from typing import Any

from gateway.core.actions import Action
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from tests.fakes.permits import permit_for
from tests.gateway.adapters.gitlab.rigs import (
    World,
)


async def prepared(world: World, action: Action) -> tuple[Permit, Preparation]:
    permit = permit_for(action, await world.target.inspect(action))
    return permit, await world.target.prepare(permit)


async def done(world: World, action: Action) -> Performance:
    permit, preparation = await prepared(world, action)
    return await world.target.perform(permit, preparation)


def sent(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Record every write from now on: method, path, the identity's token and the JSON body."""
    writes: list[tuple[str, str, dict[str, Any]]] = []

    def note(answer: Any, *_: Any, **__: Any) -> None:
        request = answer.request
        if request.method != "GET":
            writes.append((request.method, request.headers["PRIVATE-TOKEN"], answer.request.body))

    world.session.hooks["response"].append(note)
    return writes
