"""Comments on commits, which have no number: the mark in the text is all that tells them apart."""

import asyncio
from dataclasses import dataclass

from gateway.adapters.gitlab.answers import CommitNote
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.marks import marked, milliseconds, shortly_before
from gateway.adapters.gitlab.operation import Access, needed, only, params_of, project_of
from gateway.core.actions import Action
from gateway.core.params import Comment
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

_LIMIT = 5000


@dataclass(frozen=True, slots=True)
class CommentOnCommit:
    """`commit.comment`: recognised by the mark among our comments on that commit since it started."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the comment itself, which GitLab's API cannot take away."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Add it."""
        body = {"note": marked(params_of(permit.action, Comment).body, preparation.marker)}
        await asyncio.to_thread(self.access.road.post, _path(permit.action), body, CommitNote)
        return _added(permit.action)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our comments on the commit."""
        notes = await asyncio.to_thread(self.access.road.list, _path(record.action), CommitNote, limit=_LIMIT)
        since = milliseconds(shortly_before(record.started_ms or 0))
        mark, us = f"<!-- {preparation.marker} -->", self.access.road.username
        ours = [n for n in notes if n.author and n.author.username == us and mark in n.note]
        recent = [n for n in ours if milliseconds(n.created_at) >= since]
        return only([_added(record.action) for _ in recent], "comment")


def _path(action: Action) -> str:
    commit = needed(action.target.commit, "commit")
    return project_path(project_of(action), "repository/commits", commit, "comments")


def _added(action: Action) -> Performance:
    return Performance(result={"commit": action.target.commit, "commented": True})
