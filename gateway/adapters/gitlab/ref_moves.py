"""Tags made, tags and branches removed: by git with a lease, so that exactly what was judged goes."""

import asyncio
from dataclasses import dataclass

from gateway.adapters.gitlab.operation import Access, needed, project_of
from gateway.adapters.gitlab.pushes import pushes_of
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ForgeIdentity
from gateway.ports import ActionRecord, Reconciliation

_FOLDERS = {"branch": "refs/heads/", "tag": "refs/tags/"}


@dataclass(frozen=True, slots=True)
class DeleteRef:
    """`branch.delete` and `tag.delete`: recognised by its absence and our own push event that removed it."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note where it is, so that it can be made again; refuse what is not there."""
        kind, name = _aim(permit.action)
        facts = permit.facts
        head = facts.tag.object if facts.tag else facts.branch.head if facts.branch else None
        if head is None:
            raise TargetRefusedError(f"There is no {kind} {name}.", code="stale")
        commit = facts.tag.commit if facts.tag else head
        before = {kind: name, "object": head, "commit": commit, "identity": identity_of(permit).value}
        return Preparation(marker=self.access.marker(permit.action.id), commit=commit, before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Remove it, unless it has moved since."""
        kind, name = _aim(permit.action)
        identity = ForgeIdentity(preparation.before["identity"])
        await self.access.repository.move(
            project_of(permit.action),
            _FOLDERS[kind] + name,
            None,
            expected=preparation.before["object"],
            identity=identity,
        )
        return _removed(kind, name, preparation)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Ask the forge whether it is there, and who removed it."""
        kind, name = _aim(record.action)
        now = await self.access.repository.ref_of(project_of(record.action), _FOLDERS[kind] + name)
        if now == preparation.before["object"]:
            return Reconciliation(happened=False, reason=f"The {kind} {name} is still there.")
        forge = self.access.forge(preparation.before["identity"])
        gone = [
            p for p in await asyncio.to_thread(pushes_of, forge, record, kind, name) if p.action == "removed"
        ]
        if now is not None or len(gone) != 1:
            return Reconciliation(happened=None, reason=f"{name} is at {now}; nothing proves what we did.")
        return Reconciliation(happened=True, performance=_removed(kind, name, preparation))


@dataclass(frozen=True, slots=True)
class CreateTag:
    """`tag.create`: recognised by the commit it names, known before the start."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the commit; refuse a tag that is there already."""
        tag = needed(permit.facts.tag, "tag that was read")
        if tag.commit is not None:
            raise TargetRefusedError(f"The tag {tag.name} is there already.", code="stale")
        commit = needed(tag.to, "commit to tag")
        before = {"tag": tag.name, "commit": None, "identity": identity_of(permit).value}
        return Preparation(marker=self.access.marker(permit.action.id), commit=commit, before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Make it, unless somebody has."""
        _, name = _aim(permit.action)
        await self.access.repository.move(
            project_of(permit.action),
            _FOLDERS["tag"] + name,
            preparation.commit,
            expected=None,
            identity=ForgeIdentity(preparation.before["identity"]),
        )
        return Performance(result={"tag": name, "commit": preparation.commit})

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Ask the forge where the tag is."""
        _, name = _aim(record.action)
        now = await self.access.repository.ref_of(project_of(record.action), _FOLDERS["tag"] + name)
        if now is None:
            return Reconciliation(happened=False, reason=f"There is no tag {name}.")
        if now != preparation.commit:
            return Reconciliation(happened=None, reason=f"{name} is at {now}, not at {preparation.commit}.")
        done = Performance(result={"tag": name, "commit": preparation.commit})
        return Reconciliation(happened=True, performance=done)


def identity_of(permit: Permit) -> ForgeIdentity:
    """Who moves a protected tag: CI runs with the pusher's rights, so `merge` only for commits that were merged.

    Everything else is done as `road`, and refused by the forge where that identity may not.
    """
    tag, change = permit.facts.tag, permit.facts.change
    merged = change is not None and not change.commits and not change.truncated
    return ForgeIdentity.MERGE if tag is not None and tag.protected and merged else ForgeIdentity.ROAD


def _aim(action: Action) -> tuple[str, str]:
    if action.target.tag is not None:
        return "tag", action.target.tag
    return "branch", needed(action.target.branch, "branch")


def _removed(kind: str, name: str, preparation: Preparation) -> Performance:
    return Performance(result={kind: name, "removed_at": preparation.before["commit"]})
