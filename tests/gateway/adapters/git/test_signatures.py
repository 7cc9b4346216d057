"""Commit signatures: made by ssh-keygen through git, checked against the keys of the roster."""

import subprocess
from pathlib import Path

import pytest

from gateway.adapters.git.authorship import Authorship, parsed_commit
from gateway.adapters.git.signatures import SigningKeys, split_signature

_ENV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def run(*args: str, at: Path) -> bytes:
    return subprocess.run(args, cwd=at, env=_ENV, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str, str]:
    """A signed commit, the line of the key that signed it, and that of another key."""
    folder = tmp_path_factory.mktemp("signed")
    for name in ("key", "other"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name, at=folder)
    run("git", "init", "--quiet", ".", at=folder)
    config = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={folder / 'key'}")
    who = ("-c", "user.name=Maya", "-c", "user.email=maya@example.test")
    run("git", *config, *who, "commit", "--quiet", "--allow-empty", "-S", "-m", "Signed", at=folder)
    raw = run("git", "cat-file", "commit", "HEAD", at=folder)
    lines = [(folder / f"{name}.pub").read_text(encoding="utf-8") for name in ("key", "other")]
    return raw, lines[0], lines[1]


def facts(
    raw: bytes, keys: dict[str, tuple[str, ...]], person: str = "prn_maya"
) -> tuple[bool, tuple[str, ...]]:
    authorship = Authorship("gitlab.test", people={"maya@example.test": person}, keys=keys)
    commit = parsed_commit("1" * 40, raw)
    return authorship.fact(commit, "agt_fixer").verified, authorship.claims(commit)


def test_a_signature_by_the_authors_known_key_verifies_the_commit(signed: tuple[bytes, str, str]) -> None:
    raw, key, other = signed

    assert facts(raw, {"prn_maya": (other, key)}) == (True, ("prn_maya",))


def test_who_signed_is_a_maker_too_and_verifies_nobody_elses_commit(signed: tuple[bytes, str, str]) -> None:
    raw, key, _ = signed

    assert facts(raw, {"prn_sam": (key,)}) == (False, ("prn_maya", "prn_sam"))


def test_a_signature_by_an_unknown_key_proves_nothing(signed: tuple[bytes, str, str]) -> None:
    raw, _, other = signed

    assert facts(raw, {"prn_maya": (other,)}) == (False, ("prn_maya",))
    assert facts(raw, {}) == (False, ("prn_maya",))


def test_a_signature_over_other_bytes_proves_nothing(signed: tuple[bytes, str, str]) -> None:
    raw, key, _ = signed

    assert facts(raw.replace(b"Signed", b"Edited"), {"prn_maya": (key,)}) == (False, ("prn_maya",))


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.replace(b"-----BEGIN SSH", b"-----BEGIN PGP"),
        lambda raw: raw.replace(b"gpgsig", b"gpgsug"),
        lambda raw: raw.replace(b"U1NIU0lH", b"AAAAAAAA"),
        lambda raw: raw.replace(b"U1NIU0lH", b"U1NIU0lH!"),
        lambda raw: raw.replace(b"U1NIU0lHAAAAAQ", b"U1NIU0lHAAAAAg"),
        lambda raw: raw.replace(b"U1NIU0lHAAAAAQAAADMA", b"U1NIU0lHAAAAAQAAAP8A"),
    ],
)
def test_a_damaged_signature_is_no_signature(signed: tuple[bytes, str, str], damage: object) -> None:
    raw, key, _ = signed
    assert callable(damage)
    broken = damage(raw)

    assert broken != raw
    assert facts(broken, {"prn_maya": (key,)}) == (False, ("prn_maya",))


def test_what_is_no_key_is_nobodys() -> None:
    keys = SigningKeys({"prn_maya": ("nonsense", "ssh-ed25519 !!", "")})

    assert keys.signer_of(b"", b"") is None
    assert keys.signer_of(b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----", b"") is None


def test_a_commit_without_a_signature_is_signed_by_nobody() -> None:
    raw = b"tree x\nauthor A <a> 0 +0000\n\ngpgsig in the message\n"

    assert split_signature(raw) == (raw, b"")


def test_bots_are_their_owner_and_strangers_are_two_people() -> None:
    bots = {"project_*_bot_*@noreply.gitlab.test": "prn_platform"}
    who = Authorship("gitlab.test", service_accounts=bots)
    raw = (
        b"tree x\nauthor Bot <project_7_bot_9f@noreply.gitlab.test> 0 +0000\ncommitter S <one@x.test> 0 +0000\n\n"
        b"Work\n\nCo-authored-by: Two <two@x.test>\nco-authored-by: nobody\n"
    )

    claims = who.claims(parsed_commit("1" * 40, raw))

    assert claims[0] == "prn_platform"
    assert len(claims) == 4
    assert all(c.startswith("unknown:") and "@" not in c for c in claims[1:])
