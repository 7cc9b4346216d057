import io
import tarfile
from collections.abc import Callable

import pytest

from audit.archive import (
    REQUIRED_MEMBERS,
    decode_archive,
    encode_archive,
    json_line,
    read_base64,
    read_hashes,
    read_object,
)
from audit.problems import RefusedError

MEMBERS = {name: name.encode() for name in REQUIRED_MEMBERS}
WHOLE = encode_archive(MEMBERS)


def test_what_was_encoded_is_decoded() -> None:
    assert decode_archive(WHOLE) == MEMBERS
    assert encode_archive(dict(reversed(MEMBERS.items()))) == WHOLE


def test_other_tools_can_read_the_archive() -> None:
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as archive:
        assert archive.getnames() == sorted(MEMBERS)
        assert all(member.mtime == member.uid == 0 and member.mode == 0o644 for member in archive)


def entry(
    name: str, content: bytes = b"x", change: Callable[[tarfile.TarInfo], object] | None = None
) -> bytes:
    """One member by hand, with anything in its header."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    if change:
        change(info)
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


@pytest.mark.parametrize(
    "name",
    [
        "../escape",
        "/etc/passwd",
        "policies/../x",
        "policies/x.tar.gz",
        "checkpoint",
        "notes.txt",
        "verify.py/",
        "\u202eyp.yfirev",
    ],
)
def test_a_member_that_does_not_belong_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(RefusedError, match="does not belong in a bundle"):
        decode_archive(entry(name) + WHOLE)


def test_a_member_that_stands_twice_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"holds README\.md twice"):
        decode_archive(entry("README.md") + WHOLE)


@pytest.mark.parametrize("name", REQUIRED_MEMBERS)
def test_a_missing_member_is_refused_by_its_name(name: str) -> None:
    kept = {other: content for other, content in MEMBERS.items() if other != name}

    with pytest.raises(RefusedError, match=f"has no {name}"):
        decode_archive(encode_archive(kept))


def _symlink(info: tarfile.TarInfo) -> None:
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"


@pytest.mark.parametrize(
    "change",
    [
        lambda info: setattr(info, "mtime", 1),
        lambda info: setattr(info, "mode", 0o755),
        lambda info: setattr(info, "uname", "root"),
        _symlink,
    ],
)
def test_a_header_that_says_more_than_name_and_size_is_refused(
    change: Callable[[tarfile.TarInfo], object],
) -> None:
    first = entry("README.md", MEMBERS["README.md"], change)

    with pytest.raises(RefusedError, match="canonical form"):
        decode_archive(first + WHOLE[1024:])


@pytest.mark.parametrize(
    "data",
    [WHOLE[:-1], WHOLE[:-512], WHOLE + b"\0", WHOLE + bytes(512), WHOLE + b"more", WHOLE[:-1] + b"x"],
)
def test_an_archive_that_ends_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match="canonical form, or is cut short"):
        decode_archive(data)


def test_members_in_another_order_are_refused() -> None:
    turned = b"".join(entry(name, MEMBERS[name]) for name in sorted(MEMBERS, reverse=True))

    with pytest.raises(RefusedError, match="canonical form"):
        decode_archive(turned + bytes(1024))


@pytest.mark.parametrize("data", [b"x" * 1024, b"PK\x03\x04" + bytes(600), WHOLE[:100]])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match="cannot be read"):
        decode_archive(data)


@pytest.mark.parametrize("data", [b"", bytes(1024)])
def test_an_archive_of_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match=r"has no README\.md"):
        decode_archive(data)


def test_a_size_below_zero_does_not_send_the_reader_back() -> None:
    header = bytearray(entry("README.md", b""))
    header[124:136] = b"\xff" * 12
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()

    with pytest.raises(RefusedError):
        decode_archive(bytes(header))


def test_a_size_beyond_the_archive_is_refused() -> None:
    with pytest.raises(RefusedError):
        decode_archive(entry("README.md", b"", lambda info: setattr(info, "size", 1 << 32)))


def test_too_large_an_archive_is_not_looked_into() -> None:
    with pytest.raises(RefusedError, match="larger than 100 bytes"):
        decode_archive(WHOLE, max_bytes=100)


def test_too_many_members_are_refused() -> None:
    many = {f"policies/{number:064x}.tar.gz": b"" for number in range(1000)}

    with pytest.raises(RefusedError, match="too many members"):
        decode_archive(encode_archive({**MEMBERS, **many}))


def test_an_object_is_read_as_it_was_written() -> None:
    plain = {"a": 1, "b": ["ü", None]}

    assert read_object("m", json_line(plain)) == plain


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\n",
        b"{} \n",
        b"{}\n{}\n",
        b"[1]\n",
        b"{\n",
        b'{"a":1,"a":1}\n',
        b'{"a":"\\u0062"}\n',
        b'{"a":"\\ud800"}\n',
        b'{"a":"\xff"}\n',
        b'{"b":1,"a":2}\n',
        b"[" * 100_000 + b"\n",
        b'{"a":' + b"1" * 5000 + b"}\n",
        b"{}\r\n",
    ],
)
def test_an_object_with_a_second_way_to_write_it_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedError, match="m is not"):
        read_object("m", content)


@pytest.mark.parametrize("text", ["A", "AB==", "AAAA\n", "A?==", "é", 7, None, ["AAAA"]])
def test_base64_has_one_form(text: object) -> None:
    with pytest.raises(RefusedError, match="m holds"):
        read_base64("m", text)


@pytest.mark.parametrize(
    ("listed", "reason"), [(None, "no list"), ("AAAA", "no list"), (["AAAA"], "32 bytes")]
)
def test_a_list_of_hashes_holds_hashes(listed: object, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        read_hashes("m", listed)
