"""The text of a module and the places its syntax tree speaks of."""

import base64
from collections.abc import Mapping
from typing import Any

from gateway.core.errors import SettingsError


class Source:
    """A module's text by OPA's locations: row and column from 1, and the text that stands there."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: Mapping[str, Any]) -> tuple[int, int]:
        """Where a node begins and ends in the text.

        Raises `SettingsError` when the text there is not what OPA read.
        """
        place = node["location"]
        written = base64.b64decode(place["text"]).decode()
        start = self._starts[place["row"] - 1] + place["col"] - 1
        if not self.text.startswith(written, start):
            # OPA counts columns in bytes; a line with other letters than ASCII is longer in bytes than in letters.
            line = self.text[self._starts[place["row"] - 1] :].encode()
            start = self._starts[place["row"] - 1] + len(line[: place["col"] - 1].decode("utf-8", "replace"))
        if not self.text.startswith(written, start):
            raise SettingsError(
                f"{self.file}:{place['row']}: the file changed while it was read; run it again"
            )
        return start, start + len(written)

    def row(self, offset: int) -> int:
        """The line, from 1, that holds a place of the text."""
        return self.text.count("\n", 0, offset) + 1

    def lines(self, start: int, end: int) -> str:
        """The whole lines that a span touches, as one line."""
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        return " ".join(self.text[first : last if last >= 0 else len(self.text)].split())
