"""Which code owners a change needs, as ids of the roster; what their file says in the forge's own names stays there."""

from collections.abc import Callable

from gateway.core.changes import OwnedPart, Ownership
from gateway.core.codeowners import parse

# A clause cannot ask more people (core/rulings.py).
_MOST_APPROVALS = 9

People = Callable[[str], str | None]


def ownership(text: str | None, paths: tuple[str, ...], people: People) -> Ownership:
    """The parts of a CODEOWNERS file that these paths touch. `people` maps a username to a roster id, or None.

    None for the text is a file that could not be read. Groups, roles and addresses are nobody known here.
    """
    if text is None:
        return Ownership(unread=1)
    owners = parse(text)
    parts = tuple(
        OwnedPart(
            section=section.name,
            approvals=min(section.approvals, _MOST_APPROVALS),
            owners=_known(names, people),
        )
        for section, names in owners.required(paths)
    )
    return Ownership(parts=parts, unread=len(owners.unread))


def _known(names: tuple[str, ...], people: People) -> tuple[str, ...]:
    found = {people(name.removeprefix("@")) for name in names if _is_username(name)}
    return tuple(sorted(person for person in found if person))


def _is_username(name: str) -> bool:
    return name.startswith("@") and not name.startswith("@@") and "/" not in name
