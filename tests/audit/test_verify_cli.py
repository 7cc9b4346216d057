import json
import runpy
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit import verify
from audit.archive import encode_archive
from audit.keys import public_pem
from audit.verify import main, printable
from tests.audit.world import EVENT_KEY, ORIGIN, STRANGER_KEY, VKEY, members_of, sealed


@pytest.fixture
def bundle(tmp_path: Path, later: bytes) -> Path:
    path = tmp_path / "x.evidence.tar"
    path.write_bytes(later)
    return path


def test_a_good_bundle_gives_0_and_says_what_was_proved(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(bundle), "--key", str(VKEY)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"verified: 7 events, leaves 5 to 11 of {ORIGIN}"
    assert lines[2:4] == [
        "private values: 5 shown and right, 0 not shown",
        "votes: 1 prove themselves, 1 on the gateway's word, 0 by keys outside this bundle",
    ]
    assert lines[4].startswith("covered by no signature: README.md, policies/")


def test_a_changed_bundle_gives_1_and_the_first_problem(
    bundle: Path, later: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = members_of(later)["events.dsse.jsonl"].splitlines(keepends=True)
    bundle.write_bytes(sealed({**members_of(later), "events.dsse.jsonl": b"".join(lines[1:])}))

    assert main([str(bundle), "--key", str(VKEY)]) == 1
    assert capsys.readouterr().out == (
        "NOT VERIFIED: leaf 5: leaf 6 stands where this leaf is expected\n"
        "Events are missing from the bundle, or were added to it.\n"
    )


def test_the_verdict_can_be_had_as_json(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(bundle), "--json", "--key", str(VKEY)]) == 0
    good = json.loads(capsys.readouterr().out)
    assert main([str(bundle), "--json", "--key", str(STRANGER_KEY.vkey(ORIGIN))]) == 1
    bad = json.loads(capsys.readouterr().out)

    assert (good["ok"], good["entries"], good["range"], good["first_problem"]) == (True, 7, [5, 12], None)
    assert good["votes"] == {"self_verifying": 1, "gateway_attested": 1, "key_not_in_bundle": 0}
    assert (bad["ok"], bad["first_problem"]["index"]) == (False, None)
    assert bad["first_problem"]["what"].startswith("checkpoint-end: ")


def test_the_key_can_be_read_from_a_file(bundle: Path, tmp_path: Path) -> None:
    pinned = tmp_path / "log.vkey"
    pinned.write_text(f"{VKEY}\n")

    assert main([str(bundle), "--key", str(pinned)]) == 0


def test_further_event_keys_come_from_files(bundle: Path, later: bytes, tmp_path: Path) -> None:
    pem = tmp_path / "event.pem"
    pem.write_text(public_pem(EVENT_KEY.public))
    bundle.write_bytes(sealed({**members_of(later), "keys.jsonl": b""}))

    assert main([str(bundle), "--key", str(VKEY)]) == 1
    assert main([str(bundle), "--key", str(VKEY), "--event-key", str(pem)]) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.tar", "--key", str(VKEY)], "No such file"),
        (["{bundle}", "--key", "missing.vkey"], "No such file"),
        (["{bundle}", "--key", "a+b"], "not an Ed25519 verifier key"),
        (["{bundle}", "--key", str(VKEY), "--event-key", "{bundle}"], "cannot verify"),
        (["{folder}", "--key", str(VKEY)], "Is a directory"),
    ],
)
def test_what_cannot_be_run_gives_2_and_the_reason(
    bundle: Path, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(bundle=bundle, folder=bundle.parent) for argument in arguments]

    assert main(filled) == 2
    assert reason in capsys.readouterr().err


def test_an_event_key_of_another_kind_gives_2(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = tmp_path / "ec.pem"
    key = generate_private_key(SECP256R1()).public_key()
    pem.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    assert main([str(bundle), "--key", str(VKEY), "--event-key", str(pem)]) == 2
    assert "does not hold an Ed25519 public key" in capsys.readouterr().err


def test_the_module_runs_as_a_program(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["verify.py", str(bundle), "--key", str(VKEY)])

    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(verify.__file__), run_name="__main__")

    assert left.value.code == 0


def test_the_key_must_be_given(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(bundle)])

    assert left.value.code == 2
    assert "--key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ~ text\n", "plain ~ text\n"),
        ("\x1b[31mred\r", "\\x1b[31mred\\r"),
        ("a\u202eb\u200b", "a\\u202eb\\u200b"),
        ("Ü\U0001f600\ud800", "\\xdc\\U0001f600\\ud800"),
    ],
)
def test_nothing_printed_can_move_the_cursor_or_turn_the_text(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_a_forger_writes_reaches_the_terminal_escaped(
    bundle: Path, later: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle.write_bytes(encode_archive({**members_of(later), "\x1b[2J\u202efine": b""}))

    assert main([str(bundle), "--key", str(VKEY)]) == 1
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\\x1b[2J\\u202efine" in out
    assert "\x1b" not in out
