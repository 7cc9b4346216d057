"""A person's vote key: an Ed25519 key, encrypted with a passphrase that only the terminal is asked for."""

import base64
import json
import os
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.core.sign_in import sign_in_message
from gateway.core.vote_proof import vote_message

_SHORTEST_PASSPHRASE, _LONGEST_PASSPHRASE = 8, 1000
_ANEW = "ask an operator for a new one-time code and log in with another --config folder."


class Profile(Model):
    """Who a person is at one gateway; kept beside the encrypted key."""

    url: str
    person: str
    key_id: str


class VoteKeyFile:
    """`key.pem` (PKCS#8, encrypted) and `profile.json` in a 0700 folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def exists(self) -> bool:
        """Whether somebody has logged in here."""
        return (self._folder / "profile.json").exists()

    def create(self, passphrase: str) -> Ed25519PrivateKey:
        """A fresh key, written encrypted. Raises `SettingsError` without a passphrase or over an existing key."""
        _check_passphrase(passphrase)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
        _write_once(self._folder / "key.pem", pem)
        return key

    def remember(self, profile: Profile) -> None:
        """Keep who this is; no secret is in it."""
        _write_once(self._folder / "profile.json", profile.model_dump_json().encode())

    def forget(self) -> None:
        """Remove a key whose registration failed, so that login can be tried again."""
        (self._folder / "key.pem").unlink(missing_ok=True)

    def profile(self) -> Profile:
        """Who logged in here. Raises `SettingsError` when nobody did."""
        if not self.exists:
            raise SettingsError(
                f"Nobody has logged in at {self._folder}; run `loopgate login CODE --url …` first."
            )
        path = self._folder / "profile.json"
        try:
            return Profile(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{path} is damaged; {_ANEW}") from error

    def unlock(self, passphrase: str) -> Ed25519PrivateKey:
        """The key. Raises `SettingsError` for a wrong passphrase and for a file that holds no such key."""
        path = self._folder / "key.pem"
        try:
            pem = path.read_bytes()
        except FileNotFoundError as error:
            raise SettingsError(f"The vote key {path} is gone; {_ANEW}") from error
        try:
            key = serialization.load_pem_private_key(pem, passphrase.encode())
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsError(_unopened(path, pem)) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(f"{path} does not hold an Ed25519 key; {_ANEW}")
        return key


def public_half(key: Ed25519PrivateKey) -> str:
    """The 32 public bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign_challenge(key: Ed25519PrivateKey, key_id: str, challenge: str) -> str:
    """The signature that answers a sign-in challenge, in base64."""
    return base64.b64encode(key.sign(sign_in_message(key_id, challenge))).decode()


def sign_vote(
    key: Ed25519PrivateKey,
    *,
    ticket: str,
    question_digest: str,
    answer: Literal["approve", "reject"],
    reason: str,
) -> str:
    """The signature of a vote (approvals.md "assurance"), in base64."""
    message = vote_message(ticket=ticket, question_digest=question_digest, answer=answer, reason=reason)
    return base64.b64encode(key.sign(message)).decode()


def _check_passphrase(passphrase: str) -> None:
    if not _SHORTEST_PASSPHRASE <= len(passphrase.encode()) <= _LONGEST_PASSPHRASE:
        raise SettingsError(
            f"A vote key needs a passphrase of {_SHORTEST_PASSPHRASE} to {_LONGEST_PASSPHRASE} characters."
        )


def _unopened(path: Path, pem: bytes) -> str:
    if not pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"):
        return f"{path} holds no encrypted key; {_ANEW}"
    return "That passphrase does not open the vote key, or the key file is damaged."


def _write_once(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SettingsError(f"{path} exists already; choose another --config folder or remove it.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
