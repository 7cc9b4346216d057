"""Comments on Jira's issues."""

from dataclasses import dataclass
from typing import Final

from gateway.adapters.jira.adf import document
from gateway.adapters.jira.answers import Comments, Created, Property
from gateway.adapters.jira.operation import (
    PROPERTY,
    Access,
    bears,
    is_ours,
    issue_path,
    mark,
    only,
    own_account,
    params_of,
)
from gateway.adapters.jira.site import segment
from gateway.core.actions import Action
from gateway.core.params import Comment
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class AddComment:
    """`issue.comment`: recognised by the comment's entity property among ours since it started."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the comment itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Add it."""
        text = params_of(permit.action, Comment).body
        body = {"body": document(text), "properties": mark(preparation.marker)}
        created = await self.access.site.post(issue_path(permit.action, "comment"), body, Created)
        return self._result(permit.action, created.id)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our comments since the start, reading each one's property."""
        account = await own_account(self.access)
        path = issue_path(record.action, "comment")
        newest = await self.access.site.get(path, Comments, orderBy="-created", maxResults=_PAGE)
        ours = [c for c in newest.comments if is_ours(c.author, account, c.created, record)]
        marked = [c for c in ours if await self._is_marked(c.id, preparation.marker)]
        return only([self._result(record.action, c.id) for c in marked], "comment")

    async def _is_marked(self, comment_id: str, marker: str) -> bool:
        path = f"/comment/{segment(comment_id)}/properties/{PROPERTY}"
        found = await self.access.site.find(path, Property)
        return found is not None and bears(found.value, marker)

    def _result(self, action: Action, comment_id: str) -> Performance:
        url = f"{self.access.browse}/browse/{action.target.issue}?focusedCommentId={comment_id}"
        return Performance(result={"issue": action.target.issue, "comment": comment_id, "url": url})
