"""Links from one GitLab issue to another, and files on issues."""

import asyncio
import base64
from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import LinkedIssue, Note, Upload
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.issues import issue_path, note_result, notes_path, our_notes
from gateway.adapters.gitlab.marks import bears, marked, milliseconds, shortly_before
from gateway.adapters.gitlab.operation import Access, only, params_of, project_of
from gateway.adapters.gitlab.values import has_trace
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.params import IssueAttach, IssueLink, LinkKind
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

_KINDS = {
    LinkKind.RELATES: "relates_to",
    LinkKind.BLOCKS: "blocks",
    LinkKind.BLOCKED_BY: "is_blocked_by",
}


@dataclass(frozen=True, slots=True)
class LinkIssue:
    """`issue.link`: a link that was not there before, made since the start, and GitLab's line that we made one."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Refuse what GitLab cannot link, or has linked already."""
        action, kind = permit.action, params_of(permit.action, IssueLink).kind
        if kind not in _KINDS:
            raise TargetRefusedError(f"GitLab has no link that says {kind.value}; use relates.")
        if await asyncio.to_thread(self._links, action):
            raise TargetRefusedError("The two issues are linked already; take that link away first.")
        before = {"linked": None, "other": _other(action)}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:  # noqa: ARG002 - the port's form
        """Link them."""
        action, params = permit.action, params_of(permit.action, IssueLink)
        body: dict[str, Any] = {
            "target_project_id": params.project or project_of(action),
            "target_issue_iid": params.issue,
            "link_type": _KINDS[params.kind],
        }
        await asyncio.to_thread(self.access.road.post, f"{issue_path(action)}/links", body, _Made)
        return _linked(action)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:  # noqa: ARG002 - same
        """Look for the link, and for our trace."""
        return await asyncio.to_thread(self._look, record)

    def _look(self, record: ActionRecord) -> Reconciliation:
        action, since = record.action, milliseconds(shortly_before(record.started_ms or 0))
        found = [link for link in self._links(action) if milliseconds(link.link_created_at) >= since]
        if not found:
            return Reconciliation(happened=False, reason="The two issues are not linked.")
        wanted = _KINDS.get(params_of(action, IssueLink).kind)
        ours = has_trace(self.access, issue_path(action), record.started_ms or 0)
        if found[0].link_type != wanted or not ours:
            return Reconciliation(happened=None, reason="They are linked, but not provably by this action.")
        done = _linked(action).result
        return Reconciliation(
            happened=True, performance=Performance(result={**done, "link_id": found[0].issue_link_id})
        )

    def _links(self, action: Action) -> list[LinkedIssue]:
        rows = self.access.road.whole(f"{issue_path(action)}/links", LinkedIssue)
        return [row for row in rows if row.references.full.lower() == _other(action)]


@dataclass(frozen=True, slots=True)
class AttachFile:
    """`issue.attach`: the file is uploaded, then shown by a comment, which carries the mark."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the comment itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Upload it, then comment. A file that no comment shows is on no issue."""
        action, params = permit.action, params_of(permit.action, IssueAttach)
        path = project_path(project_of(action), "uploads")
        content = base64.b64decode(params.content_base64)
        kind, name = params.content_type, params.filename
        sent = await asyncio.to_thread(self.access.road.upload, path, name, content, kind, Upload)
        body = {"body": marked(f"[{name}]({sent.url})", preparation.marker)}
        note = await asyncio.to_thread(self.access.road.post, notes_path(action), body, Note)
        return note_result(note)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our comments since the start."""
        notes = await asyncio.to_thread(our_notes, self.access, record.action, record.started_ms or 0)
        return only([note_result(n) for n in notes if bears(n, preparation.marker)], "comment")


class _Made(LinkedIssue):
    """The answer to a new link: both issues and the kind, without a number."""

    iid: int = 0
    issue_link_id: int = 0


def _other(action: Action) -> str:
    params = params_of(action, IssueLink)
    return f"{params.project or project_of(action)}#{params.issue}".lower()


def _linked(action: Action) -> Performance:
    kind = params_of(action, IssueLink).kind.value
    return Performance(result={"issue": action.target.issue, "linked": _other(action), "kind": kind})
