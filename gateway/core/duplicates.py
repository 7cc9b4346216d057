"""Open work items that may say the same as a new one: compared by the words of their titles. Pure, no float."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from pydantic import Field

from gateway.core.model import Model

MOST_READ = 100
"""How many open items of a project are compared, the newest first: reading is bounded."""
MOST_SHOWN = 5
# A version such as 3.5.0 or CVE-2020-11022 is one word: two updates to different versions are two tasks.
_WORD = re.compile(r"[^\W_]+(?:[.\-][^\W_]+)*")


class OpenItem(Model):
    """An open work item as its tracker lists it."""

    key: str
    title: str
    state: str


class Candidate(Model):
    """An open work item like the new one. `similarity` is in permille: 1000 is the same words."""

    key: str
    similarity: int = Field(ge=0, le=1000)
    state: str


class SimilarFacts(Model):
    """The open work items most like the one to be created, the likest first.

    `looked` is how many were compared; `bounded` says that the tracker may hold more.
    """

    candidates: tuple[Candidate, ...] = ()
    candidates_total: int = 0
    looked: int = 0
    bounded: bool = False


def similar_to(title: str, items: Iterable[OpenItem], *, bounded: bool) -> SimilarFacts:
    """What the policy sees of the open items: keys, states and likeness, never their texts."""
    known = tuple(items)
    wanted = _words(title)
    rated = [
        Candidate(key=item.key, similarity=_likeness(wanted, _words(item.title)), state=item.state)
        for item in known
    ]
    best = sorted((one for one in rated if one.similarity), key=lambda one: (-one.similarity, one.key))
    shown = tuple(best[:MOST_SHOWN])
    return SimilarFacts(candidates=shown, candidates_total=len(shown), looked=len(known), bounded=bounded)


def similarity(one: str, other: str) -> int:
    """How much two titles are alike, in permille, by the words they share (Dice's coefficient over the words)."""
    return _likeness(_words(one), _words(other))


def _words(title: str) -> Counter[str]:
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", title).casefold()))


def _likeness(one: Counter[str], other: Counter[str]) -> int:
    both = one.total() + other.total()
    return 2000 * (one & other).total() // both if both else 0
