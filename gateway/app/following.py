"""Following the database: whatever replica changed the policy, this one judges by it a moment later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from gateway.adapters.opa.active import ActivePolicy
from gateway.adapters.opa.bundles import BundleRefusedError
from gateway.adapters.store.policies import Policies
from gateway.app.library import Library
from gateway.core.errors import SettingsError
from gateway.core.steps import Blocked
from gateway.rounds import Rounds

P = TypeVar("P")
log = logging.getLogger(__name__)
EVERY_S = 0.25
"""How often a replica looks: one row by its key."""
_READY_EVERY = 4


class Follower:
    """Takes up the policy that the database says is in force. `taken` hears of each, before it judges."""

    def __init__(
        self, policies: Policies, library: Library, active: ActivePolicy, taken: Callable[[str, bytes], None]
    ) -> None:
        self._policies, self._library, self._active, self._taken = policies, library, active, taken
        self._one_at_a_time = asyncio.Lock()
        self._prepared: set[str] = set()
        self._round = 0
        rounds = Rounds(self._go_round, what="the policy in force", every_s=EVERY_S, log=log)
        self.run, self.stop = rounds.run, rounds.stop

    async def look(self) -> bool:
        """Take up the policy in force if it is another by now; whether it was."""
        async with self._one_at_a_time:
            wanted = await self._policies.active()
            if wanted in {None, self._active.in_force.version.digest}:
                self._active.fall_behind("")
                return False
            try:
                await self._take_up(str(wanted))
            except (BundleRefusedError, SettingsError) as error:
                detail = f"The policy {wanted} is in force, and cannot be taken up here: {error.detail}"
                log.error("%s", detail)  # noqa: TRY400 - the sentence says it all
                self._active.fall_behind(detail)
                return False
            return True

    async def _go_round(self) -> None:
        await self.look()
        if self._round % _READY_EVERY == 0:
            await self._get_ready()
        self._round += 1

    async def _take_up(self, digest: str) -> None:
        sealed = (await self._policies.standing()).sealed
        built = await self._library.built(digest, signed=sealed)
        engine = await self._library.engine(built)
        self._taken(digest, built.rego_bundle.read_bytes())
        await self._library.retire(await self._active.swap(engine))

    async def _get_ready(self) -> None:
        """Load what was uploaded last, so that no replica has to when people have approved it."""
        newest = next(iter(await self._policies.kept()), None)
        if newest is None or newest.key_id is None or newest.digest in self._prepared:
            return
        self._prepared.add(newest.digest)
        if newest.digest != self._active.in_force.version.digest:
            try:
                await self._library.proved(newest.digest, sealed=False)
            except BundleRefusedError as error:
                log.warning("policy %s was uploaded and would not run here: %s", newest.digest, error.detail)


class _CatchingUp:
    """A ledger whose caller has caught up with the policy in force when it hears that it was judged by another."""

    def __init__(self, ledger: object, catch_up: Callable[[], Awaitable[bool]]) -> None:
        self._ledger: Any = ledger
        self._catch_up = catch_up

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def record(self, step: Any) -> Any:
        """Record a step; after a change of policy the road judges once more, and by the new one."""
        answer = await self._ledger.record(step)
        if isinstance(answer, Blocked) and answer.guard == "policy":
            await self._catch_up()
        return answer


def catching_up(ledger: P, catch_up: Callable[[], Awaitable[bool]]) -> P:
    """The ledger with that behaviour."""
    return cast("P", _CatchingUp(ledger, catch_up))
