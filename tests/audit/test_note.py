import base64

import pytest

from audit.keys import Ed25519Signer
from audit.note import (
    Checkpoint,
    NoteError,
    Vkey,
    check_name,
    open_note,
    parse_checkpoint,
    parse_vkey,
    sign_note,
    signature_line,
)

ORIGIN = "gateway.example/audit/log1"
LOG_KEY = Ed25519Signer.from_seed(bytes(range(0x20)))
WITNESS_SEED = bytes(range(0x20, 0x40))
LOG_VKEY = "gateway.example/audit/log1+9de381b9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
ROOT = bytes.fromhex("2cfef7627597e00b564975774ad728ef210706759fca6d64138c6dfc1cbf2cda")
COSIGNED = (
    "gateway.example/audit/log1\n"
    "3\n"
    "LP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n"
    "\n"
    "— gateway.example/audit/log1 neOBuY7k5IutiwUmQQyci7U3Zl26plXBGLBj6oBYJQuaKtml6ewzLhsylR6usnNeT+qCx/KiUyk2IrNFCODQvZjYhAA=\n"
    "— witness.example/w1 IDJKvgAAAABqsTuA/YhnTpOrxrZ+nbuTFw5LKmEfmTVzv3/rS/Igpdw90uOVPKVPXCEZYL/aKb+jc0uektLdAbJjy7Q4RUSc2ohgDw==\n"
)
TEXT = COSIGNED.partition("\n\n")[0] + "\n"
LOG_LINE, WITNESS_LINE = COSIGNED.splitlines(keepends=True)[-2:]
KEYS = (parse_vkey(LOG_VKEY),)


def test_the_vkey_is_that_of_the_specification() -> None:
    assert str(Vkey(ORIGIN, LOG_KEY.public)) == LOG_VKEY
    assert parse_vkey(f"{LOG_VKEY}\n") == Vkey(ORIGIN, LOG_KEY.public)
    assert str(LOG_KEY.vkey(ORIGIN)) == LOG_VKEY


def test_the_checkpoint_is_signed_as_in_the_specification() -> None:
    checkpoint = Checkpoint(ORIGIN, 3, ROOT)

    assert sign_note(checkpoint.body, ORIGIN, LOG_KEY) == f"{TEXT}\n{LOG_LINE}"
    assert parse_checkpoint(TEXT) == checkpoint


def test_a_cosigned_checkpoint_opens_and_the_unknown_witness_is_passed_over() -> None:
    assert open_note(COSIGNED, KEYS) == TEXT
    assert open_note(f"{TEXT}\n{WITNESS_LINE}{LOG_LINE}", KEYS) == TEXT


def test_the_text_ends_at_the_last_blank_line() -> None:
    text = "first\n\nsecond\n"

    assert open_note(sign_note(text, ORIGIN, LOG_KEY), KEYS) == text


def test_a_note_with_sixteen_signatures_opens() -> None:
    lines = [signature_line(TEXT, f"w{n}", Ed25519Signer.from_seed(bytes([n]) * 32)) for n in range(15)]

    assert open_note(f"{TEXT}\n{''.join(lines)}{LOG_LINE}", KEYS) == TEXT


def test_one_key_may_be_known_under_several_names() -> None:
    other = Vkey("another.example/log", LOG_KEY.public)

    assert open_note(COSIGNED, (other, *KEYS)) == TEXT
    with pytest.raises(NoteError, match="no signature on the note"):
        open_note(COSIGNED, (other,))


def test_a_bad_signature_by_a_known_key_refuses_the_note_even_beside_a_good_one() -> None:
    bad = signature_line("another text\n", ORIGIN, LOG_KEY)

    with pytest.raises(NoteError, match="does not fit"):
        open_note(f"{TEXT}\n{LOG_LINE}{bad}", KEYS)


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (TEXT, "no blank line"),
        (COSIGNED.removesuffix("\n"), "no blank line"),
        (COSIGNED.replace("3\n", "4\n", 1), "does not fit"),
        (COSIGNED.replace("3\n", "3\r\n", 1), "control characters"),
        (f"{TEXT}\n{WITNESS_LINE}", "no signature on the note"),
        (f"{TEXT}\n{LOG_LINE.replace('log1', 'log2')}", "no signature on the note"),
        (f"{TEXT}\n{LOG_LINE.replace('—', '-')}", "canonical form"),
        (f"{TEXT}\n— {ORIGIN} n?\n", "not base64"),
        (f"{TEXT}\n— {ORIGIN} neOBuQ==\n", "canonical form"),
        (f"{TEXT}\n— {ORIGIN} neOBuY9=\n", "canonical form"),
        (f"{TEXT}\n\n", "canonical form"),
    ],
)
def test_a_note_that_is_not_right_is_refused_with_the_reason(note: str, reason: str) -> None:
    with pytest.raises(NoteError, match=reason):
        open_note(note, KEYS)


@pytest.mark.parametrize(
    ("vkey", "reason"),
    [
        ("", "not an Ed25519"),
        ("name", "not an Ed25519"),
        ("name+00000000+?", "not base64"),
        (LOG_VKEY.replace("9de381b9", "9de381b8"), "id does not belong"),
        (LOG_VKEY.replace("log1", "log2"), "id does not belong"),
        (f"x+00000000+{base64.b64encode(bytes([4]) + bytes(32)).decode()}", "not an Ed25519"),
        (f"x+00000000+{base64.b64encode(bytes([1]) + bytes(31)).decode()}", "not an Ed25519"),
        (f"+00000000+{base64.b64encode(bytes([1]) + bytes(32)).decode()}", "cannot name a log"),
    ],
)
def test_a_vkey_that_is_not_right_is_refused_with_the_reason(vkey: str, reason: str) -> None:
    with pytest.raises(NoteError, match=reason):
        parse_vkey(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb"])
def test_a_name_with_a_space_or_a_plus_names_no_log(name: str) -> None:
    with pytest.raises(NoteError, match="cannot name a log"):
        check_name(name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "three lines"),
        (TEXT.removesuffix("\n"), "three lines"),
        (TEXT + "an extension\n", "three lines"),
        (TEXT.replace("3\n", "03\n", 1), "not the size"),
        (TEXT.replace("3\n", "-3\n", 1), "not the size"),
        (TEXT.replace("3\n", "\u0663\n", 1), "not the size"),
        (TEXT.replace("LNo=", "LNo"), "not base64"),
        (TEXT.replace("LNo=", "LNp="), "canonical form"),
        (f"{ORIGIN}\n3\nAAAA\n", "has 3 bytes"),
    ],
)
def test_a_checkpoint_that_is_not_right_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(NoteError, match=reason):
        parse_checkpoint(text)


def test_a_checkpoint_of_an_empty_log_can_be_read() -> None:
    assert parse_checkpoint(Checkpoint(ORIGIN, 0, ROOT).body).size == 0
