"""Pictures of the documentation, drawn with rich and exported as SVG."""

import io
import re

from rich.align import Align
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_WIDTH = 108
_STEPS = (
    ("1 authenticate", "who asks, for whom?"),
    ("2 normalise", "what exactly? secrets cut out"),
    ("3 admit", "recorded once per key"),
    ("4 gather", "facts, read by the gateway"),
    ("5 judge", "blast radius, Rego"),
    ("6 hold", "people answer one question"),
    ("7 record", "signed, durable, guarded"),
    ("8 act", "once"),
    ("9 record", "what happened"),
)


def picture_of(console: Console, title: str, unique_id: str) -> str:
    """What a recording console showed, as an SVG document that fetches nothing: no fonts from elsewhere."""
    drawn = console.export_svg(title=title, unique_id=unique_id)
    return re.sub(r"@font-face \{[^}]*\}\s*", "", str(drawn))


def road_picture() -> str:
    """The one road as an SVG document."""
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(
        Group(
            Align.center(
                Text(
                    "agents: REST · command line   (MCP, git, GitLab and Jira dialects follow)",
                    style="bold cyan",
                )
            ),
            Align.center(Text("▼")),
            Panel(_steps(), title="the one road", border_style="cyan"),
            Align.center(Text("▼")),
            Align.center(Text("GitLab (road and merge identity) · Jira", style="bold cyan")),
            Align.center(
                Text("denied, held or refused: a code, facts, what helps, when to retry", style="dim")
            ),
        )
    )
    return picture_of(console, "Loopgate", "loopgate-road")


def _steps() -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    for _ in range(3):
        table.add_column(ratio=1)
    for row in range(0, len(_STEPS), 3):
        table.add_row(*(_step(*step) for step in _STEPS[row : row + 3]))
    return table


def _step(name: str, meaning: str) -> Panel:
    return Panel(Text(meaning, style="dim"), title=name, title_align="left", border_style="green")
