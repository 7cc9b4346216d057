"""Closing keywords: which issues a description or commit message closes when it reaches the default branch.

The pattern is GitLab's default `issue_closing_pattern` (docs: Administration, Issue closing pattern).
"""

import re

_KEYWORD = (
    r"\b(?:[Cc]los(?:e[sd]?|ing)|[Ff]ix(?:e[sd]|ing)?|[Rr]esolv(?:e[sd]?|ing)|[Ii]mplement(?:s|ed|ing)?):? +"
)
_ISSUE = r"(?:[\w.\-]+(?:/[\w.\-]+)*)?#\d+"
_LINK = r"https?://[^\s]+?/-/(?:issues|work_items)/\d+"
_ONE = rf"(?:(?:issues? +)?(?:{_LINK}|{_ISSUE}|[A-Z][A-Z0-9_]+-\d+)(?:(?: *,? +and +)|(?: *, *))?)"
_STATEMENT = re.compile(rf"{_KEYWORD}{_ONE}+")
_REFERENCE = re.compile(r"(?P<path>[\w.\-]+(?:/[\w.\-]+)*)?#(?P<iid>\d+)")
_URL = re.compile(r"https?://[^/\s]+/(?P<path>[\w.\-/]+?)/-/(?:issues|work_items)/(?P<iid>\d+)")
_JIRA = re.compile(r"\b[A-Z][A-Z0-9_]+-\d+\b")


def issues_closed_by(text: str, project: str) -> tuple[tuple[str, int], ...]:
    """(project path, iid) of every issue the text closes; a bare `#3` means the given project."""
    group = project.rpartition("/")[0]
    found: dict[tuple[str, int], None] = {}
    for statement in _STATEMENT.findall(text):
        for match in [*_URL.finditer(statement), *_REFERENCE.finditer(_URL.sub(" ", statement))]:
            path = match["path"] or project
            found[(path if "/" in path else f"{group}/{path}", int(match["iid"]))] = None
    return tuple(found)


def keys_closed_by(text: str) -> tuple[str, ...]:
    """Jira keys the text closes, which GitLab's Jira integration transitions."""
    statements = _STATEMENT.findall(text)
    return tuple(
        dict.fromkeys(key for statement in statements for key in _JIRA.findall(_URL.sub(" ", statement)))
    )
