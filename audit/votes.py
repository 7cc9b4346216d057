"""Votes that prove themselves: a person's own signature over what was asked and answered."""

import hashlib


def vote_key_id(public: bytes) -> str:
    """The id that a vote key goes by: `key_` and the first 32 hex digits of its SHA-256."""
    return "key_" + hashlib.sha256(public).hexdigest()[:32]


def vote_message(ticket: str, question_digest: str, answer: str, reason_sha256: str) -> bytes:
    """The 32 bytes that a person's vote key signs (Ed25519).

    SHA-256 of the UTF-8 text `loopgate-vote-v1`, ticket, question digest (64 lower-case hex
    digits), `approve` or `reject`, and the hex SHA-256 of the reason, a line each.
    """
    text = f"loopgate-vote-v1\n{ticket}\n{question_digest}\n{answer}\n{reason_sha256}\n"
    # A verifier may meet text that is not Unicode; no honest signature fits it, and that is the answer.
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
