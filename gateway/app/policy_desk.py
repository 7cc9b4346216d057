"""What policy authors and operators do with policies through the doors."""

import asyncio
from dataclasses import replace

from gateway.adapters.opa.releases import Release
from gateway.adapters.store.policies import Policies
from gateway.app.following import Follower
from gateway.app.library import Library, kept_of
from gateway.app.policy_target import entry_of
from gateway.core.actions import Request
from gateway.core.errors import ConflictError, MalformedError, NotFoundError
from gateway.core.judgements import Judgement
from gateway.core.policies import KeptPolicy, PolicyStanding, PolicyStepKind
from gateway.core.principals import Agent, Principal, Role, Scope
from gateway.pipeline import Road
from gateway.ports import PolicyInForce

_EVERY_TYPE = ("*",)


class AuthorsDesk:
    """Uploading, activating before the seal, sealing, and trying a policy that is not in force."""

    def __init__(self, policies: Policies, library: Library, follower: Follower, road: Road) -> None:
        self._policies, self._library, self._follower, self._road = policies, library, follower, road

    async def upload(self, wasm: bytes, rego: bytes, *, by: str) -> KeptPolicy:
        """Keep a signed policy. Raises `BundleRefusedError` or `ConflictError`."""
        one = await asyncio.to_thread(self._library.check, Release(wasm=wasm, rego=rego), signed=True)
        return await self._policies.keep(*kept_of(one, by))

    async def kept(self) -> tuple[KeptPolicy, ...]:
        """Every policy that is kept, newest first."""
        return await self._policies.kept()

    async def standing(self) -> PolicyStanding:
        """What is in force, and whether changing it needs approval."""
        return await self._policies.standing()

    async def enter(self, digest: str, *, by: str) -> bool:
        """Put a kept policy in force before the seal. Raises `BundleRefusedError` or `ConflictError`."""
        return await self._put(PolicyStepKind.ACTIVATED, digest, by=by, signed=True)

    async def step_back(self, *, by: str) -> str:
        """Go back to the policy of before. Raises `BundleRefusedError` or `ConflictError`."""
        previous = (await self._policies.standing()).previous
        if previous is None:
            raise ConflictError("No policy was in force before this one.")
        await self._put(PolicyStepKind.ROLLED_BACK, previous, by=by, signed=False)
        return previous

    async def seal(self, *, by: str) -> PolicyStanding:
        """From now on changing the policy needs approval: by the policy in force, which must hold it so."""
        standing = await self._policies.standing()
        if standing.active is None:
            raise ConflictError("No policy is in force; start the gateway first.")
        await self._library.proved(standing.active, sealed=True)
        kept = await self._policies.find(standing.active)
        if kept is None:
            raise ConflictError("The policy in force is not kept; upload it first.")
        await self._policies.seal(by=by, policy=kept)
        return await self._policies.standing()

    async def rehearse(
        self, request: Request, principal: Principal, *, policy: str | None, agent: str
    ) -> Judgement:
        """How a proposal of that agent would be judged by a kept policy; counted, and recorded as a use of it."""
        if self._road.pace is not None:
            await self._road.pace.rehearse(principal.id, principal.door.value)
        digest = policy or await self._newest(principal.id)
        async with self._library.draft(digest) as engine:
            acting = _as_agent(principal, agent, engine.in_force)
            gathering = replace(self._road.judge.gathering, policy=engine)
            judge = replace(self._road.judge, policy=engine, gathering=gathering)
            judgement = await replace(self._road, judge=judge, pace=None).preview(request, acting)
        await self._policies.tried(digest, judgement.ruling, by=principal.id)
        return judgement

    async def _put(self, kind: PolicyStepKind, digest: str, *, by: str, signed: bool) -> bool:
        one = await self._library.proved(digest, sealed=False, signed=signed)
        done = await self._policies.enter(entry_of(kind, one, by=by))
        await self._follower.look()
        return done

    async def _newest(self, author: str) -> str:
        own = next((one for one in await self._policies.kept() if one.by == author), None)
        if own is None:
            raise NotFoundError("You have uploaded no policy; `loopgate policy upload` does.")
        return own.digest


def _as_agent(principal: Principal, name: str, in_force: PolicyInForce) -> Principal:
    """The agent of the draft's own roster that the proposal is tried for, in its projects."""
    agent: Agent | None = in_force.roster.agent(name)
    if agent is None:
        raise MalformedError("query/agent: this policy has no such agent.", field="/agent")
    return Principal(
        id=agent.id,
        roles=(Role.AGENT,),
        owner=agent.owner,
        scope=Scope(projects=agent.projects, action_types=_EVERY_TYPE),
        door=principal.door,
    )
