"""Values kept beside the log: RFC 9901 (SD-JWT) disclosures.

The leaf holds only the salted digest of a private value. Whoever is shown the disclosure can
check it against the leaf; once the disclosure is deleted, the digest says nothing (a salt of at
least 128 bits makes guessing useless), and every proof of the log goes on working.
"""

import base64
import hashlib
import json
from typing import Any, NamedTuple

from audit.errors import EventError

ALGORITHM = "sha-256"
"""The `_sd_alg` of every leaf (RFC 9901 section 4.1.1)."""

RESERVED_NAMES = frozenset({"_sd", "_sd_alg", "..."})
"""Names that RFC 9901 section 4.2.1 keeps for itself."""

MIN_SALT_CHARACTERS = 22
"""128 bits in base64url without padding (RFC 9901 section 9.3)."""


_NO_DIGEST = "0" * 43


class Disclosure(NamedTuple):
    """One private value: its name, its RFC 9901 text, and the digest that stands in the leaf."""

    name: str
    text: str
    digest: str


def disclose(salt: str, name: str, value: Any) -> Disclosure:
    """Make the disclosure of one named JSON value (RFC 9901 section 4.2.1).

    The JSON is written with Python's default spacing, which is that of the RFC's examples; nobody
    has to write it again to verify. Raises `EventError` for a short salt, a reserved name or a
    value that is not JSON.
    """
    return sealed(salt, name, value_text(name, value))


def value_text(name: str, value: Any) -> str:
    """A private value as it stands in its disclosure; raises `EventError` when it is not JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EventError(f"the private value {name!r} is not JSON: {error}") from error


def sealed(salt: str, name: str, text: str) -> Disclosure:
    """The disclosure of a value whose text `value_text` gave; raises `EventError` as `disclose` does."""
    if len(salt) < MIN_SALT_CHARACTERS:
        raise EventError(
            f"a salt needs at least {MIN_SALT_CHARACTERS} characters (128 bits), not {len(salt)}"
        )
    array = _written(salt, name, text)
    encoded = base64.urlsafe_b64encode(array).rstrip(b"=").decode()
    return Disclosure(name, encoded, digest_of(encoded))


def unsealed(name: str, text: str) -> Disclosure:
    """What stands for a disclosure that is not made yet, as long as the real one; raises `EventError` as `disclose` does."""
    _written("", name, text)
    return Disclosure(name, "", _NO_DIGEST)


def _written(salt: str, name: str, text: str) -> bytes:
    if name in RESERVED_NAMES:
        raise EventError(f"{name!r} is a reserved name: call the private value something else")
    beginning = json.dumps([salt, name], ensure_ascii=False).removesuffix("]")
    try:
        return f"{beginning}, {text}]".encode()
    except UnicodeEncodeError as error:
        raise EventError(f"the private value {name!r} is not JSON: {error}") from error


def digest_of(text: str) -> str:
    """The digest of a disclosure's own text (RFC 9901 section 4.2.3)."""
    hashed = hashlib.sha256(text.encode("ascii")).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def read(text: str) -> tuple[str, str, Any]:
    """The salt, name and value of a disclosure that this log has written."""
    salt, name, value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return salt, name, value
