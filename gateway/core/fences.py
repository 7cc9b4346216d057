"""Which lines of a text GitLab would read as commands: all but those inside an unmistakable code fence.

GitLab's extractor and CommonMark disagree about unusual fences, so a fence counts only in a text where every
reader must agree: three backticks at the line's start, closed by exactly three, and nothing outside that could
swallow a fence (tildes, HTML, quote blocks, unpaired backticks). In any other text every line counts.
"""

import re
from collections.abc import Iterator

_OPENS = re.compile(r"```[^`\r\n]*(?:\r\n|\r|\n)?")
_PLAIN = re.compile(r"[^`]*(?:`[^`]+`[^`]*)*")
_SWALLOWS = ("~~~", "<", ">>>", "    ", "\t")
_CLOSES = frozenset({"```", "```\n"})


def lines_that_act(text: str) -> Iterator[tuple[str, bool]]:
    """Every line with its ending, and whether a command on it would act. Joined, the lines are the text."""
    lines = text.splitlines(keepends=True)
    inside = _fenced(lines)
    return ((line, number not in inside) for number, line in enumerate(lines))


def _fenced(lines: list[str]) -> frozenset[int]:
    """The numbers of the lines inside fences, or none when any line leaves a doubt."""
    inside: set[int] = set()
    opened = False
    for number, line in enumerate(lines):
        if opened and line.startswith("```"):
            if line not in _CLOSES:
                return frozenset()
            opened = False
        elif opened:
            inside.add(number)
        elif _OPENS.fullmatch(line):
            opened = True
        elif _doubtful(line):
            return frozenset()
    return frozenset() if opened else frozenset(inside)


def _doubtful(line: str) -> bool:
    stripped = line.lstrip(" ")
    return line.startswith(_SWALLOWS) or stripped.startswith(_SWALLOWS) or not _PLAIN.fullmatch(line)
