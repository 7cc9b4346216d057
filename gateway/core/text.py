"""Text that acts: what GitLab and Jira would do on reading a text, found before they read it.

`scan` measures, rules TEXT-001 to TEXT-005 judge; every choice below errs towards finding too much. Sources: GitLab's
quick actions and its extractor (code fences), the default issue closing pattern, Atlassian's smart commits, git's
trailers, Unicode's format characters.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

from gateway.core import secret_detectors
from gateway.core.actions import Redaction
from gateway.core.facts import TextFacts
from gateway.core.fences import lines_that_act

_QUICK_ACTION = re.compile(r"/[A-Za-z][A-Za-z_]*(?=\s|$)")
_CLOSING_WORD = re.compile(
    r"\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?)(?::\s*|\s+)",
    re.IGNORECASE,
)
# A Jira key, but not the beginning of an advisory's name (`CVE-2019-11358`), which reads like one.
_KEY = (
    r"(?!(?:ALAS|ALSA|CVE|DLA|DSA|ELSA|GMS|GO|PYSEC|RHSA|RUSTSEC|USN)-[0-9]+[-:][0-9])"
    r"(?-i:[A-Z][A-Z0-9_]{1,30}-[0-9]{1,10})"
)
_CLOSED = re.compile(
    r"(?:issues?\s{1,8})?("
    r"[A-Za-z0-9_./-]{0,255}#[0-9]{1,12}|\[issue:[A-Za-z0-9_./-]{1,255}\]"
    r"|https?://[^\s<>()]{1,255}/(?:issues|work_items)/[0-9]{1,12}"
    r"|" + _KEY + r")(?:\s{0,8}(?:,\s{0,8})?(?:and\s{1,8})?)",
    re.IGNORECASE,
)
_ISSUE_KEY = re.compile(r"(?<![A-Za-z0-9_])" + _KEY + r"(?![A-Za-z0-9_])")
_SMART_COMMAND = re.compile(r"(?<![A-Za-z0-9_&/])#([A-Za-z][A-Za-z_-]*)")
_MENTION = re.compile(r"(?<![A-Za-z0-9_.@/])@([A-Za-z0-9_][A-Za-z0-9_./-]*)|\[~([^\]\s]{1,255})\]")
_MASS = frozenset({"all", "here", "channel", "everyone", "team"})
_SKIP_CI = re.compile(
    r"\[\s{0,4}(?:ci[\s_-]{1,4}skip|skip[\s_-]{1,4}ci|no[\s_-]{1,4}ci)\s{0,4}\]"
    r"|\bci\.skip\b|\bci\.(?:variable|input)\s{0,4}=|\bintegrations\.skip_ci\b|^\s{0,8}skip-checks\s{0,4}:\s{0,4}true",
    re.IGNORECASE | re.MULTILINE,
)
_IMAGE = re.compile(
    r"!\[[^\]\n]{0,200}\]\s{0,4}[(\[][^)\]\n]{0,500}[)\]]|<\s{0,4}(?:img|image|source|video|audio|embed|object|iframe)\b"
    r"|!(?:https?:)?//[^\s!|]{1,200}",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,20}:)?//([^\s/?#<>\"'()\[\]{}|\\^`]{1,255})", re.IGNORECASE)
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})\s{0,4}:\s{0,4}\S")
_KNOWN_TRAILER = re.compile(
    r"(?:co-authored|signed-off|reviewed|acked|tested|reported|approved|committed|merged)-by$"
)
_SHELL = re.compile(r"[`$;|&<>\\\r\n]")
_SHELL_FIELDS = frozenset({"title", "link_title", "source", "target", "branch", "ref", "tag", "from"})
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_Search = Callable[[str], Iterable[str]]
_MARKER = re.compile(r"<!--\s{0,8}lg-[^>\n]{0,200}-->|lg-[0-9a-f]{16,128}", re.IGNORECASE)


def scan(texts: Mapping[str, str], *, redactions: Iterable[Redaction] = ()) -> TextFacts:
    """What these texts would do or show, each hit as `<field>: <hit>`, sorted and without duplicates.

    `redactions` are the secrets already cut out of the request; they count as secrets of its text.
    """
    found = {kind: _hits(texts, search) for kind, search in _SEARCHES.items()}
    cut = {f"{r.field}: {r.detector}" for r in redactions}
    found["secrets"] = tuple(sorted({*found["secrets"], *cut}))
    return TextFacts(**found, shell=_shell_hits(texts), total=_total(found, texts))


def harmless(text: str) -> str:
    """The text as the gateway writes it: quick actions do not act, and markers only the gateway may set are gone."""
    unmarked = _MARKER.sub("[marker removed]", text)
    return "".join(_encoded(line) if acts else line for line, acts in lines_that_act(unmarked))


def show(text: str, *, kept: str = "\n\t") -> str:
    """The text for people: every control, format and invisible character but those of `kept` as `⟨U+202E⟩`."""
    return "".join(f"⟨U+{ord(c):04X}⟩" if is_unseen(c) and c not in kept else c for c in text)


def is_unseen(character: str) -> bool:
    """Whether a character has no shape of its own: control, format, separator of lines, filler, lone surrogate."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character in _INVISIBLE


def _hits(texts: Mapping[str, str], search: _Search) -> tuple[str, ...]:
    found = {(field, hit) for field, text in texts.items() for hit in search(text)}
    return tuple(sorted({f"{field}: {show(hit, kept='')}" for field, hit in found}))


def _shell_hits(texts: Mapping[str, str]) -> tuple[str, ...]:
    titles = {f: t for f, t in texts.items() if f.rsplit("/", 1)[-1] in _SHELL_FIELDS}
    return _hits(titles, _SHELL.findall)


def _total(found: Mapping[str, tuple[str, ...]], texts: Mapping[str, str]) -> int:
    return sum(len(hits) for hits in found.values()) + len(_shell_hits(texts))


def _encoded(line: str) -> str:
    at = _first_seen(line)
    return f"{line[:at]}&#47;{line[at + 1 :]}" if line[at : at + 1] == "/" else line


def _first_seen(line: str) -> int:
    return next((n for n, c in enumerate(line) if not (c.isspace() or is_unseen(c))), len(line))


def _quick_actions(text: str) -> Iterator[str]:
    for line, acts in lines_that_act(text):
        word = _QUICK_ACTION.match(line, _first_seen(line)) if acts else None
        if word:
            yield word.group()


def _closes(text: str) -> Iterator[str]:
    """Each closing word with every reference of the list behind it."""
    for word in _CLOSING_WORD.finditer(text):
        at = word.end()
        while reference := _CLOSED.match(text, at):
            yield f"{word.group().strip()} {reference.group(1)}"
            at = reference.end()


def _issue_keys(text: str) -> list[str]:
    return _ISSUE_KEY.findall(text)


def _smart_commits(text: str) -> Iterator[str]:
    """Every command behind an issue key, on whatever line: parsers differ on where a smart commit ends."""
    key = _ISSUE_KEY.search(text)
    for command in _SMART_COMMAND.finditer(text, key.end()) if key else ():
        yield f"#{command.group(1)}"


def _named(text: str) -> Iterator[str]:
    return (m.group(1) or m.group(2) for m in _MENTION.finditer(text))


def _mentions(text: str) -> Iterator[str]:
    return (f"@{name.rstrip('.-/')}" for name in _named(text))


def _mass_mentions(text: str) -> Iterator[str]:
    """`@all` and its like, and whatever has a slash: a group with all its members."""
    return (m for m in _mentions(text) if m[1:].lower() in _MASS or "/" in m)


def _skips(text: str) -> Iterator[str]:
    return (m.group().strip() for m in _SKIP_CI.finditer(text))


def _images(text: str) -> Iterator[str]:
    return (m.group()[:200] for m in _IMAGE.finditer(text))


def _links(text: str) -> Iterator[str]:
    """The hosts of all links, without user name and port, in lower case."""
    return (m.group(1).rsplit("@", 1)[-1].split(":")[0].lower() for m in _LINK.finditer(text))


def _trailers(text: str) -> Iterator[str]:
    """The lines of the last paragraph that read as trailers, and well-known trailers wherever they stand."""
    paragraphs = re.split(r"\n[ \t]*\n", text.strip())
    last = paragraphs[-1] if len(paragraphs) > 1 else ""
    for part, everything in ((text, False), (last, True)):
        for line in part.splitlines():
            trailer = _TRAILER.match(line.strip())
            if trailer and (everything or _KNOWN_TRAILER.match(trailer.group(1).lower())):
                yield line.strip()[:200]


def _unseen(text: str) -> Iterator[str]:
    return (f"U+{ord(c):04X}" for c in set(text) if is_unseen(c) and c not in "\n\r\t")


def _secrets(text: str) -> Iterator[str]:
    return (hit.detector for hit in secret_detectors.find(text))


_SEARCHES: dict[str, _Search] = {
    "quick_actions": _quick_actions,
    "closes": _closes,
    "issue_keys": _issue_keys,
    "smart_commits": _smart_commits,
    "mentions": _mentions,
    "mass_mentions": _mass_mentions,
    "skip_ci": _skips,
    "images": _images,
    "links": _links,
    "trailers": _trailers,
    "bidi": _unseen,
    "secrets": _secrets,
}
