"""Policies: kept by digest, one of them in force, as the guards of `started` see it."""

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from audit.events import EventType
from gateway.adapters.store import events, queries, tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.starting import ACTIVE_POLICY, active_policy
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.actions import ActionState
from gateway.core.errors import ConflictError
from gateway.core.model import Model
from gateway.core.permits import Permit
from gateway.core.policies import KeptPolicy, PolicyStanding, PolicyStep, PolicyStepKind
from gateway.core.rulings import PolicyVersion, Ruling

_SEALED = "policy_sealed_ms"
_KEPT = tuple(column for name, column in tables.policy_bundles.c.items() if name not in {"wasm", "rego"})
_EVENTS = {
    PolicyStepKind.SERVED: EventType.POLICY_ACTIVATED,
    PolicyStepKind.ACTIVATED: EventType.POLICY_ACTIVATED,
    PolicyStepKind.ROLLED_BACK: EventType.POLICY_ROLLED_BACK,
}


class Bundles(Model):
    """Both bundles of a policy, as they came."""

    wasm: bytes
    rego: bytes


class Entry(Model):
    """A policy to be put in force: its version, its roster's digest, and who put it there."""

    kind: PolicyStepKind
    version: PolicyVersion
    roster_digest: str | None = None
    by: str


class Policies:
    """Policies and activations. A permit of another policy than the active one never starts anything."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def active(self) -> str | None:
        """The digest of the policy in force, once one was activated."""
        return await self._reader.brief(active_policy)

    async def standing(self) -> PolicyStanding:
        """What is in force, whether it is sealed, and how it came so."""
        return await self._reader.run(standing_of)

    async def kept(self) -> tuple[KeptPolicy, ...]:
        """Every policy that is kept, newest first."""
        query = select(*_KEPT).order_by(
            tables.policy_bundles.c.kept_ms.desc(), tables.policy_bundles.c.digest
        )
        rows = await self._reader.run(lambda connection: connection.execute(query).all())
        return tuple(KeptPolicy(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public accessor

    async def find(self, digest: str) -> KeptPolicy | None:
        """A kept policy by its digest."""
        return next((one for one in await self.kept() if one.digest == digest), None)

    async def bundles(self, digest: str) -> Bundles | None:
        """Both bundles of a kept policy."""
        return await self._reader.run(lambda connection: bundles_of(connection, digest))

    async def keep(self, policy: KeptPolicy, bundles: Bundles) -> KeptPolicy:
        """Keep a policy, with `policy.uploaded`; what is kept already stays as it is.

        Raises `ConflictError` when other bundles are kept under this digest.
        """
        return await self._writer.run(lambda unit: _keep(unit, policy, bundles))

    async def activate(self, version: PolicyVersion, *, by: str, roster_digest: str | None = None) -> bool:
        """Put the policy of a folder in force, with `policy.activated`; false when it was in force already.

        Raises `ConflictError` once activation is sealed.
        """
        entry = Entry(kind=PolicyStepKind.SERVED, version=version, roster_digest=roster_digest, by=by)
        return await self._writer.run(lambda unit: _free(unit, entry))

    async def enter(self, entry: Entry) -> bool:
        """Put a kept policy in force before the seal; false when it was in force already. Raises `ConflictError`."""
        return await self._writer.run(lambda unit: _free(unit, entry))

    async def perform(self, entry: Entry, permit: Permit, before: str | None) -> None:
        """Put a kept policy in force by an action that has started, if `before` is what is in force.

        Raises `ConflictError`.
        """
        await self._writer.run(lambda unit: _performed(unit, entry, permit, before))

    async def done_by(self, action_id: str) -> PolicyStep | None:
        """The change that an action made, if it made one."""
        history = (await self.standing()).history
        return next((step for step in history if step.action_id == action_id), None)

    async def tried(self, digest: str, ruling: Ruling, *, by: str) -> None:
        """Record that a policy which is not in force judged a dry run, with `policy.draft_used`."""
        codes = sorted({finding.code for finding in ruling.findings})
        data = {"by": by, "effect": ruling.effect.value, "codes": codes, "input_digest": ruling.input_digest}
        draft = events.drafted(EventType.POLICY_DRAFT_USED, digest, data)
        await self._writer.run(lambda unit: unit.record(draft))

    async def seal(self, *, by: str, policy: KeptPolicy) -> None:
        """From now on activation needs approval, with `policy.sealed`.

        Raises `ConflictError` when it is sealed already, or another policy is in force by now.
        """
        await self._writer.run(lambda unit: _seal(unit, by, policy))


def set_active(unit: Unit, digest: str) -> None:
    """Store the digest of the policy in force."""
    unit.execute(delete(tables.settings).where(tables.settings.c.name == ACTIVE_POLICY))
    unit.execute(insert(tables.settings), {"name": ACTIVE_POLICY, "value": digest})


def begin(unit: Unit, digest: str, by: str, kept: tuple[KeptPolicy, Bundles] | None = None) -> None:
    """The first policy of a new store; its event is leaf 0."""
    set_active(unit, digest)
    _step(unit, PolicyStepKind.BEGUN, digest, None, by, None)
    if kept:
        unit.execute(insert(tables.policy_bundles), {**kept[0].model_dump(), **kept[1].model_dump()})


def standing_of(connection: Connection) -> PolicyStanding:
    """What is in force as one connection sees it."""
    steps = connection.execute(select(tables.policy_steps).order_by(tables.policy_steps.c.number)).all()
    return PolicyStanding(
        active=active_policy(connection),
        sealed_ms=_sealed_ms(connection),
        history=tuple(PolicyStep(**row._mapping) for row in steps),  # noqa: SLF001 - SQLAlchemy's public accessor
    )


def bundles_of(connection: Connection, digest: str) -> Bundles | None:
    """Both bundles of a kept policy as one connection sees them."""
    row = tables.policy_bundles.c
    found = connection.execute(select(row.wasm, row.rego).where(row.digest == digest)).first()
    return Bundles(wasm=bytes(found.wasm), rego=bytes(found.rego)) if found else None


def _sealed_ms(connection: Connection) -> int | None:
    setting = tables.settings.c
    kept = connection.execute(select(setting.value).where(setting.name == _SEALED)).scalar()
    return None if kept is None else int(kept)


def _keep(unit: Unit, policy: KeptPolicy, bundles: Bundles) -> KeptPolicy:
    row = unit.one(select(*_KEPT).where(tables.policy_bundles.c.digest == policy.digest))
    if row is None:
        return _kept_now(unit, policy, bundles)
    before = KeptPolicy(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public accessor
    if policy.key_id is None:
        return before
    if before.key_id is None:
        # What was built at a start is the same policy; from now on it is the signed one that is kept.
        unit.execute(delete(tables.policy_bundles).where(tables.policy_bundles.c.digest == policy.digest))
        return _kept_now(unit, policy, bundles)
    if before.wasm_sha256 != policy.wasm_sha256:
        raise ConflictError("Other bundles are kept under this digest; they were compiled otherwise.")
    return before


def _kept_now(unit: Unit, policy: KeptPolicy, bundles: Bundles) -> KeptPolicy:
    now = policy.model_copy(update={"kept_ms": unit.now_ms})
    unit.execute(insert(tables.policy_bundles), {**now.model_dump(), **bundles.model_dump()})
    if now.key_id is not None:
        data = now.model_dump(mode="json", exclude={"kept_ms"})
        unit.record(events.drafted(EventType.POLICY_UPLOADED, now.digest, data))
    return now


def _free(unit: Unit, entry: Entry) -> bool:
    before = active_policy(unit.connection)
    if before == entry.version.digest:
        return False
    if _sealed_ms(unit.connection) is not None:
        raise ConflictError(
            "Activation is sealed: propose it with `loopgate policy activate`, and others approve.",
            code="policy_sealed",
        )
    _enter(unit, entry, before, {})
    return True


def _performed(unit: Unit, entry: Entry, permit: Permit, before: str | None) -> None:
    action = queries.action_row(unit.connection, permit.action.id)
    if action is None or action.state != ActionState.STARTED.value:
        raise ConflictError("This action is no longer under way; the policy stays.")
    standing = standing_of(unit.connection)
    if standing.active != before:
        raise ConflictError("Another policy came into force meanwhile; the policy stays.")
    if standing.sealed and permit.ticket_id is None:
        # Whatever the policy in force says of its own successor: nobody changes it alone.
        raise ConflictError("Nobody approved this; after the seal the policy is changed by approval only.")
    _enter(unit, entry, before, {"action": permit.action.id, "ticket": permit.ticket_id})


def _enter(unit: Unit, entry: Entry, before: str | None, more: dict[str, Any]) -> None:
    digest = entry.version.digest
    set_active(unit, digest)
    _step(unit, entry.kind, digest, before, entry.by, more.get("action"))
    kept = unit.one(select(*_KEPT).where(tables.policy_bundles.c.digest == digest))
    named = {"key_id": kept.key_id, "wasm_sha256": kept.wasm_sha256, "sha256": kept.sha256} if kept else {}
    said = {"before": before, "by": entry.by, "roster_digest": entry.roster_digest}
    data = {**entry.version.model_dump(mode="json"), **said, **named, **more}
    unit.record(events.drafted(_EVENTS[entry.kind], digest, data))


def _step(
    unit: Unit, kind: PolicyStepKind, digest: str, before: str | None, by: str, action_id: str | None
) -> None:
    last = unit.execute(select(func.max(tables.policy_steps.c.number))).scalar() or 0
    row = {"number": last + 1, "kind": kind.value, "digest": digest, "before": before, "by": by}
    unit.execute(insert(tables.policy_steps), {**row, "action_id": action_id, "at_ms": unit.now_ms})


def _seal(unit: Unit, by: str, policy: KeptPolicy) -> None:
    if _sealed_ms(unit.connection) is not None:
        raise ConflictError("Activation is sealed already.", code="policy_sealed")
    if active_policy(unit.connection) != policy.digest:
        raise ConflictError("Another policy came into force meanwhile; look, and seal again.")
    unit.execute(insert(tables.settings), {"name": _SEALED, "value": str(unit.now_ms)})
    unit.record(events.drafted(EventType.POLICY_SEALED, policy.digest, {"by": by, "key_id": policy.key_id}))
