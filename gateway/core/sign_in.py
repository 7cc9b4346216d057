"""What a person's vote key signs to get a short token: bound to the key and to one challenge."""

import hashlib


def sign_in_message(key_id: str, challenge: str) -> bytes:
    r"""The 32 bytes to sign with Ed25519: SHA-256 of `loopgate-sign-in-v1\n<key id>\n<challenge>\n`."""
    return hashlib.sha256(f"loopgate-sign-in-v1\n{key_id}\n{challenge}\n".encode()).digest()
