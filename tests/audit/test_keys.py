from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit.dsse import is_signed
from audit.errors import KeyFileError
from audit.keys import create_key, load_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "event.pem"


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_key_that_was_made_can_be_loaded_and_signs(path: Path, passphrase: str | None) -> None:
    made = create_key(path, passphrase)

    loaded = load_key(path, passphrase)

    assert loaded.key_id == made.key_id
    assert is_signed(made.public, loaded.sign(b"text"), b"text")


def test_a_key_file_is_for_its_owner_only(path: Path) -> None:
    create_key(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_a_passphrase_encrypts_the_file(path: Path) -> None:
    create_key(path, "correct horse")

    assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_an_existing_key_is_never_overwritten(path: Path) -> None:
    made = create_key(path)

    with pytest.raises(KeyFileError, match="exists already"):
        create_key(path)
    assert load_key(path).key_id == made.key_id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_open_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    create_key(path)
    path.chmod(mode)

    with pytest.raises(KeyFileError, match=f"mode {mode:04o}.*run chmod 600"):
        load_key(path)


@pytest.mark.parametrize("mode", [0o750, 0o701])
def test_a_folder_that_others_can_open_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    create_key(path)
    path.parent.chmod(mode)

    with pytest.raises(KeyFileError, match="run chmod 700"):
        load_key(path)
    with pytest.raises(KeyFileError, match="run chmod 700"):
        create_key(path.with_name("other.pem"))


def test_a_missing_file_is_refused_with_the_remedy(path: Path) -> None:
    with pytest.raises(KeyFileError, match="there is no key file"):
        load_key(path)


@pytest.mark.parametrize(
    ("made_with", "loaded_with", "reason"),
    [
        ("correct horse", None, "needs its passphrase"),
        (None, "correct horse", "has no passphrase"),
        ("correct horse", "wrong horse", "the passphrase is wrong"),
    ],
)
def test_a_wrong_passphrase_is_refused_with_the_reason(
    path: Path, made_with: str | None, loaded_with: str | None, reason: str
) -> None:
    create_key(path, made_with)

    with pytest.raises(KeyFileError, match=reason):
        load_key(path, loaded_with)


def test_a_file_that_is_no_key_is_refused(path: Path) -> None:
    create_key(path)
    path.write_text("not a key")

    with pytest.raises(KeyFileError, match="is damaged"):
        load_key(path)


def test_a_key_of_another_kind_is_refused(path: Path) -> None:
    create_key(path)
    other = generate_private_key(SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    with pytest.raises(KeyFileError, match="does not hold an Ed25519 key"):
        load_key(path)
