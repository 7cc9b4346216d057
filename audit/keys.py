"""Ed25519 keys of the log: files for their private halves, facts for their public ones.

A private key is a PKCS#8 PEM file with mode 0600 in a folder with mode 0700. What others can read
or replace is refused: a signature by such a key would prove nothing.
"""

import base64
import os
import stat
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.dsse import key_id_of
from audit.errors import KeyFileError
from audit.model import Model
from audit.note import Vkey, check_name

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyRole(StrEnum):
    """What a key may sign: events and heads, checkpoints, policy bundles, or a person's votes."""

    EVENT = "event"
    CHECKPOINT = "checkpoint"
    POLICY = "policy"
    VOTE = "vote"


class KeyFact(Model):
    """The public half of a key as leaves state it in `data.keys`.

    `public_key` is the base64 of the 32 raw bytes. The `key_id` of an event key is
    `key_id_of` its bytes; people's vote keys also go by `audit.votes.vote_key_id`.
    """

    key_id: str
    role: KeyRole
    algorithm: str = "ed25519"
    public_key: str

    @classmethod
    def of(cls, public: bytes, role: KeyRole) -> Self:
        """State a public key (32 raw bytes) under its own digest."""
        return cls(key_id=key_id_of(public), role=role, public_key=base64.b64encode(public).decode())

    @property
    def public_bytes(self) -> bytes:
        """The 32 raw bytes of the key."""
        return base64.b64decode(self.public_key)

    @property
    def plain(self) -> dict[str, Any]:
        """The JSON object that stands in `data.keys` of a leaf."""
        return self.model_dump(mode="json")


class Ed25519Signer:
    """Signs with a private key held in memory."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public = private_key.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public)

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The signer of a 32-byte seed (RFC 8032 section 5.1.5): for tests and test vectors."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature."""
        return self._private_key.sign(message)

    def vkey(self, origin: str) -> Vkey:
        """The verifier key that outsiders pin, under the name of the log."""
        return Vkey(check_name(origin), self.public)


def public_pem(public: bytes) -> str:
    """The public key as PEM text, for `openssl` and for `verify.py --event-key`."""
    key = Ed25519PublicKey.from_public_bytes(public)
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(encoding, form).decode()


def create_key(path: Path, passphrase: str | None = None) -> Ed25519Signer:
    """Make a new key in a new file and give its signer.

    The folder is made with mode 0700 when missing. Raises `KeyFileError` if the file exists or
    the folder is open to others.
    """
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    _check_folder(path.parent)
    private_key = Ed25519PrivateKey.generate()
    _write_new(path, _pem(private_key, passphrase))
    return Ed25519Signer(private_key)


def _pem(private_key: Ed25519PrivateKey, passphrase: str | None) -> bytes:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    return private_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _write_new(path: Path, content: bytes) -> None:
    """Write and sync a file that must not exist yet, so that no key is ever lost by overwriting."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists already: move it away if you really want another key") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def load_key(path: Path, passphrase: str | None = None) -> Ed25519Signer:
    """Read a key file; raises `KeyFileError` for a missing file, loose modes, or anything but Ed25519 PEM."""
    if not path.is_file():
        raise KeyFileError(
            f"there is no key file {path}: run the init command, or point the settings at the key"
        )
    _check_folder(path.parent)
    _check_modes(path, _FILE_MODE)
    return Ed25519Signer(_parse(path, passphrase))


def _parse(path: Path, passphrase: str | None) -> Ed25519PrivateKey:
    secret = passphrase.encode() if passphrase else None
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), secret)
    except TypeError as error:
        wanted = "has no passphrase, but one was given" if secret else "needs its passphrase"
        raise KeyFileError(f"the key file {path} {wanted}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"the key file {path} is damaged, or the passphrase is wrong") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"the key file {path} does not hold an Ed25519 key")
    return key


def _check_folder(folder: Path) -> None:
    _check_modes(folder, _FOLDER_MODE)


def _check_modes(path: Path, wanted: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        raise KeyFileError(f"{path} is open to others (mode {mode:04o}): run chmod {wanted:o} {path}")
