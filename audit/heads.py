"""The signed head: what the event key says about the whole log in every commit.

A head is a DSSE signature over the RFC 8785 form of {origin, root, size, time_ms}. It never leaves
the machine; at boot it shows that the stored frontier is the one that was signed.
"""

from typing import NamedTuple

from audit.canonical import canonical_bytes
from audit.dsse import HEAD_TYPE, is_signed, pae


class Head(NamedTuple):
    """How many leaves, their root, and the time of the last one in UTC milliseconds."""

    origin: str
    size: int
    root: bytes
    time_ms: int

    @property
    def message(self) -> bytes:
        """The bytes that are signed (DSSE v1.0.2, PAE)."""
        plain = {"origin": self.origin, "size": self.size, "root": self.root.hex(), "time_ms": self.time_ms}
        return pae(HEAD_TYPE, canonical_bytes(plain))

    def is_signed_by(self, public_key: bytes, signature: bytes) -> bool:
        """Whether the signature is that of the key whose 32 raw bytes are given."""
        return is_signed(public_key, signature, self.message)
