"""Digests of values: SHA-256 over RFC 8785 JSON."""

import hashlib
from typing import Any

from pydantic import BaseModel

from audit.canonical import canonical_bytes


def digest_of(value: BaseModel | dict[str, Any] | list[Any]) -> str:
    """The SHA-256 of a value's RFC 8785 form, as 64 lower-case hex digits.

    Raises `audit.canonical.CanonicalError` for floats, non-ASCII keys and lone surrogates.
    """
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return hashlib.sha256(canonical_bytes(plain)).hexdigest()


def sha256_text(text: str) -> str:
    """The SHA-256 of a text's UTF-8 bytes, as 64 lower-case hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
