"""What the command line prints: tables for people, JSON for programs. Agents' text is shown, never interpreted."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.core.text import show

# Sentences are never folded: a path or a one-time code in them is there to be copied. Tables are.
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """Exit codes of every command (api.md)."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    DENIED = 3
    HELD = 4
    IN_DOUBT = 5


def plain(value: Any) -> Text:
    """A value as text: markup off, control and bidirectional characters made visible."""
    return Text(show("" if value is None else str(value)))


def print_json(value: Any) -> None:
    """A value for programs, one document on standard output, in ASCII: nothing in it can steer a terminal."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people; says so when there is nothing."""
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for number, column in enumerate(columns):
        # The first column is what people copy: an id is never broken over lines.
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else plain(cell) for cell in row))
    if table.row_count:
        console.print(table, soft_wrap=False)
    else:
        console.print(plain(f"{title}: none."))


def print_fields(fields: dict[str, Any]) -> None:
    """Names and values, one a line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in fields.items():
        if value not in (None, "", [], {}):
            grid.add_row(name, plain(value))
    console.print(grid, soft_wrap=False)


def print_error(sentence: str, *, hint: str = "") -> None:
    """A sentence a person can act on, on standard error."""
    errors.print(Text("error: ", style="bold red") + _indented(sentence))
    if hint:
        errors.print(Text("hint: ", style="bold yellow") + _indented(hint))


def _indented(sentence: str) -> Text:
    """Further lines stand in, so that no text of others can begin a line with `error:` or `hint:`."""
    return plain(sentence.replace("\n", "\n       "))


def moment(milliseconds: int | None) -> str:
    """A time as people read it, UTC."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
