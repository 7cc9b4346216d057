from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from audit import tables
from audit.errors import LogDamagedError
from audit.keys import Ed25519Signer
from audit.log import Log
from audit.merkle import leaf_hash
from audit.note import Checkpoint, sign_note
from tests.audit.world import (
    CHECKPOINT_KEY,
    EVENT_KEY,
    ORIGIN,
    STRANGER_KEY,
    Clock,
    World,
    draft,
    sources,
)


@pytest.fixture
def grown(log_world: World) -> World:
    """Leaves 0, 1-3, 4 in three commits, with a checkpoint over the first four."""
    log_world.append(draft(1), draft(2), draft(3))
    log_world.checkpoint()
    log_world.append(draft(4))
    return log_world


def damage_found(world: World, *, rehash: bool = True) -> LogDamagedError:
    with pytest.raises(LogDamagedError) as caught:
        world.another_log().load(world.connection, rehash=rehash)
    return caught.value


@pytest.mark.parametrize("rehash", [True, False])
def test_an_intact_log_is_loaded_and_continued(grown: World, *, rehash: bool) -> None:
    log = grown.another_log(seed=100)

    log.load(grown.connection, rehash=rehash)

    assert (log.size, log.last_time_ms) == (5, grown.log.last_time_ms)
    with grown.transaction() as connection:
        assert log.append(connection, [draft(5)])[0].index == 5


def test_an_altered_leaf_is_found_and_named(grown: World) -> None:
    changed = "CAST(replace(leaf, 'allow', 'deny!') AS BLOB)"
    grown.tamper(f"UPDATE audit_leaves SET leaf = {changed} WHERE leaf_index = 2")  # noqa: S608 - constants

    found = damage_found(grown)

    assert found.index == 2
    assert "leaf 2: its bytes are not those that were recorded" in str(found)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_frontier SET size = 'five'",
        "UPDATE audit_heads SET root = 'text' WHERE size = 5",
        "UPDATE audit_heads SET time_ms = 'soon' WHERE size = 5",
        "UPDATE audit_checkpoints SET note = x'ff'",
    ],
)
@pytest.mark.parametrize("rehash", [True, False])
def test_a_value_of_another_type_is_found(grown: World, change: str, *, rehash: bool) -> None:
    grown.tamper(change)

    damage_found(grown, rehash=rehash)


def test_a_leaf_of_another_type_is_found(grown: World) -> None:
    grown.tamper("UPDATE audit_leaves SET leaf = 'text' WHERE leaf_index = 2")

    assert "not of the type that was recorded" in str(damage_found(grown))


def test_an_altered_leaf_with_a_matching_hash_is_found_at_the_head_signed_then(grown: World) -> None:
    grown.tamper(
        "UPDATE audit_leaves SET leaf = x'7b7d', leaf_hash = ? WHERE leaf_index = 2", leaf_hash(b"{}")
    )

    found = damage_found(grown)

    assert found.index == 3
    assert "up to here the leaves are not those of the head signed then" in str(found)


def test_a_leaf_altered_together_with_every_head_is_found_at_the_frontier(grown: World) -> None:
    grown.tamper(
        "UPDATE audit_leaves SET leaf = x'7b7d', leaf_hash = ? WHERE leaf_index = 2", leaf_hash(b"{}")
    )
    grown.tamper("DELETE FROM audit_heads WHERE size < 9")

    assert "make a tree of 5 that is not the frontier of 5" in str(damage_found(grown))


@pytest.mark.parametrize("index", [0, 2])
def test_a_missing_leaf_is_found_and_named(grown: World, index: int) -> None:
    grown.tamper("DELETE FROM audit_leaves WHERE leaf_index = ?", index)

    found = damage_found(grown)

    assert found.index == index
    assert "this leaf is missing" in str(found)


@pytest.mark.parametrize(
    ("rehash", "reason"), [(True, "make a tree of 4"), (False, "4 leaves are stored, but 5 were signed")]
)
def test_a_cut_tail_is_found(grown: World, *, rehash: bool, reason: str) -> None:
    grown.tamper("DELETE FROM audit_leaves WHERE leaf_index = 4")

    assert reason in str(damage_found(grown, rehash=rehash))


@pytest.mark.parametrize(
    "change", ["root = zeroblob(32)", "time_ms = time_ms + 1", "signature = zeroblob(64)", "size = 6"]
)
def test_an_altered_head_is_found(grown: World, change: str) -> None:
    grown.tamper(f"UPDATE audit_heads SET {change} WHERE size = 5")  # noqa: S608 - constants

    assert "the signed head of" in str(damage_found(grown, rehash=False))
    damage_found(grown)


def test_missing_heads_are_found(grown: World) -> None:
    grown.tamper("DELETE FROM audit_heads")

    assert "no signed head is stored" in str(damage_found(grown))


def test_a_missing_last_head_is_found(grown: World) -> None:
    grown.tamper("DELETE FROM audit_heads WHERE size = 5")

    assert "is not the one in the signed head of 4" in str(damage_found(grown))


@pytest.mark.parametrize("rehash", [True, False])
@pytest.mark.parametrize("change", ["hashes = zeroblob(64)", "size = 6", "time_ms = time_ms - 1"])
def test_an_altered_frontier_is_found(grown: World, change: str, *, rehash: bool) -> None:
    grown.tamper(f"UPDATE audit_frontier SET {change}")  # noqa: S608 - constants

    assert "frontier" in str(damage_found(grown, rehash=rehash))


def test_a_frontier_that_cannot_be_read_is_found(grown: World) -> None:
    grown.tamper("UPDATE audit_frontier SET hashes = x'00'")

    assert "the frontier cannot be read" in str(damage_found(grown))


def test_a_database_without_a_log_is_refused(world: World) -> None:
    assert "this database holds no log" in str(damage_found(world))


def test_a_head_by_a_key_that_no_leaf_certifies_is_refused(grown: World) -> None:
    grown.tamper("UPDATE audit_heads SET key_id = 'unknown' WHERE size = 5")

    assert "which no leaf certifies" in str(damage_found(grown))


def test_another_event_key_than_the_certified_one_is_refused(grown: World) -> None:
    with pytest.raises(LogDamagedError, match="no leaf certifies our event key"):
        grown.another_log(event_key=STRANGER_KEY).load(grown.connection)


@pytest.mark.parametrize(
    ("origin", "checkpoint_key", "reason"),
    [
        (ORIGIN, STRANGER_KEY, "the last checkpoint was altered"),
        ("another.example/log", CHECKPOINT_KEY, "of another log"),
    ],
)
def test_another_checkpoint_key_or_origin_is_refused(
    grown: World, origin: str, checkpoint_key: Ed25519Signer, reason: str
) -> None:
    log = Log(origin, EVENT_KEY, checkpoint_key, sources(Clock()))

    with pytest.raises(LogDamagedError, match=reason):
        log.load(grown.connection)


def test_an_altered_checkpoint_is_found(grown: World) -> None:
    grown.tamper(
        "UPDATE audit_checkpoints SET note = replace(note, char(10) || '4' || char(10), char(10) || '5' || char(10))"
    )

    assert "the last checkpoint was altered" in str(damage_found(grown))


def _published(world: World, checkpoint: Checkpoint) -> None:
    note = sign_note(checkpoint.body, ORIGIN, CHECKPOINT_KEY)
    world.tamper("DELETE FROM audit_checkpoints")
    row = {"size": checkpoint.size, "root": checkpoint.root, "note": note, "time_ms": 0}
    world.connection.execute(tables.checkpoints.insert(), row)


def test_a_checkpoint_ahead_of_the_log_is_a_restored_backup(grown: World) -> None:
    _published(grown, Checkpoint(ORIGIN, 6, bytes(32)))

    assert "was an old backup restored" in str(damage_found(grown))


def test_a_checkpoint_of_another_tree_is_a_fork(grown: World) -> None:
    _published(grown, Checkpoint(ORIGIN, 4, bytes(32)))

    assert "is not the one in the last checkpoint" in str(damage_found(grown))


def test_a_checkpoint_of_another_log_is_found(grown: World) -> None:
    _published(grown, Checkpoint("another.example/log", 4, bytes(32)))

    assert "the last checkpoint is of another.example/log" in str(damage_found(grown))


def test_a_damaged_log_is_not_continued_after_a_failed_commit(grown: World) -> None:
    grown.connection.execute(update(tables.frontier).values(hashes=bytes(64)))

    with pytest.raises(LogDamagedError):
        grown.log.reload(grown.connection)


def remembering(world: World, *notes: str) -> Log:
    """A process that knows these checkpoints from outside the database."""
    known = replace(sources(world.clock, 100), remembered=lambda: notes)
    return Log(ORIGIN, EVENT_KEY, CHECKPOINT_KEY, known)


def test_a_log_that_goes_on_from_what_is_known_outside_is_loaded(grown: World) -> None:
    before = grown.log.attest(grown.connection)
    grown.append(draft(5), draft(6))
    log = remembering(grown, before)

    log.load(grown.connection)

    assert (before.splitlines()[1], log.size) == ("5", 7)


def test_what_is_attested_is_not_stored(grown: World) -> None:
    stored = grown.connection.execute(select(func.count()).select_from(tables.checkpoints)).scalar_one()

    assert grown.log.attest(grown.connection) == grown.log.attest(grown.connection)
    assert (
        grown.connection.execute(select(func.count()).select_from(tables.checkpoints)).scalar_one() == stored
    )


def test_a_log_that_is_behind_what_is_known_outside_is_refused_with_what_to_do(grown: World) -> None:
    known = sign_note(Checkpoint(ORIGIN, 9, b"r" * 32).body, ORIGIN, CHECKPOINT_KEY)

    with pytest.raises(LogDamagedError, match="only 5 are here: an old backup was restored") as caught:
        remembering(grown, known).load(grown.connection)

    assert "loopgate audit accept-restore" in str(caught.value)


def test_a_log_with_another_history_than_is_known_outside_is_refused(grown: World) -> None:
    for size in (3, 5):
        known = sign_note(Checkpoint(ORIGIN, size, b"r" * 32).body, ORIGIN, CHECKPOINT_KEY)

        with pytest.raises(LogDamagedError, match="another history"):
            remembering(grown, known).load(grown.connection)


def test_a_remembered_checkpoint_that_is_not_ours_is_refused(grown: World) -> None:
    strange = sign_note(Checkpoint(ORIGIN, 5, b"r" * 32).body, ORIGIN, STRANGER_KEY)

    with pytest.raises(LogDamagedError, match="the remembered checkpoint was altered"):
        remembering(grown, strange).load(grown.connection)
