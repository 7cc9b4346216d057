"""Five detectors of secrets, precise enough to deny on: what they find is certainly shaped like a credential.

Every expression runs in linear time. A hit says where, never what. Formats: GitLab's token overview and its routable
tokens, Atlassian's API tokens, AWS's unique identifiers of IAM, RFC 7468 private keys, and this gateway's own tokens.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# An instance may put its own word and a hyphen before GitLab's prefix, so only letters and digits rule a hit out.
_LEFT = r"(?<![A-Za-z0-9])"
_GITLAB_KINDS = ("pat", "oas", "dt", "rtr", "rt", "cbt", "ptt", "ft", "imt", "agent", "wt", "soat", "ffct")
_GITLAB_PREFIXES = (*(f"gl{kind}-" for kind in _GITLAB_KINDS), "GR1348941")
_GITLAB = re.compile(
    _LEFT + f"(?:{'|'.join(_GITLAB_PREFIXES)})" + r"[0-9A-Za-z_-]{20,}(?:\.[0-9a-z]{2,9}){0,2}"
)
_ATLASSIAN = re.compile(_LEFT + r"AT[AC]TT3[0-9A-Za-z_=-]{30,}")
_AWS_ID = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])")
_AWS_SECRET = re.compile(
    r"(?i:aws_?secret_?(?:access_?)?key)[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_LOOPGATE = re.compile(_LEFT + r"lg_[0-9A-Za-z_-]{43}(?![0-9A-Za-z_-])")
_WORDS = tuple(
    w.encode() for w in (*_GITLAB_PREFIXES, "ATATT3", "ATCTT3", "AKIA", "ASIA", "-----BEGIN", "lg_")
)
# One of these is in every such word: most documents are done with by looking for these few.
_BEGINNINGS = (b"gl", b"GR13", b"TT3", b"IA", b"-----B", b"lg_")
_PEM_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(r"[0-9A-Za-z+/=:,\-\\ \t\r\n\"']*")


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A secret at `text[start:end]`, on line `line` (from 1), found by the detector of that name."""

    start: int
    end: int
    detector: str
    line: int


def find(text: str) -> tuple[Hit, ...]:
    """Every secret in the text, in order, without overlaps."""
    if not _may_hold_one(text):
        return ()
    spans = sorted(span for name, detector in _DETECTORS for span in _spans(name, detector, text))
    return _located(_without_overlaps(spans), text)


def redacted(text: str, hits: tuple[Hit, ...]) -> str:
    """The text with each hit replaced by `{redacted:<detector>}`, which is never longer than what it replaces."""
    parts, done = [], 0
    for hit in hits:
        parts += [text[done : hit.start], f"{{redacted:{hit.detector}}}"]
        done = hit.end
    return "".join([*parts, text[done:]])


def without_secrets(value: Any) -> Any:
    """A JSON value of others, each secret in its texts and names replaced by `{redacted:<detector>}`."""
    if isinstance(value, str):
        return redacted(value, find(value))
    if isinstance(value, dict):
        return {without_secrets(name): without_secrets(below) for name, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(below) for below in value]
    return value


def may_stand_in(document: bytes) -> bool:
    """Whether a JSON document in UTF-8 holds a word without which no secret is; quick, and never wrong about no."""
    begun = any(word in document for word in _BEGINNINGS) and any(word in document for word in _WORDS)
    return begun or b"aws" in document.lower()


def _may_hold_one(text: str) -> bool:
    """Whether the text has a part that some detector needs; said of each as plainly as can be, for most have none."""
    return (
        "gl" in text
        or "GR1348941" in text
        or "TT3" in text
        or "IA" in text
        or "-----BEGIN" in text
        or "lg_" in text
        or "aws" in text.lower()
    )


_Span = tuple[int, int, str]
_Detector = Callable[[str], Iterator[tuple[int, int]]]


def _by(pattern: re.Pattern[str], *words: str) -> _Detector:
    """The pattern's spans; tried only where one of the words without which it cannot match is there at all."""

    def detect(text: str) -> Iterator[tuple[int, int]]:
        if any(word in text for word in words):
            yield from (m.span(pattern.groups) for m in pattern.finditer(text))

    return detect


def _aws_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Forty characters behind the name AWS's own tools give the secret key, in whatever case."""
    if "aws" in text.lower():
        yield from (m.span(1) for m in _AWS_SECRET.finditer(text))


def _private_keys(text: str) -> Iterator[tuple[int, int]]:
    """From BEGIN to its END; without one, as far as the text still looks like the body of a key."""
    at = 0 if "-----BEGIN" in text else len(text)
    while begin := _PEM_BEGIN.search(text, at):
        body = _PEM_BODY.match(text, begin.end())
        end = _PEM_END.search(text, begin.end(), (body.end() if body else begin.end()) + 100)
        at = end.end() if end else (body.end() if body else begin.end())
        yield begin.start(), at


_DETECTORS: tuple[tuple[str, _Detector], ...] = (
    ("gitlab-token", _by(_GITLAB, *_GITLAB_PREFIXES)),
    ("atlassian-token", _by(_ATLASSIAN, "ATATT3", "ATCTT3")),
    ("aws-key", _by(_AWS_ID, "AKIA", "ASIA")),
    ("aws-key", _aws_secrets),
    ("private-key", _private_keys),
    ("loopgate-token", _by(_LOOPGATE, "lg_")),
)
DETECTORS = tuple(dict.fromkeys(name for name, _ in _DETECTORS))
"""The names of all detectors, as hits and documents use them."""


def _spans(name: str, detector: _Detector, text: str) -> Iterator[_Span]:
    return ((start, end, name) for start, end in detector(text))


def _without_overlaps(spans: list[_Span]) -> list[_Span]:
    kept: list[_Span] = []
    for span in spans:
        if kept and span[0] < kept[-1][1]:
            start, end, name = kept.pop()
            kept.append((start, max(end, span[1]), name))
        else:
            kept.append(span)
    return kept


def _located(spans: list[_Span], text: str) -> tuple[Hit, ...]:
    hits, line, done = [], 1, 0
    for start, end, name in spans:
        line += text.count("\n", done, start)
        done = start
        hits.append(Hit(start=start, end=end, detector=name, line=line))
    return tuple(hits)
