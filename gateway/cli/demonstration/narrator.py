"""Telling the demonstration: every step is shown, and every step is checked."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from gateway.cli.terminal import plain
from gateway.core.errors import LoopgateError


class StoryDiffersError(LoopgateError):
    """A step of the demonstration did not end as it must."""

    code = "story_differs"


class Narrator:
    """Prints numbered steps; with `record` the console keeps what it printed for a picture."""

    def __init__(self, *, record: bool = False) -> None:
        self.console = Console(record=record, highlight=False, width=100 if record else None)
        self._step = 0

    @property
    def steps(self) -> int:
        """How many steps were told."""
        return self._step

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self.console.print()
        self.console.print(Rule(Text(title, style="bold cyan"), align="left", style="cyan"))

    def step(self, sentence: str) -> None:
        """Say what happens next."""
        self._step += 1
        self._indented(f"{self._step:>2} ", plain(sentence), "bold")

    def detail(self, *lines: str) -> None:
        """What the step showed."""
        for line in lines:
            self._indented("   ", plain(line), "dim")

    def findings(self, findings: Iterable[dict[str, Any]]) -> None:
        """The findings of a ruling, one a line."""
        marks = {"deny": ("✗", "red"), "require_approval": ("?", "yellow"), "warn": ("!", "blue")}
        for finding in findings:
            mark, colour = marks.get(finding["effect"], ("·", "white"))
            self._indented(f"   {mark} ", plain(finding["message"]), colour)

    def refused(self, detail: str) -> None:
        """A refusal, with its reason."""
        self._indented("   refused: ", plain(detail), "bold red")

    def good(self, sentence: str) -> None:
        """A step that ended well."""
        self._indented("   ✓ ", plain(sentence), "green")

    def _indented(self, lead: str, text: Text, style: str) -> None:
        """A paragraph whose further lines stand under its first word."""
        grid = Table.grid()
        grid.add_column(width=len(lead), no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_row(Text(lead), text)
        self.console.print(grid, style=style)

    def panel(self, title: str, lines: Sequence[str]) -> None:
        """A closing box."""
        self.console.print(
            Panel(plain("\n".join(lines)), title=title, title_align="left", border_style="green")
        )

    def expect(self, what: bool, sentence: str) -> None:
        """Fail the demonstration with a sentence when `what` is not so."""
        if not what:
            raise StoryDiffersError(sentence)
