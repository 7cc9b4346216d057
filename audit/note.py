"""C2SP signed notes (signed-note v1.0.0) and the checkpoints written in them (tlog-checkpoint v1.0.0).

https://c2sp.org/signed-note@v1.0.0 and https://c2sp.org/tlog-checkpoint@v1.0.0
"""

import base64
import hashlib
import re
from typing import NamedTuple, Protocol

from audit.dsse import is_signed
from audit.errors import AuditError
from audit.merkle import HASH_BYTES

ED25519 = 0x01
"""The signature type byte of Ed25519 (signed-note, "Signature types")."""

_NAME = re.compile(r"[^\s+]+")
_KEY_BYTES = 32
_ID_BYTES = 4


class NoteError(AuditError, ValueError):
    """The note, key or checkpoint is not what it should be."""


class Signer(Protocol):
    """Something that can make Ed25519 signatures: a key file, or a key service later."""

    @property
    def public(self) -> bytes:
        """The 32 raw bytes of the public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        ...


class Vkey(NamedTuple):
    """A verifier key: who signs (`name`) and the 32 raw bytes of the Ed25519 public key."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
        typed = bytes([ED25519]) + self.public
        return hashlib.sha256(self.name.encode() + b"\n" + typed).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        typed = base64.b64encode(bytes([ED25519]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{typed}"


class Checkpoint(NamedTuple):
    """The state of a log: its origin, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """Origin, decimal size and base64 root, a line each (tlog-checkpoint, "Note text")."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def check_name(name: str) -> str:
    """Give the name back; raises `NoteError` if it is empty or holds white space or a plus."""
    if not _NAME.fullmatch(name):
        raise NoteError(f"{name!r} cannot name a log: no spaces, no plus sign, not empty")
    return name


def parse_vkey(text: str) -> Vkey:
    """Read `<name>+<hex id>+<base64 of type and key>`; raises `NoteError` if it is not an Ed25519 vkey."""
    name, _, rest = text.strip().partition("+")
    _, _, encoded = rest.partition("+")
    try:
        typed = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise NoteError(f"{text!r} is not a verifier key: its last part is not base64") from error
    if len(typed) != 1 + _KEY_BYTES or typed[0] != ED25519:
        raise NoteError(f"{text!r} is not an Ed25519 verifier key")
    key = Vkey(check_name(name), typed[1:])
    if str(key) != text.strip():
        raise NoteError(f"{text!r} is not a verifier key: its id does not belong to its name and key")
    return key


def sign_note(text: str, name: str, signer: Signer) -> str:
    """The note: text, blank line, one signature line."""
    return f"{text}\n{signature_line(text, name, signer)}"


def signature_line(text: str, name: str, signer: Signer) -> str:
    """`— <name> <base64 of key id and signature>` with its newline."""
    key = Vkey(check_name(name), signer.public)
    blob = base64.b64encode(key.key_id + signer.sign(text.encode())).decode()
    return f"\N{EM DASH} {name} {blob}\n"


def open_note(note: str, keys: tuple[Vkey, ...]) -> str:
    """The text of a note that at least one of `keys` has signed.

    Lines of unknown keys are passed over; a bad signature by a known key refuses the whole note.
    Raises `NoteError`.
    """
    boundary = note.rfind("\n\n")
    if boundary < 0 or not note.endswith("\n"):
        raise NoteError("not a signed note: no blank line between text and signatures")
    text, lines = note[: boundary + 1], note[boundary + 2 : -1].split("\n")
    if any(character < " " and character != "\n" for character in note):
        raise NoteError("not a signed note: it holds control characters")
    # Every line is looked at: a bad signature after a good one refuses the note too.
    if not sum(_line_holds(line, text, keys) for line in lines):
        raise NoteError("no signature on the note is by a key that is trusted")
    return text


def _line_holds(line: str, text: str, keys: tuple[Vkey, ...]) -> bool:
    """Whether the line is by a known key; raises `NoteError` for a malformed line or a bad signature."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    blob = _decode_line(dash, encoded)
    for key in keys:
        if (key.name, key.key_id) == (name, blob[:_ID_BYTES]):
            if not is_signed(key.public, blob[_ID_BYTES:], text.encode()):
                raise NoteError(f"the signature of {key.name} does not fit the note's text")
            return True
    return False


def _decode_line(dash: str, encoded: str) -> bytes:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise NoteError("a signature line of the note is not base64") from error
    if dash != "\N{EM DASH}" or len(blob) <= _ID_BYTES or base64.b64encode(blob).decode() != encoded:
        raise NoteError("a signature line of the note is not in canonical form")
    return blob


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the three lines of a checkpoint; raises `NoteError` for anything else, extension lines too."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:  # noqa: PLR2004 - three lines and the end
        raise NoteError("not a checkpoint of this log: three lines are expected")
    origin, size, root = lines[:3]
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", size):
        raise NoteError(f"{size!r} is not the size of a log")
    checkpoint = Checkpoint(origin, int(size), _decode_root(root))
    if checkpoint.body != text:
        raise NoteError("the checkpoint is not in canonical form")
    return checkpoint


def _decode_root(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NoteError("the root of the checkpoint is not base64") from error
    if len(root) != HASH_BYTES:
        raise NoteError(f"the root of the checkpoint has {len(root)} bytes, not {HASH_BYTES}")
    return root
