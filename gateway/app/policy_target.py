"""The port `Target` for the gateway itself: stops are lifted in the store, and the policy is changed by digest."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.bundles import BundleRefusedError
from gateway.adapters.opa.releases import Opened
from gateway.adapters.store.policies import Entry, Policies
from gateway.app.library import Library
from gateway.core.actions import Action
from gateway.core.digests import digest_of
from gateway.core.errors import (
    ConflictError,
    LedgerUnavailableError,
    LoopgateError,
    TargetRefusedError,
    TargetUnclearError,
)
from gateway.core.facts import MissingFact
from gateway.core.params import PolicyChange
from gateway.core.permits import Permit
from gateway.core.policies import KeptPolicy, PolicyStanding, PolicyStepKind
from gateway.core.principals import Roster
from gateway.core.rulings import PolicyVersion
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ActionType, System
from gateway.ports import ActionRecord, Inspection, Readiness, Reconciliation, Target

_KINDS = {
    ActionType.POLICY_ACTIVATE: PolicyStepKind.ACTIVATED,
    ActionType.POLICY_ROLLBACK: PolicyStepKind.ROLLED_BACK,
}
_MOST_NAMES = 40


class OwnTarget:
    """What the gateway does to itself, each type of action by its own part."""

    def __init__(self, store: Target, policies: Target) -> None:
        self._store, self._policies = store, policies

    @property
    def system(self) -> System:
        """The gateway itself."""
        return System.LOOPGATE

    async def inspect(self, action: Action) -> Inspection:
        """What the action would change, as it is now."""
        return await self._of(action).inspect(action)

    async def prepare(self, permit: Permit) -> Preparation:
        """What must be known before."""
        return await self._of(permit.action).prepare(permit)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Do it once."""
        return await self._of(permit.action).perform(permit, preparation)

    async def reconcile(self, record: ActionRecord) -> Reconciliation:
        """Whether it was done."""
        return await self._of(record.action).reconcile(record)

    async def readiness(self) -> Readiness:
        """Whether the store takes records."""
        return await self._store.readiness()

    def _of(self, action: Action) -> Target:
        return self._policies if action.type in _KINDS else self._store


class PolicyTarget:
    """Performs `policy.activate` and `policy.rollback`: a row of the store, an event, and then this process follows.

    What is asked names the bundles that were checked and the policy they would follow: when either changes, so does
    the question. The act and its evidence are one transaction; a crash leaves the old policy or the new one.
    """

    def __init__(self, policies: Policies, library: Library, follow: Callable[[], Awaitable[bool]]) -> None:
        self._policies, self._library, self._follow = policies, library, follow

    @property
    def system(self) -> System:
        """The gateway itself."""
        return System.LOOPGATE

    async def inspect(self, action: Action) -> Inspection:
        """The policy as it was checked, the one in force, and in which files and data they differ."""
        try:
            kept, one, standing = await self._checked(action)
        except (BundleRefusedError, ConflictError) as error:
            missing = MissingFact(path="action.params.digest", reason=error.detail, retry="never")
            return Inspection(missing=(missing,))
        named = kept.model_dump(
            mode="json", include={"digest", "revision", "sha256", "wasm_sha256", "key_id"}
        )
        changes = differences(await self._in_force(standing), one)
        return Inspection(
            subject={**named, "uploaded_by": kept.by, "in_force": standing.active, **changes},
            authors=(kept.by,) if action.type is ActionType.POLICY_ACTIVATE else (),
        )

    async def prepare(self, permit: Permit) -> Preparation:
        """Load and try the policy once more. Raises `TargetRefusedError`."""
        try:
            _, _, standing = await self._checked(permit.action)
        except (BundleRefusedError, ConflictError) as error:
            raise TargetRefusedError(error.detail) from error
        if standing.active != permit.facts.subject.get("in_force"):
            raise TargetRefusedError("Another policy came into force since this was judged.", retryable=True)
        return Preparation(marker=permit.action.id, before={"in_force": standing.active})

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Put it in force once, everywhere. Raises `TargetRefusedError` or `TargetUnclearError`."""
        action, before = permit.action, preparation.before["in_force"]
        try:
            _, one, _ = await self._checked(action)
            entry = entry_of(_KINDS[action.type], one, by=action.agent)
            await self._policies.perform(entry, permit, before)
        except (BundleRefusedError, ConflictError) as error:
            raise TargetRefusedError(error.detail) from error
        except LedgerUnavailableError as error:
            raise TargetUnclearError(error.detail) from error
        await self._follow()
        return Performance(result={"digest": one.card.digest, "before": before})

    async def reconcile(self, record: ActionRecord) -> Reconciliation:
        """Whether this very action changed the policy; the store knows for certain."""
        step = await self._policies.done_by(record.action.id)
        if step is None:
            return Reconciliation(happened=False, reason="The policy was not changed by this action.")
        result = {"digest": step.digest, "before": step.before}
        return Reconciliation(happened=True, performance=Performance(result=result))

    async def readiness(self) -> Readiness:
        """Always: the store's own readiness is asked elsewhere."""
        return Readiness(ok=True)

    async def _checked(self, action: Action) -> tuple[KeptPolicy, Opened, PolicyStanding]:
        digest = _digest(action)
        standing = await self._policies.standing()
        if standing.active == digest:
            raise ConflictError("This policy is in force already.")
        if action.type is ActionType.POLICY_ROLLBACK and standing.previous != digest:
            raise ConflictError("This is not the policy that was in force before the present one.")
        # What was built here at a start bears no signature; before the seal one may go back to it.
        signed = standing.sealed or action.type is ActionType.POLICY_ACTIVATE
        one = await self._library.proved(digest, sealed=standing.sealed, signed=signed)
        kept = await self._policies.find(digest)
        if kept is None:
            raise BundleRefusedError("There is no such policy; upload it first.")
        return kept, one, standing

    async def _in_force(self, standing: PolicyStanding) -> BuiltPolicy | None:
        """The policy in force as it is kept; None where it is not, so that everything counts as changed."""
        if standing.active is None:
            return None
        try:
            return await self._library.built(standing.active, signed=False)
        except LoopgateError:
            return None


def entry_of(kind: PolicyStepKind, one: Opened, *, by: str) -> Entry:
    """What is recorded when a checked policy comes into force."""
    card = one.card
    version = PolicyVersion(digest=card.digest, revision=card.revision, engine="any", engine_version="0")
    data = json.loads(one.data_json)
    roster = Roster(people=data.get("people", ()), agents=data.get("agents", ()))
    return Entry(kind=kind, version=version, roster_digest=digest_of(roster), by=by)


def differences(before: BuiltPolicy | None, after: Opened) -> dict[str, Any]:
    """Which files and which parts of the data differ, by name; long lists by how many more there are."""
    old_files: Mapping[str, str] = before.files if before else {}
    old_data: Mapping[str, Any] = before.data if before else {}
    new_data = json.loads(after.data_json)
    names = {"files": (old_files, after.card.files), "data": (old_data, new_data)}
    return {name: _changed(old, new) for name, (old, new) in names.items()}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[str]]:
    told = {
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        "removed": sorted(old.keys() - new.keys()),
    }
    return {how: _shortened(names) for how, names in told.items() if names}


def _shortened(names: list[str]) -> list[str]:
    more = len(names) - _MOST_NAMES
    return names if more <= 0 else [*names[:_MOST_NAMES], f"+{more}"]


def _digest(action: Action) -> str:
    if not isinstance(action.params, PolicyChange):
        raise BundleRefusedError("The action names no policy.")
    return action.params.digest
