"""Telling by a comment on the issue or merge request an action concerns.

The gateway's own write to a vendor, so: never before its row is durable, and never twice. Each comment bears a marker
made of what it tells, and is looked for before every attempt (docs/adr/0012).
"""

from collections.abc import Callable, Mapping

from gateway.core.errors import TargetRefusedError
from gateway.core.notices import Matter, Notice, as_markdown
from gateway.core.vocabulary import System
from gateway.ports import Noticeboard


class CommentNotifier:
    """The port `Notifier` over the vendors' comments. `marker` makes `lg-` + HMAC of a text."""

    def __init__(self, boards: Mapping[System, Noticeboard], marker: Callable[[str], str]) -> None:
        self._boards, self._marker = boards, marker

    async def tell(self, matter: Matter, notice: Notice) -> None:
        """Comment once; a comment that is there already is enough. Raises `TargetError`."""
        place = matter.place
        board = self._boards.get(place.system) if place else None
        if place is None or board is None:
            raise TargetRefusedError("No system the gateway is connected to has a place for this comment.")
        mark = self._marker(f"notice|{matter.key}")
        if not await board.bears(place, mark, since_ms=matter.created_ms):
            await board.post(place, as_markdown(notice), mark)
