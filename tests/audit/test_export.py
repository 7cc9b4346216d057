import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from audit import tables
from audit.dsse import EVENT_TYPE, is_signed, pae
from audit.errors import ExportError, LogDamagedError
from audit.events import EventDraft, EventType
from audit.export import Bundle, export_bundle, write_bundle
from tests.audit.world import (
    EVENT_KEY,
    World,
    bundle_of,
    draft,
    members_of,
    verdict_on,
)


def test_the_same_range_always_gives_the_same_bytes(told: World, whole: bytes) -> None:
    assert bundle_of(told) == whole


def test_a_bundle_holds_every_leaf_of_its_range_as_it_was_signed(told: World, whole: bytes) -> None:
    stored = told.connection.execute(select(tables.leaves).order_by(tables.leaves.c.leaf_index)).all()
    lines = [json.loads(line) for line in members_of(whole)["events.dsse.jsonl"].splitlines()]

    assert [line["index"] for line in lines] == list(range(12))
    for line, row in zip(lines, stored, strict=True):
        assert line["envelope"]["signatures"][0]["keyid"] == row.key_id


def test_the_manifest_says_what_is_inside(later: bytes) -> None:
    members = members_of(later)
    manifest = json.loads(members["manifest.json"])

    assert manifest["range"] == [5, 12]
    assert manifest["counts"] == {"certificates": 2, "disclosures": 5, "entries": 7}
    assert manifest["members"] == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in members.items()
        if name != "manifest.json"
    }


@pytest.mark.parametrize(
    ("asked", "covered"),
    [
        ((0, None), (0, 12)),
        ((0, 3), (0, 5)),
        ((0, 5), (0, 5)),
        ((0, 6), (0, 12)),
        ((4, 5), (0, 5)),
        ((5, 12), (5, 12)),
        ((7, 8), (5, 12)),
    ],
)
def test_a_range_is_widened_to_the_checkpoints_around_it(
    told: World, asked: tuple[int, int | None], covered: tuple[int, int]
) -> None:
    bundle = export_bundle(told.connection, *asked)

    assert (bundle.first, bundle.end) == covered
    assert verdict_on(bundle.content).range == covered


@pytest.mark.parametrize(
    ("first", "end"), [(-1, None), (12, None), (12, 12), (5, 5), (6, 5), (0, 13), (0, 0)]
)
def test_a_range_that_no_checkpoint_covers_is_refused(told: World, first: int, end: int | None) -> None:
    with pytest.raises(ExportError, match="the last checkpoint covers 12 leaves"):
        export_bundle(told.connection, first, end)


def test_without_a_checkpoint_there_is_nothing_to_export(log_world: World) -> None:
    with pytest.raises(ExportError, match="publish a checkpoint"):
        export_bundle(log_world.connection)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257])
def test_logs_of_every_awkward_size_are_exported_and_verified(log_world: World, size: int) -> None:
    log_world.append(*(draft(number) for number in range(size - 1)))
    log_world.checkpoint()
    log_world.append(draft(size))
    log_world.checkpoint()

    for first, end in ((0, size), (0, size + 1), (size, size + 1)):
        content = export_bundle(log_world.connection, first, end).content
        verdict = verdict_on(content)
        assert (verdict.ok, verdict.range, verdict.entries) == (True, (first, end), end - first)


def test_private_values_can_be_withheld_by_name(told: World) -> None:
    bundle = export_bundle(told.connection, withheld={"intent", "input"})

    verdict = verdict_on(bundle.content)
    assert (verdict.ok, verdict.disclosed, verdict.undisclosed) == (True, 3, 3)


def test_an_erased_value_leaves_every_proof_working(log_world: World) -> None:
    log_world.append(draft(1, intent="two words"), draft(2, intent="other words"))
    log_world.checkpoint()
    log_world.connection.exec_driver_sql("DELETE FROM audit_disclosures WHERE leaf_index = 1")

    content = bundle_of(log_world)

    verdict = verdict_on(content)
    assert (verdict.ok, verdict.disclosed, verdict.undisclosed) == (True, 1, 1)


def test_only_earlier_leaves_that_state_keys_go_along_as_certificates(log_world: World) -> None:
    changed = EventDraft(type=EventType.PERSON_CHANGED, subject="prn_bob", data={"roles": ["approver"]})
    log_world.append(changed, draft(1))
    log_world.checkpoint()
    log_world.append(draft(2))
    log_world.checkpoint()

    lines = members_of(bundle_of(log_world, 3))["keys.jsonl"].splitlines()

    assert [json.loads(line)["index"] for line in lines] == [0]


def test_policies_go_along_under_their_digest(later: bytes) -> None:
    assert members_of(later)[f"policies/{'d' * 64}.tar.gz"] == b"a policy bundle"


@pytest.mark.parametrize("digest", ["", "d" * 63, "D" * 64, "../" + "d" * 61])
def test_a_policy_without_a_digest_is_refused(told: World, digest: str) -> None:
    with pytest.raises(ExportError, match="is not a policy digest"):
        export_bundle(told.connection, policies={digest: b""})


def test_a_damaged_log_is_not_exported(log_world: World) -> None:
    log_world.append(draft(1))
    log_world.checkpoint()
    log_world.tamper("UPDATE audit_leaves SET leaf_hash = zeroblob(32) WHERE leaf_index = 1")

    with pytest.raises(LogDamagedError, match="not those of the checkpoint of 2 leaves"):
        bundle_of(log_world)


def test_a_bundle_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.evidence.tar"

    write_bundle(path, Bundle(b"content", 0, 1))

    assert path.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [path]


def test_the_readme_tells_how_to_check_one_signature_by_hand(later: bytes) -> None:
    readme = members_of(later)["README.md"].decode()
    line = json.loads(members_of(later)["events.dsse.jsonl"].splitlines()[0])
    match = re.search(r"printf '(DSSEv1 \d+ \S+ )%d '", readme)
    assert match is not None

    body = base64.b64decode(line["envelope"]["payload"])
    message = f"{match[1]}{len(body)} ".encode() + body
    assert message == pae(EVENT_TYPE, body)
    assert is_signed(EVENT_KEY.public, base64.b64decode(line["envelope"]["signatures"][0]["sig"]), message)
    assert "leaves 5 to 11" in readme
