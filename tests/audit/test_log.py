import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from audit import tables
from audit.disclosures import digest_of, read
from audit.dsse import EVENT_TYPE, is_signed, key_id_of, pae
from audit.errors import EventError, LogDamagedError
from audit.events import EventDraft, EventType, free_text
from audit.heads import Head
from audit.keys import KeyFact, KeyRole
from audit.log import Log
from audit.merkle import Frontier, leaf_hash
from audit.note import NoteError, open_note, parse_checkpoint
from tests.audit.world import (
    CHECKPOINT_KEY,
    EVENT_KEY,
    ORIGIN,
    PERSON_KEY,
    START_MS,
    STRANGER_KEY,
    VKEY,
    Clock,
    World,
    draft,
    in_memory,
    keys_draft,
    on_disk,
    sources,
)


def stored_leaves(world: World) -> list[bytes]:
    rows = world.connection.execute(select(tables.leaves.c.leaf).order_by(tables.leaves.c.leaf_index))
    return list(rows.scalars())


def test_leaf_0_opens_the_log_with_its_keys_and_what_was_handed_in(world: World) -> None:
    opened = world.create(KeyFact.of(PERSON_KEY.public, KeyRole.POLICY))

    leaf = json.loads(stored_leaves(world)[0])
    assert (opened.index, opened.type, world.log.size) == (0, EventType.LOG_OPENED, 1)
    assert (leaf["type"], leaf["subject"]) == ("loopgate.log.opened", ORIGIN)
    assert leaf["data"]["policy_digest"] == "a" * 64
    assert [(key["role"], key["key_id"]) for key in leaf["data"]["keys"]] == [
        ("event", EVENT_KEY.key_id),
        ("checkpoint", CHECKPOINT_KEY.key_id),
        ("policy", PERSON_KEY.key_id),
    ]
    assert free_text(leaf) == ()


def test_a_log_can_be_opened_with_nothing_handed_in(world: World) -> None:
    with world.transaction() as connection:
        assert not Log.exists(connection)
        world.log.create(connection)
        assert Log.exists(connection)


def test_a_log_is_opened_once(log_world: World) -> None:
    with (
        pytest.raises(LogDamagedError, match="there is a log in this database already"),
        log_world.transaction(),
    ):
        log_world.log.create(log_world.connection)


def test_appended_events_get_their_places_in_order(log_world: World) -> None:
    recorded = log_world.append(draft(1), draft(2), draft(3))
    further = log_world.append(draft(4))

    assert [entry.index for entry in (*recorded, *further)] == [1, 2, 3, 4]
    assert [entry.subject for entry in recorded] == ["act_0001", "act_0002", "act_0003"]
    assert log_world.log.size == 5


def test_every_leaf_is_signed_hashed_and_stored_as_it_was_signed(log_world: World) -> None:
    (recorded,) = log_world.append(draft(1, intent="two words"))

    row = log_world.connection.execute(select(tables.leaves).where(tables.leaves.c.leaf_index == 1)).one()
    assert is_signed(EVENT_KEY.public, row.signature, pae(EVENT_TYPE, row.leaf))
    assert row.leaf_hash == recorded.leaf_hash == leaf_hash(row.leaf)
    assert (row.event_id, row.type, row.subject) == (recorded.event_id, "action.judged", "act_0001")
    assert json.loads(row.leaf)["id"] == recorded.event_id


def test_private_values_stand_beside_the_log(log_world: World) -> None:
    log_world.append(draft(1, intent="two words", input={"n": 1}), draft(2, intent="other words"))

    rows = log_world.connection.execute(select(tables.disclosures)).all()
    leaves = [json.loads(leaf) for leaf in stored_leaves(log_world)]
    assert sorted((row.leaf_index, row.name, read(row.disclosure)[2]) for row in rows) == [
        (1, "input", {"n": 1}),
        (1, "intent", "two words"),
        (2, "intent", "other words"),
    ]
    for row in rows:
        assert digest_of(row.disclosure) == row.digest
        assert row.digest in leaves[row.leaf_index]["data"]["_sd"]
    assert not any(b"words" in leaf for leaf in stored_leaves(log_world))


def test_every_commit_signs_a_head_over_all_leaves(log_world: World) -> None:
    log_world.append(draft(1), draft(2))

    heads = log_world.connection.execute(select(tables.heads).order_by(tables.heads.c.size)).all()
    hashes = [leaf_hash(leaf) for leaf in stored_leaves(log_world)]
    assert [head.size for head in heads] == [1, 3]
    for row in heads:
        assert row.root == Frontier.of(hashes[: row.size]).root()
        assert Head(ORIGIN, row.size, row.root, row.time_ms).is_signed_by(EVENT_KEY.public, row.signature)


def test_time_only_moves_forward_even_when_the_clock_does_not(log_world: World) -> None:
    first = log_world.append(draft(1), draft(2))
    log_world.clock.now_ms -= 60_000
    second = log_world.append(draft(3))
    log_world.clock.now_ms += 120_000
    third = log_world.append(draft(4))

    times = [entry.time_ms for entry in (*first, *second, *third)]
    assert times == [START_MS + 1, START_MS + 2, START_MS + 3, START_MS + 60_000]
    assert log_world.log.last_time_ms == START_MS + 60_000


def test_appending_nothing_writes_nothing(log_world: World) -> None:
    assert log_world.append() == ()
    assert log_world.connection.execute(select(func.count()).select_from(tables.heads)).scalar() == 1


def test_a_draft_that_may_not_be_recorded_stages_nothing(log_world: World) -> None:
    bad = EventDraft(type=EventType.ACTION_DENIED, subject="act_2", data={"x": 0.5})

    with log_world.transaction() as connection, pytest.raises(EventError, match="is a float"):
        log_world.log.append(connection, [draft(1), bad])

    assert log_world.append(draft(3))[0].index == 1


@pytest.mark.parametrize("reloads", [True, False])
def test_a_crash_between_append_and_commit_loses_only_what_was_not_committed(
    tmp_path: Path, *, reloads: bool
) -> None:
    world = on_disk(tmp_path / "log.db")
    world.create()
    world.connection.exec_driver_sql("BEGIN IMMEDIATE")
    world.log.append(world.connection, [draft(1), draft(2)])
    world.connection.exec_driver_sql("ROLLBACK")
    if reloads:
        world.log.reload(world.connection)

    (recorded,) = world.append(draft(3))

    assert (recorded.index, world.log.size) == (1, 2)
    world.another_log().load(world.connection)
    world.close()


def test_a_commit_that_succeeded_unnoticed_is_continued(log_world: World) -> None:
    with log_world.transaction() as connection:
        log_world.log.append(connection, [draft(1)])
    log_world.log.reload(log_world.connection)

    assert log_world.log.size == 2
    assert log_world.append(draft(2))[0].index == 2
    log_world.another_log().load(log_world.connection)


def test_one_transaction_may_append_more_than_once(log_world: World) -> None:
    with log_world.transaction() as connection:
        log_world.log.append(connection, [draft(1)])
        recorded = log_world.log.append(connection, [draft(2)])
    log_world.log.after_commit(recorded)

    assert log_world.log.size == 3
    log_world.another_log().load(log_world.connection)


def test_a_second_process_may_append_between(log_world: World) -> None:
    other = log_world.another_log(seed=500)
    other.load(log_world.connection)
    with log_world.transaction() as connection:
        other.after_commit(other.append(connection, [draft(1)]))

    assert log_world.append(draft(2))[0].index == 2
    log_world.another_log().load(log_world.connection)


def test_a_database_that_goes_back_under_a_running_process_is_noticed(log_world: World) -> None:
    before = log_world.connection.exec_driver_sql("SELECT hashes, time_ms FROM audit_frontier").one()
    log_world.append(draft(1))
    log_world.tamper("DELETE FROM audit_leaves WHERE leaf_index = 1")
    log_world.tamper("DELETE FROM audit_heads WHERE size = 2")
    log_world.tamper("UPDATE audit_frontier SET size = 1, hashes = ?, time_ms = ?", *before)

    with pytest.raises(LogDamagedError, match="this process committed 2 leaves"):
        log_world.append(draft(2))


@pytest.mark.parametrize("more", [0, 1], ids=["shorter", "of the same length"])
def test_a_reload_never_accepts_less_than_this_process_committed(more: int) -> None:
    """A backup put in place of the database, while the process that knows better still runs."""
    world, older = in_memory(), in_memory()
    world.create()
    older.create()
    world.append(draft(1))
    for _ in range(more):
        older.append(draft(2))

    with pytest.raises(LogDamagedError, match="this process committed 2 leaves"):
        world.log.reload(older.connection)
    world.close()
    older.close()


def test_another_history_of_the_same_length_is_noticed(log_world: World) -> None:
    """Both are signed by the right keys: somebody put another copy of the database in place."""
    log_world.append(draft(1))
    other = in_memory()
    other.create()
    other.append(draft(2))

    with other.transaction() as connection, pytest.raises(LogDamagedError, match="now holds other 2"):
        log_world.log.append(connection, [draft(3)])
    other.close()


def test_a_frontier_that_grew_without_a_signed_head_is_noticed(log_world: World) -> None:
    log_world.tamper("UPDATE audit_frontier SET size = 2, hashes = ?", bytes(32))

    with pytest.raises(LogDamagedError, match="is not the one in the signed head"):
        log_world.append(draft(1))


def test_a_checkpoint_is_a_note_by_the_checkpoint_key(log_world: World) -> None:
    log_world.append(draft(1), draft(2))

    note = log_world.checkpoint()

    checkpoint = parse_checkpoint(open_note(note, (VKEY,)))
    hashes = [leaf_hash(leaf) for leaf in stored_leaves(log_world)]
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 3)
    assert checkpoint.root == Frontier.of(hashes).root()
    assert log_world.log.vkey == str(VKEY)


def test_the_same_size_is_signed_once(log_world: World) -> None:
    first = log_world.checkpoint()

    assert log_world.checkpoint() == first
    assert log_world.connection.execute(select(func.count()).select_from(tables.checkpoints)).scalar() == 1


def test_a_checkpoint_that_would_contradict_an_earlier_one_is_never_signed(log_world: World) -> None:
    log_world.checkpoint()
    log_world.tamper("UPDATE audit_checkpoints SET root = ?", bytes(32))

    with pytest.raises(LogDamagedError, match="which the 1 leaves here do not match"):
        log_world.checkpoint()


def test_a_log_behind_its_checkpoint_signs_nothing(log_world: World) -> None:
    log_world.checkpoint()
    log_world.tamper("UPDATE audit_checkpoints SET size = 9")

    with pytest.raises(LogDamagedError, match="a checkpoint of 9 leaves was published"):
        log_world.checkpoint()


def test_certified_keys_are_indexed_where_they_came_first(log_world: World) -> None:
    vote = KeyFact.of(PERSON_KEY.public, KeyRole.VOTE)
    log_world.append(keys_draft(EventType.PERSON_CHANGED, vote), draft(2))
    log_world.append(keys_draft(EventType.PERSON_CHANGED, vote))

    found = log_world.connection.execute(select(tables.keys).where(tables.keys.c.role == "vote")).one()
    assert (found.key_id, found.public_key, found.added_index) == (PERSON_KEY.key_id, PERSON_KEY.public, 1)


def test_a_person_may_change_without_a_key(log_world: World) -> None:
    changed = EventDraft(type=EventType.PERSON_CHANGED, subject="prn_bob", data={"roles": ["approver"]})

    assert log_world.append(changed)[0].index == 1


def test_a_new_event_key_signs_after_the_old_one_certified_it(log_world: World) -> None:
    log_world.append(keys_draft(EventType.KEY_ADDED, KeyFact.of(STRANGER_KEY.public, KeyRole.EVENT)))
    successor = log_world.another_log(seed=500, event_key=STRANGER_KEY)

    successor.load(log_world.connection)
    with log_world.transaction() as connection:
        successor.after_commit(successor.append(connection, [draft(1)]))
    successor.load(log_world.connection)

    assert successor.size == 3
    # The old process goes on as well: the new head is by a key that a leaf certifies.
    assert log_world.append(draft(2))[0].index == 3


def test_a_key_is_named_by_what_it_is() -> None:
    fact = KeyFact.of(EVENT_KEY.public, KeyRole.EVENT)

    assert fact.key_id == key_id_of(fact.public_bytes)
    assert fact.public_bytes == EVENT_KEY.public


def test_the_same_story_makes_the_same_bytes() -> None:
    roots = []
    for _ in range(2):
        world = in_memory()
        world.create()
        world.append(draft(1, intent="two words"))
        roots.append((stored_leaves(world), world.checkpoint()))
        world.close()

    assert roots[0] == roots[1]


def test_an_origin_that_cannot_name_a_log_is_refused() -> None:
    with pytest.raises(NoteError, match="cannot name a log"):
        Log("two words", EVENT_KEY, CHECKPOINT_KEY, sources(Clock()))
