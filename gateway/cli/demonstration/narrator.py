"""Telling the demonstration: every step is shown, and every step is checked."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
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

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self.console.print()
        self.console.print(Rule(Text(title, style="bold cyan"), align="left", style="cyan"))

    def step(self, sentence: str) -> None:
        """Say what happens next."""
        self._step += 1
        self.console.print(Text(f"{self._step:>2} ", style="bold") + plain(sentence))

    def detail(self, *lines: str) -> None:
        """What the step showed."""
        for line in lines:
            self.console.print(Text("   ") + plain(line), style="dim")

    def findings(self, findings: Iterable[dict[str, Any]]) -> None:
        """The findings of a ruling, one a line."""
        marks = {"deny": ("✗", "red"), "require_approval": ("?", "yellow"), "warn": ("!", "blue")}
        for finding in findings:
            mark, colour = marks.get(finding["effect"], ("·", "white"))
            line = Text(f"   {mark} ", style=colour) + plain(finding["message"])
            self.console.print(line)

    def refused(self, detail: str) -> None:
        """A refusal, with its reason."""
        self.console.print(Text("   refused: ", style="bold red") + plain(detail))

    def good(self, sentence: str) -> None:
        """A step that ended well."""
        self.console.print(Text("   ✓ ", style="green") + plain(sentence))

    def panel(self, title: str, lines: Sequence[str]) -> None:
        """A closing box."""
        self.console.print(
            Panel(plain("\n".join(lines)), title=title, title_align="left", border_style="green")
        )

    def expect(self, what: bool, sentence: str) -> None:
        """Fail the demonstration with a sentence when `what` is not so."""
        if not what:
            raise StoryDiffersError(f"Step {self._step}: {sentence}")
