"""Text that acts: what GitLab and Jira would do on reading a text, found before they read it.

`scan` measures, rules TEXT-001 to TEXT-005 judge; every choice below errs towards finding too much. Sources: GitLab's
quick actions and its extractor (code fences, carriage returns), the default issue closing pattern and the words that
instances add to it, Atlassian's smart commits, git's trailers, Unicode's format characters.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from gateway.core import secret_detectors
from gateway.core.actions import Redaction
from gateway.core.facts import TextFacts
from gateway.core.fences import lines_that_act, without_code
from gateway.core.secret_detectors import without_secrets

_QUICK_ACTION = re.compile(r"/[^\W\d_]\w*(?=\s|$)")
# `complete` and `finish` are in no default pattern; instances add them, and nobody can ask an instance for its own.
_CLOSING_WORD = re.compile(
    r"(?<![A-Za-z0-9_])(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?"
    r"|complet(?:e[sd]?|ing)|finish(?:e[sd]|ing)?)(?::\s*+|\s++)",
    re.IGNORECASE,
)
# An advisory's name (`CVE-2019-11358`) begins like a Jira key.
_NO_ADVISORY = r"(?!(?:ALAS|ALSA|CVE|DLA|DSA|ELSA|GMS|GO|PYSEC|RHSA|RUSTSEC|USN)-[0-9]+[-:][0-9])"
_KEY = _NO_ADVISORY + r"(?-i:[A-Z][A-Z0-9_]{1,30}-[0-9]{1,10})"
_CLOSED = re.compile(
    r"(?:issues?\s++)?("
    r"[A-Za-z0-9_./-]*+[#&][0-9]{1,12}|\[(?:issue|work_item|epic):[A-Za-z0-9_./-]{1,255}\]"
    r"|https?://[^\s<>]{1,2000}?/(?:issues(?:/incident)?|work_items|epics)/[0-9]{1,12}"
    r"|" + _KEY + r")(?:\s*+(?:,\s*+)?(?:and\s++)?)",
    re.IGNORECASE,
)
_ISSUE_KEY = re.compile(r"(?<![A-Za-z0-9_])" + _KEY + r"(?![A-Za-z0-9_])")
# Some readers of commits take keys in lower case.
_ANY_KEY = re.compile(
    r"(?<![A-Za-z0-9_])" + _NO_ADVISORY + r"[A-Z][A-Z0-9_]{1,30}-[0-9]{1,10}(?![A-Za-z0-9_])", re.IGNORECASE
)
_SMART_COMMAND = re.compile(r"(?<!&)#([A-Za-z][A-Za-z0-9_-]*)|&#([A-Za-z][A-Za-z0-9_-]*)(?![A-Za-z0-9_;-])")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@([A-Za-z0-9_][A-Za-z0-9_./-]*)|\[~([^\]\s]{1,255})\]")
_MASS = frozenset({"all", "here", "channel", "everyone", "team"})
_SKIP_CI = re.compile(
    r"\[\s{0,4}(?:ci[\s_-]{1,4}skip|skip[\s_-]{1,4}ci|no[\s_-]{1,4}ci)\s{0,4}\]"
    r"|(?<![A-Za-z0-9_])(?:ci\.skip\b|ci\.(?:variable|input)\s{0,4}=|integrations\.skip_ci\b)|^\s{0,8}skip-checks\s{0,4}:\s{0,4}true",
    re.IGNORECASE | re.MULTILINE,
)
_IMAGE_START = re.compile(r"!\[")
_IMAGE_END = re.compile(r"\]\s{0,4}[(\[]")
_SWALLOWS_BRACKET = re.compile(r"(?:\\.|[^`<\\])*+[`<]", re.DOTALL)
_AIM = re.compile(r"\s{0,4}[(\[]")
_BRACKET = re.compile(r"\\.|!\[|\[|\]|\n[ \t\r]*\n")
_DEFINITION = re.compile(r"^\s{0,8}\[[^\]]{1,999}\]:", re.MULTILINE)
_UPLOADED = re.compile(r"!\[[^\[\]]*\]\(/uploads/[0-9a-f]{32}/[A-Za-z0-9_.-]+\)")
_SHOWS_IMAGE = re.compile(
    r"<\s{0,4}(?:img|image|source|video|audio|embed|object|iframe|picture|track|input|link|style|svg|use|base|meta)\b"
    r"|\bbackground\s{0,4}=|\burl\(\s{0,4}[\"']?(?:https?:)?//|!(?:https?:)?//[^\s!|]{1,200}",
    re.IGNORECASE,
)
_HOST = r"(\[[0-9A-Fa-f:.%]{2,60}\]|[^\s/?#<>\"'()\[\]{}|\\^`]{1,255})"
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}:[/\\]{2,}(?:[^\s/@\\]{0,255}@)?"
    + _HOST
    + r"|(?<![A-Za-z0-9:/\\])[/\\]{2}(?=[^\s/?#]{0,255}[.\[@])(?:[^\s/@\\]{0,255}@)?"
    + _HOST
    + r"|(?<![A-Za-z0-9./@-])(www\.[^\s/?#<>\"'()\[\]{}|\\^`]{1,255})",
    re.IGNORECASE,
)
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})\s{0,4}:\s{0,4}\S")
_KNOWN_TRAILER = re.compile(
    r"(?:co-authored|signed-off|reviewed|acked|tested|reported|approved|committed|merged)-by$"
)
# What a shell carries out is one hit: `$(`, `${`, `<(`, `>(`, `&&`. A lone `&`, `<`, `>` or `$` is another.
_SHELL = re.compile(r"\$[({]|[<>]\(|&&|[`$;|&<>\\\r\n]")
_SHELL_FIELDS = frozenset({"title", "link_title", "source", "target", "branch", "ref", "tag", "from"})
_LONGEST_HIT = 300  # cut after the secrets are out, so that no half of one is left
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_MARKDOWN = frozenset({"description", "body"})


class _Text(NamedTuple):
    """A text as it came, without what is surely code where Markdown is read, and that with its entities decoded."""

    raw: str
    read: str
    decoded: str
    is_markdown: bool


_Search = Callable[[_Text], Iterable[str]]
_MARKER = re.compile(r"<!--\s{0,8}lg-[^>\n]{0,200}-->|lg-[0-9a-f]{16,128}", re.IGNORECASE)


def scan(texts: Mapping[str, str], *, redactions: Iterable[Redaction] = ()) -> TextFacts:
    """What these texts would do or show, each hit as `<field>: <hit>`, sorted and without duplicates.

    `redactions` are the secrets already cut out of the request; they count as secrets of its text.
    """
    read = {field: _read(field, text) for field, text in texts.items()}
    titles = {field: text for field, text in read.items() if _last(field) in _SHELL_FIELDS}
    found = {kind: _hits(read, search) for kind, search in _SEARCHES.items()}
    found["shell"] = _hits(titles, _shell)
    cut = {f"{r.field}: {r.detector}" for r in redactions}
    found["secrets"] = tuple(sorted({*found["secrets"], *cut}))
    return TextFacts(**found, total=sum(len(hits) for hits in found.values()))


def harmless(text: str) -> str:
    """The text as the gateway writes it: quick actions do not act, and markers only the gateway may set are gone."""
    unmarked = _MARKER.sub("[marker removed]", text)
    return "".join(_encoded(line) if acts else line for line, acts in lines_that_act(unmarked))


def show(text: str, *, kept: str = "\n\t") -> str:
    """The text for people: every control, format and invisible character but those of `kept` as `⟨U+202E⟩`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"⟨U+{ord(c):04X}⟩" if is_unseen(c) and c not in kept else c for c in text)


def is_unseen(character: str) -> bool:
    """Whether a character has no shape of its own: control, format, separator of lines, filler, lone surrogate."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character in _INVISIBLE


def _last(field: str) -> str:
    return field.rsplit("/", 1)[-1]


def _read(field: str, text: str) -> _Text:
    """Entities (`&#64;all`) are decoded before GitLab looks for mentions and links, but after images and tags."""
    is_markdown = _last(field) in _MARKDOWN
    read = without_code(text) if is_markdown else text
    decoded = f"{read}\n{html.unescape(read)}" if "&" in read else read
    return _Text(text, read, decoded, is_markdown)


def _hits(texts: Mapping[str, _Text], search: _Search) -> tuple[str, ...]:
    found = {(field, hit) for field, text in texts.items() for hit in search(text)}
    return tuple(
        sorted({f"{field}: {show(without_secrets(hit)[:_LONGEST_HIT], kept='')}" for field, hit in found})
    )


def _encoded(line: str) -> str:
    at = _first_seen(line)
    return f"{line[:at]}&#47;{line[at + 1 :]}" if line[at : at + 1] == "/" else line


def _first_seen(line: str) -> int:
    return next((n for n, c in enumerate(line) if not (c.isspace() or is_unseen(c))), len(line))


def _quick_actions(text: _Text) -> Iterator[str]:
    """Commands as the text stands, and as it stands once GitLab has taken out every carriage return."""
    for reading in {text.raw, text.raw.replace("\r", "")}:
        for line, acts in lines_that_act(reading):
            at = _first_seen(line) if acts and "/" in line else len(line)
            word = _QUICK_ACTION.match(_visible(line[at:])) if line[at : at + 1] == "/" else None
            if word:
                yield word.group()


def _visible(line: str) -> str:
    return "".join(c for c in line if c.isspace() or not is_unseen(c))


def _closes(text: _Text) -> Iterator[str]:
    """Each closing word with every reference of the list behind it."""
    for word in _CLOSING_WORD.finditer(text.raw):
        at = word.end()
        while reference := _CLOSED.match(text.raw, at):
            yield f"{word.group().strip()} {reference.group(1)}"
            at = reference.end()


def _issue_keys(text: _Text) -> list[str]:
    return _ISSUE_KEY.findall(text.raw)


def _smart_commits(text: _Text) -> Iterator[str]:
    """Every command behind an issue key, on whatever line: parsers differ on where a smart commit ends.

    In Markdown, which no reader of commits sees, the fragment of a link is none.
    """
    raw = _ADDRESS.sub(" ", text.raw) if text.is_markdown else text.raw
    key = _ANY_KEY.search(raw) if "#" in raw else None
    for command in _SMART_COMMAND.finditer(raw, key.end()) if key else ():
        yield f"#{command.group(1) or command.group(2)}"


def _mentions(text: _Text) -> Iterator[str]:
    named = (m.group(1) or m.group(2) for m in _MENTION.finditer(text.decoded))
    return (f"@{name.rstrip('.-/')}" for name in named)


def _mass_mentions(text: _Text) -> Iterator[str]:
    """`@all` and its like, and whatever has a slash: a group with all its members."""
    return (m for m in _mentions(text) if m[1:].lower() in _MASS or "/" in m)


def _skips(text: _Text) -> Iterator[str]:
    return (m.group().strip() for m in _SKIP_CI.finditer(text.raw))


def _images(text: _Text) -> Iterator[str]:
    """Whatever may load a picture. An upload to the same project is none; an address behind a definition may be any."""
    read = _UPLOADED.sub(" ", text.read)
    starts = _likely_images if _SWALLOWS_BRACKET.match(read) else _sure_images
    for start in starts(read) if "![" in read else ():
        yield " ".join(read[start : start + 2000].split())
    yield from (m.group() for m in _SHOWS_IMAGE.finditer(read))


def _sure_images(read: str) -> Iterator[int]:
    """Where an image begins: its alternative text may span lines and hold brackets, in pairs."""
    defined = bool(_DEFINITION.search(read))
    opened: list[tuple[int, bool]] = []
    for found in _BRACKET.finditer(read):
        sign = found.group()
        if sign in {"[", "!["}:
            opened.append((found.start(), sign == "!["))
        elif sign[0] == "\n":
            opened.clear()
        elif sign == "]" and opened:
            start, is_image = opened.pop()
            if is_image and (defined or _AIM.match(read, found.end())):
                yield start


def _likely_images(read: str) -> Iterator[int]:
    """The same where code or tags may swallow a bracket: any end behind a start may be its end."""
    last = max((m.start() for m in _IMAGE_END.finditer(read)), default=0)
    end = len(read) if _DEFINITION.search(read) else last
    return (m.start() for m in _IMAGE_START.finditer(read, 0, end))


def _links(text: _Text) -> Iterator[str]:
    """The hosts of all links as a browser would ask for them: without user name, port and final dot, in lower case."""
    for match in _LINK.finditer(text.decoded):
        host = _visible(next(part for part in match.groups() if part)).rsplit("@", 1)[-1]
        bare = host if host.startswith("[") else host.split(":")[0]
        yield unicodedata.normalize("NFKC", bare).lower().rstrip(".,;!")


def _trailers(text: _Text) -> Iterator[str]:
    """The lines of the last paragraph that read as trailers, and well-known trailers wherever they stand."""
    paragraphs = re.split(r"\n[ \t\r]*\n", text.raw.strip())
    last = paragraphs[-1] if len(paragraphs) > 1 else ""
    for part, everything in ((text.raw, False), (last, True)):
        for line in part.splitlines():
            trailer = _TRAILER.match(line.strip())
            if trailer and (everything or _KNOWN_TRAILER.match(trailer.group(1).lower())):
                yield line.strip()


def _unseen(text: _Text) -> Iterator[str]:
    return (f"U+{ord(c):04X}" for c in set(text.raw) if is_unseen(c) and c not in "\n\r\t")


def _secrets(text: _Text) -> Iterator[str]:
    return (hit.detector for hit in secret_detectors.find(text.raw))


def _shell(text: _Text) -> list[str]:
    return _SHELL.findall(text.raw)


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
