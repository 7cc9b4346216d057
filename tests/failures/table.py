"""`docs/reference/failures.md` as data: one row a fault, each column in a form a test can hold to what happened."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/reference/failures.md"
_ROW = re.compile(r"^\| `(?P<id>[a-z0-9-]+)` \|(?P<cells>.*)\|$")
_WORD = re.compile(r"`([^`]+)`")
_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """What the page promises about one fault; sentences beside the quoted words are for people.

    `answer` is `<status> <code>` or what a command says, `exit` its exit code; `events` those recorded about the
    action after it was judged; `checks` what readiness names; `recovery` the state once the fault has ended.
    """

    id: str
    answer: str
    exit: int
    events: tuple[str, ...]
    checks: tuple[str, ...]
    recovery: str


def rows() -> tuple[Row, ...]:
    """Every row of the page's tables."""
    found = (_ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
    return tuple(_row(match) for match in found if match)


def _row(match: re.Match[str]) -> Row:
    cells = [cell.strip() for cell in match["cells"].split(" | ")]
    assert len(cells) == _COLUMNS, f"{match['id']}: {len(cells)} columns"
    _, answer, event, readiness, recovery = cells
    said = _WORD.findall(answer)
    return Row(
        id=match["id"],
        answer=said[0],
        exit=int(said[1]),
        events=tuple(_WORD.findall(event)),
        checks=tuple(_WORD.findall(readiness)),
        recovery=_WORD.findall(recovery)[0],
    )
