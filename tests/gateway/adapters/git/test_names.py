"""Bytes become text that canonical JSON holds, and never quietly another text."""

import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import canonical_bytes
from gateway.adapters.git.names import message_text, path_text, quoted


@given(st.binary(max_size=60))
def test_every_name_is_text_that_json_can_hold(raw: bytes) -> None:
    text = path_text(raw)
    assert canonical_bytes([text.value])
    if text.usable:
        assert text.value.encode() == raw
    else:
        assert text.value == quoted(raw)


@given(st.binary(max_size=60))
def test_every_message_is_text_that_json_can_hold(raw: bytes) -> None:
    text = message_text(raw)
    assert canonical_bytes([text.value])
    assert "\0" not in text.value
    assert not text.usable or text.value.encode() == raw


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_two_names_never_look_the_same(one: bytes, other: bytes) -> None:
    assert (one == other) == (quoted(one) == quoted(other))


def test_quoting_is_gits_own(tmp_path: Path) -> None:
    names = [b"caf\xe9", b'a"b\\', b"tab\there", b"\x01\x7f\n", "日本".encode()]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in names:
        (Path(str(tmp_path)) / name.decode("utf-8", "surrogateescape")).write_bytes(b"")
    listed = subprocess.run(
        ["git", "-c", "core.quotePath=true", "ls-files", "--others"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert set(listed.stdout.decode().splitlines()) == {quoted(name) for name in names}
