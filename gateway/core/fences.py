"""Which lines of a text GitLab would read as commands: all but those inside an unmistakable code fence.

GitLab's extractor and CommonMark disagree about unusual fences, so a fence counts only in a text where every
reader must agree: three backticks at the line's start, closed by exactly three, and nothing outside that could
swallow a fence (tildes, HTML, quote blocks, front matter, unpaired backticks, a carriage return that GitLab takes
out before it reads). In any other text every line counts. Sources: GitLab's `QuickActions::Extractor`, its
`QuickActionPipeline` and `FrontMatter`.
"""

import re
from collections.abc import Iterator

_OPENS = re.compile(r"```[^`\r\n]*(?:\r\n|\r|\n)?")
_PLAIN = re.compile(r"[^`]*(?:`[^`]+`[^`]*)*")
_SWALLOWS = ("~~~", "<", ">>>", "    ", "\t", "---", "+++", ";;;")
_CLOSES = frozenset({"```", "```\n", "```\r\n"})
_LONE_RETURN = re.compile(r"\r(?!\n)")
_UNSURE_CODE = re.compile(r"[<\\]|``")
_CODE_SPAN = re.compile(r"`[^`\r\n]+`")


def lines_that_act(text: str) -> Iterator[tuple[str, bool]]:
    """Every line with its ending, and whether a command on it would act. Joined, the lines are the text."""
    lines = text.splitlines(keepends=True)
    inside = _fenced(lines) if "```" in text and not _LONE_RETURN.search(text) else frozenset[int]()
    return ((line, number not in inside) for number, line in enumerate(lines))


def without_code(markdown: str) -> str:
    """The Markdown without its fenced lines and code spans, as far as every reader must take them for code."""
    lines = markdown.splitlines(keepends=True)
    inside = _fenced(lines) if not _LONE_RETURN.search(markdown) else frozenset[int]()
    outside = "".join(line for number, line in enumerate(lines) if number not in inside)
    unfenced = "".join(line for line in outside.splitlines(keepends=True) if not _OPENS.fullmatch(line))
    if _UNSURE_CODE.search(unfenced) or any(_doubtful(line) for line in unfenced.splitlines(keepends=True)):
        return outside
    return _CODE_SPAN.sub(" ", outside)


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
