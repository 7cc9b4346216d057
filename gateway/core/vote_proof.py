"""What a person's vote key signs, and whether a signature is theirs (approvals.md "assurance"). Pure."""

import base64
import binascii
import hashlib
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.core.digests import sha256_text

_KEY_BYTES = 32


def vote_key_id(public_key: str) -> str | None:
    """The id of a vote key, a digest of its public half (32 bytes in base64); None for what is no base64."""
    try:
        return "key_" + hashlib.sha256(base64.b64decode(public_key, validate=True)).hexdigest()[:32]
    except (binascii.Error, ValueError):
        return None


def vote_message(
    ticket: str, question_digest: str, answer: Literal["approve", "reject"], reason: str
) -> bytes:
    r"""The 32 bytes a vote signs.

    SHA-256 of `loopgate-vote-v1\n<ticket>\n<question digest>\n<approve|reject>\n<hex SHA-256 of the reason>\n`.
    """
    text = f"loopgate-vote-v1\n{ticket}\n{question_digest}\n{answer}\n{sha256_text(reason)}\n"
    return hashlib.sha256(text.encode()).digest()


def verify_vote(
    public_key: str,
    signature: str,
    *,
    ticket: str,
    question_digest: str,
    answer: Literal["approve", "reject"],
    reason: str,
) -> bool:
    """Whether `signature` (base64) over exactly this vote was made with `public_key` (32 bytes in base64)."""
    return verify_signature(public_key, signature, vote_message(ticket, question_digest, answer, reason))


def verify_signature(public_key: str, signature: str, message: bytes) -> bool:
    """Whether an Ed25519 signature holds; anything that is no key or no signature does not."""
    try:
        key, signed = base64.b64decode(public_key, validate=True), base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(key) != _KEY_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signed, message)
    except InvalidSignature:
        return False
    return True
