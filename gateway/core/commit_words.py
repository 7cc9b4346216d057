"""What a rule may know of a commit's message and addresses: its first line, whether it is signed off, a domain.

E-mail addresses are personal: none leaves here.
"""

import re

SUBJECT_LENGTH = 255
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_SIGN_OFF = re.compile(r"^signed-off-by:[^\n<]*<([^<>\n]*)>[ \t]*$", re.IGNORECASE | re.MULTILINE)
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}\.)*[a-z0-9-]{1,63}")
_LONGEST_DOMAIN = 253
_HIDDEN = "<address>"


def subject_of(message: str) -> str:
    """The first line without addresses, what cannot be printed as U+FFFD, and at most 255 characters of it."""
    line = message.split("\n", 1)[0]
    plain = _ADDRESS.sub(_HIDDEN, line[: 4 * SUBJECT_LENGTH])
    return "".join(c if c.isprintable() else "\ufffd" for c in plain[:SUBJECT_LENGTH])


def signed_off(message: str, email: str) -> bool:
    """Whether the author at that address signs the commit off (Developer Certificate of Origin)."""
    wanted = email.strip().lower()
    return bool(wanted) and any(found.strip().lower() == wanted for found in _SIGN_OFF.findall(message))


def domain_of(email: str) -> str | None:
    """The domain of an address in lower case; None for what is no address."""
    name, at, domain = email.strip().rpartition("@")
    plain = domain.lower()
    whole = name and at and len(plain) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(plain)
    return plain if whole else None
