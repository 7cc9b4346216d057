"""The gateway's own notices as comments on Jira's issues, recognised by their entity property."""

from dataclasses import dataclass
from typing import Final

from gateway.adapters.jira.adf import document
from gateway.adapters.jira.answers import Comment, Comments, Created, Property
from gateway.adapters.jira.operation import CLOCKS_APART_MS, PROPERTY, bears, mark, needed
from gateway.adapters.jira.site import Site, segment
from gateway.core.actions import Target
from gateway.core.errors import FactsMissingError

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class JiraNotices:
    """The port `Noticeboard` for one Jira Cloud site."""

    site: Site

    async def bears(self, place: Target, marker: str, *, since_ms: int) -> bool:
        """Whether a comment of ours since then has the marker in its property. Raises `FactsMissingError`."""
        newest = await self.site.get(_path(place), Comments, orderBy="-created", maxResults=_PAGE)
        recent = [c for c in newest.comments if _is_recent(c, since_ms)]
        if len(recent) == _PAGE:
            raise FactsMissingError("Too many comments came since then to look at each.")
        for comment in recent:
            path = f"/comment/{segment(comment.id)}/properties/{PROPERTY}"
            found = await self.site.find(path, Property)
            if found is not None and bears(found.value, marker):
                return True
        return False

    async def post(self, place: Target, markdown: str, marker: str) -> None:
        """Comment once. Raises `TargetRefusedError` or `TargetUnclearError`."""
        body = {"body": document(markdown), "properties": mark(marker)}
        await self.site.post(_path(place), body, Created)


def _path(place: Target) -> str:
    return f"/issue/{segment(needed(place.issue, 'issue'))}/comment"


def _is_recent(comment: Comment, since_ms: int) -> bool:
    return comment.created is None or comment.created.timestamp() * 1000 >= since_ms - CLOCKS_APART_MS
