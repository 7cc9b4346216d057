"""GitLab's CODEOWNERS: who owns which path (GitLab, "Code Owners" syntax).

In each section the last pattern that matches a path decides. Lines this reader cannot make sense of are kept aside
in `unread`, so that whoever judges by owners can see that something was lost.
"""

import re
from functools import lru_cache

from gateway.core.model import Model

_SECTION = re.compile(r"(\^?)\[([^\]\n]{1,255})\](?:\[([0-9]{1,3})\])?(?:\s+(.*))?")
_OWNER = re.compile(r"@{1,2}[A-Za-z0-9_][A-Za-z0-9_./-]*|[^\s@]+@[^\s@]+\.[^\s@]+")
_SPLIT = re.compile(r"(?<!\\)\s+")
_DEFAULT_SECTION = "codeowners"


class Entry(Model):
    """One line: a pattern and its owners (`@name`, `@group`, `@@role` or an e-mail address); none means nobody."""

    pattern: str
    owners: tuple[str, ...]
    exclusion: bool = False


class Section(Model):
    """A section; an optional one asks nobody. `approvals` is how many of its owners must agree."""

    name: str
    optional: bool = False
    approvals: int = 1
    entries: tuple[Entry, ...] = ()


class CodeOwners(Model):
    """A whole file. `unread` are the numbers of lines that are neither entry, section nor comment."""

    sections: tuple[Section, ...] = ()
    unread: tuple[int, ...] = ()

    def owners_of(self, path: str) -> tuple[tuple[Section, tuple[str, ...]], ...]:
        """Each section that has owners for the path, with them."""
        found = ((s, _owners_in(s, path)) for s in self.sections)
        return tuple((section, owners) for section, owners in found if owners)

    def required(self, paths: tuple[str, ...]) -> tuple[tuple[Section, tuple[str, ...]], ...]:
        """Every distinct (section, owners) whose agreement these paths need, in the file's order."""
        asked = [pair for path in paths for pair in self.owners_of(path) if not pair[0].optional]
        order = {s.name: n for n, s in enumerate(self.sections)}
        unique = {(s.name, owners): (s, owners) for s, owners in asked}
        return tuple(unique[key] for key in sorted(unique, key=lambda k: (order[k[0]], k[1])))


def parse(text: str) -> CodeOwners:
    """Read a CODEOWNERS file. Never raises: see `CodeOwners.unread`."""
    sections: dict[str, Section] = {}
    defaults: tuple[str, ...] = ()
    name, unread = _DEFAULT_SECTION, []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        heading = _SECTION.fullmatch(line)
        if heading:
            name, defaults = heading.group(2).strip().lower(), _owners(heading.group(4) or "")
            sections[name] = _opened(sections.get(name), heading)
            continue
        entry = _entry(line, defaults)
        if entry is None:
            unread.append(number)
            continue
        section = sections.get(name) or Section(name=name)
        sections[name] = section.model_copy(update={"entries": (*section.entries, entry)})
    return CodeOwners(sections=tuple(sections.values()), unread=tuple(unread))


def _opened(known: Section | None, heading: re.Match[str]) -> Section:
    """A section named twice is one section, optional only when it always is, with the larger number asked."""
    optional, approvals = bool(heading.group(1)), max(1, int(heading.group(3) or 1))
    if known is None:
        return Section(name=heading.group(2).strip().lower(), optional=optional, approvals=approvals)
    both = {"optional": known.optional and optional, "approvals": max(known.approvals, approvals)}
    return known.model_copy(update=both)


def _entry(line: str, defaults: tuple[str, ...]) -> Entry | None:
    pattern, *rest = _SPLIT.split(line)
    if "[" in pattern:
        return None
    said = _owners(" ".join(rest))
    if pattern.startswith("!"):
        return Entry(pattern=_unescaped(pattern[1:]), owners=(), exclusion=True) if len(pattern) > 1 else None
    return Entry(pattern=_unescaped(pattern), owners=said or defaults)


def _owners(text: str) -> tuple[str, ...]:
    """The owners on a line up to a comment; words that are none are left out, as GitLab does."""
    words = text.split(" #", 1)[0].split()
    return tuple(dict.fromkeys(w for w in words if _OWNER.fullmatch(w)))


def _unescaped(pattern: str) -> str:
    return pattern.replace("\\ ", " ").replace("\\#", "#")


def _owners_in(section: Section, path: str) -> tuple[str, ...]:
    hits = [e for e in section.entries if _compiled(e.pattern).fullmatch(path)]
    if not hits or any(e.exclusion for e in hits):
        return ()
    return hits[-1].owners


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """GitLab's patterns: a leading / anchors, a trailing / means everything below, * stays in its folder."""
    body = pattern if pattern.startswith("/") else f"/**/{pattern}"
    body = re.sub(r"(?:\*\*/)+", "**/", f"{body}**/*" if body.endswith("/") else body)
    parts = (_translated(part) for part in re.findall(r"/\*\*/|\*\*|\*|\?|[^*?/]+|/", body))
    return re.compile("".join(parts).removeprefix("/"), re.DOTALL)


def _translated(part: str) -> str:
    known = {"/**/": "/(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(part, re.escape(part))
