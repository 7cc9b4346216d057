"""Digests of values: SHA-256 over RFC 8785 JSON."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from audit.canonical import canonical_bytes
from audit.remembering import remembered


def digest_of(value: BaseModel | dict[str, Any] | list[Any]) -> str:
    """The SHA-256 of a value's RFC 8785 form, as 64 lower-case hex digits.

    Raises `audit.canonical.CanonicalError` for floats, non-ASCII keys and lone surrogates.
    """
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return hashlib.sha256(canonical_bytes(plain)).hexdigest()


@remembered(64)
def input_bytes(document: Mapping[str, Any]) -> bytes:
    """The RFC 8785 form of a policy input, which is judged, digested and recorded in this form and never changes.

    Raises `audit.canonical.CanonicalError` for floats and NaN, lone surrogates, integers beyond 2^53, deep nesting:
    the engines treat them differently, one of them by aborting.
    """
    return canonical_bytes(dict(document))


def sha256_text(text: str) -> str:
    """The SHA-256 of a text's UTF-8 bytes, as 64 lower-case hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
