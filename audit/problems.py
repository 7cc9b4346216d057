"""How a verifier says no: the first thing wrong, where, and what it means to a reader."""

from dataclasses import dataclass

CHANGED = "The event was changed after it was recorded, or another key signed it."
FORGED = "The checkpoint was changed, or its maker does not hold the key you trust."
OTHER_HISTORY = "Events were changed, removed, added or moved after the checkpoint was signed."
INCOMPLETE = "Events are missing from the bundle, or were added to it."
NOT_AN_EXPORT = "The bundle was changed after it was made, or this log's export did not make it."
UNCERTIFIED = "Somebody signed with a key that this log never accepted, or the bundle lacks its certificate."
VALUE_CHANGED = "The private value shown is not the one that was recorded."
VOTE_FORGED = "The person's key did not sign this vote for this question."


@dataclass(frozen=True)
class Problem:
    """The first thing wrong: at which leaf (None when on no single one), what, and what that means."""

    index: int | None
    what: str
    meaning: str

    def __str__(self) -> str:
        return self.what if self.index is None else f"leaf {self.index}: {self.what}"


class RefusedError(Exception):
    """Verification stops here."""

    def __init__(self, what: str, meaning: str, index: int | None = None) -> None:
        self.problem = Problem(index, what, meaning)
        super().__init__(str(self.problem))
