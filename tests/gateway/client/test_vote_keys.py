"""A vote key: encrypted on disk, never written over, and refused in a sentence when it is not what it must be."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from gateway.client.vote_keys import Profile, VoteKeyFile, public_half, sign_vote
from gateway.core.errors import SettingsError
from gateway.core.vote_proof import verify_vote

PASSPHRASE = "correct horse battery"
PROFILE = Profile(url="http://gateway.test", person="prn_a", key_id="key_1")


def test_a_key_is_private_encrypted_and_opens_with_its_passphrase(tmp_path: Path) -> None:
    keys = VoteKeyFile(tmp_path / "me")
    key = keys.create(PASSPHRASE)
    keys.remember(PROFILE)

    path = tmp_path / "me" / "key.pem"
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert public_half(keys.unlock(PASSPHRASE)) == public_half(key)
    assert keys.profile() == PROFILE


def test_a_vote_signed_here_verifies_there(tmp_path: Path) -> None:
    key = VoteKeyFile(tmp_path).create(PASSPHRASE)
    signature = sign_vote(key, ticket="tkt_1", question_digest="0" * 64, answer="approve", reason="Yes.")

    question = {"ticket": "tkt_1", "question_digest": "0" * 64, "reason": "Yes."}
    assert verify_vote(public_half(key), signature, answer="approve", **question)
    assert not verify_vote(public_half(key), signature, answer="reject", **question)


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    keys = VoteKeyFile(tmp_path)
    keys.create(PASSPHRASE)
    before = (tmp_path / "key.pem").read_bytes()

    with pytest.raises(SettingsError, match="exists already"):
        keys.create(PASSPHRASE)

    assert (tmp_path / "key.pem").read_bytes() == before


def test_a_key_whose_registration_failed_can_be_made_again(tmp_path: Path) -> None:
    keys = VoteKeyFile(tmp_path)
    keys.create(PASSPHRASE)
    keys.forget()

    assert not keys.exists
    assert public_half(keys.create(PASSPHRASE)) == public_half(keys.unlock(PASSPHRASE))


@pytest.mark.parametrize("passphrase", ["", "seven77", "x" * 1001, "ü" * 501])
def test_a_passphrase_too_short_or_too_long_makes_nothing(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(SettingsError, match="8 to 1000"):
        VoteKeyFile(tmp_path / "me").create(passphrase)

    assert not (tmp_path / "me").exists()


def test_a_wrong_passphrase_does_not_open(tmp_path: Path) -> None:
    keys = VoteKeyFile(tmp_path)
    keys.create(PASSPHRASE)

    for wrong in ("", "another passphrase"):
        with pytest.raises(SettingsError, match="does not open"):
            keys.unlock(wrong)


def test_a_key_of_another_kind_or_without_passphrase_is_refused(tmp_path: Path) -> None:
    def pem(lock: serialization.KeySerializationEncryption) -> bytes:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return generate_private_key(SECP256R1()).private_bytes(encoding, form, lock)

    locked = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    for text, words in ((pem(locked), "Ed25519"), (pem(serialization.NoEncryption()), "no encrypted key")):
        (tmp_path / "key.pem").write_bytes(text)
        with pytest.raises(SettingsError, match=words):
            VoteKeyFile(tmp_path).unlock(PASSPHRASE)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", json.dumps({**PROFILE.model_dump(), "more": 1})])
def test_a_damaged_profile_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "profile.json").write_text(text)

    with pytest.raises(SettingsError, match="damaged"):
        VoteKeyFile(tmp_path).profile()


def test_nobody_logged_in_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="loopgate login"):
        VoteKeyFile(tmp_path).profile()
