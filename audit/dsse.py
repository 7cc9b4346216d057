"""DSSE v1.0.2: signatures over exact bytes together with their type.

https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md and envelope.md
"""

import base64
import hashlib
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EVENT_TYPE = "application/vnd.loopgate.event.v1+json"
"""The payload type of a leaf."""

HEAD_TYPE = "application/vnd.loopgate.head.v1+json"
"""The payload type of the head that each commit signs."""

_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 key bytes in a DER SubjectPublicKeyInfo (RFC 8410 section 4)."""


def pae(payload_type: str, body: bytes) -> bytes:
    """The pre-authentication encoding: what is really signed. Lengths are bytes in ASCII decimal."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def envelope(payload_type: str, body: bytes, key_id: str, signature: bytes) -> dict[str, Any]:
    """The JSON envelope of one signature. `keyid` is a hint that nothing vouches for."""
    return {
        "payload": base64.b64encode(body).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }


def key_id_of(public: bytes) -> str:
    """SHA-256 of the DER SubjectPublicKeyInfo in hex; `openssl pkey -pubin -outform DER | sha256sum` agrees."""
    return hashlib.sha256(_SPKI_PREFIX + public).hexdigest()


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 signature (RFC 8032) over the message is by this key of 32 raw bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
