"""The gateway's own notices as notes on GitLab's issues and merge requests, recognised by their mark."""

import asyncio
from dataclasses import dataclass

from gateway.adapters.gitlab.answers import Note
from gateway.adapters.gitlab.forge import Forge, project_path, segment
from gateway.adapters.gitlab.marks import bears, marked, milliseconds, shortly_before
from gateway.adapters.gitlab.operation import needed
from gateway.core.actions import Target

_MOST = 1000


@dataclass(frozen=True, slots=True)
class GitLabNotices:
    """The port `Noticeboard` for one GitLab, as the road identity."""

    road: Forge

    async def bears(self, place: Target, marker: str, *, since_ms: int) -> bool:
        """Whether a note of ours since then bears the marker. Raises `FactsMissingError`."""
        notes = await asyncio.to_thread(
            self.road.list, _path(place), Note, order_by="created_at", sort="desc", limit=_MOST
        )
        since = milliseconds(shortly_before(since_ms))
        return any(
            bears(note, marker)
            for note in notes
            if note.author
            and note.author.username == self.road.username
            and milliseconds(note.created_at) >= since
        )

    async def post(self, place: Target, markdown: str, marker: str) -> None:
        """Write one note. Raises `TargetRefusedError` or `TargetUnclearError`."""
        await asyncio.to_thread(self.road.post, _path(place), {"body": marked(markdown, marker)}, Note)


def _path(place: Target) -> str:
    project = needed(place.project, "project")
    if place.merge_request is not None:
        return project_path(project, "merge_requests", place.merge_request, "notes")
    return project_path(project, "issues", segment(needed(place.issue, "issue")), "notes")
