"""Somebody with full access to the database changes what happened. The verifier has only the log's key, from outside."""

import base64
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, create_engine

from audit.dsse import EVENT_TYPE, pae
from audit.errors import LogDamagedError
from audit.export import export_bundle
from audit.keys import Ed25519Signer
from audit.merkle import Frontier, leaf_hash
from audit.note import parse_vkey
from audit.tables import TRIGGER_NAMES
from audit.verify import Verdict, verify_bundle
from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import besieged
from tests.town import NOTE, OWNER, RELEASE, Town, held_merge, open_merge_request, proposal, refusal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.EVIDENCE
STRANGER = Ed25519Signer.from_seed(b"x" * 32)


@dataclass(frozen=True)
class Loot:
    """The database of a gateway that worked, its verifier key, and where in the log what stands."""

    database: Path
    vkey: str
    denied: int
    voted: int
    action: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loot(home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Loot]:
    """A denial and a vote happened, and somebody took the whole database."""
    folder = tmp_path_factory.mktemp("loot")
    async with besieged(home_template, folder) as siege:
        held = await held_merge(siege.agent, await open_merge_request(siege.agent))
        await siege.town.vote(OWNER, held["ticket"]["id"])
        rules = {"message": "Tidy", "changes": [{**NOTE, "path": "policies/mine.md"}]}
        error = await siege.denied(siege.agent.propose(proposal("commit.create", rules, branch="agent/note")))
        await siege.agent.propose(proposal("issue.comment", {"body": "Last."}, jira=True, issue="SHOP-1"))
        await siege.town.gateway.store.archive.checkpoint()
        denied = next(r.index for r in await siege.events("action.denied"))
        voted = next(r.index for r in await siege.events("approval.voted"))
        database = folder / "stolen.db"
        copy_of(database_of(siege.town), database)
        vkey = siege.town.gateway.store.writer.vkey
        yield Loot(database, vkey, denied, voted, str(error.problem.action_id))


def database_of(town: Town) -> Path:
    return Path(town.settings.database.removeprefix("sqlite:///"))


def copy_of(source: Path, target: Path) -> None:
    """A whole copy of an SQLite database, its write-ahead log included."""
    with sqlite3.connect(source) as opened, sqlite3.connect(target) as written:
        opened.backup(written)
    opened.close()
    written.close()


class Hands:
    """Full access to a copy of the database; the guards against accidents are gone first."""

    def __init__(self, loot: Loot, folder: Path) -> None:
        self.path = folder / "tampered.db"
        shutil.copy(loot.database, self.path)
        self.loot = loot
        self.sql = sqlite3.connect(self.path)
        for name in TRIGGER_NAMES:
            self.sql.execute(f"DROP TRIGGER {name}")

    def leaf(self, index: int) -> bytes:
        return bytes(
            self.sql.execute("SELECT leaf FROM audit_leaves WHERE leaf_index = ?", (index,)).fetchone()[0]
        )

    def write(self, index: int, leaf: bytes) -> None:
        """Other bytes for a leaf, with the hash that fits them."""
        self.sql.execute(
            "UPDATE audit_leaves SET leaf = ?, leaf_hash = ? WHERE leaf_index = ?",
            (leaf, leaf_hash(leaf), index),
        )

    def sign(self, index: int, signer: Ed25519Signer) -> None:
        """A signature over the leaf as it now is."""
        signature = signer.sign(pae(EVENT_TYPE, self.leaf(index)))
        self.sql.execute(
            "UPDATE audit_leaves SET signature = ?, key_id = ? WHERE leaf_index = ?",
            (signature, signer.key_id, index),
        )

    def claim_root(self) -> None:
        """Put the root of the leaves as they now are into the last checkpoint's row, so that an export goes through."""
        leaves = self.sql.execute("SELECT leaf_hash FROM audit_leaves ORDER BY leaf_index").fetchall()
        size = self.sql.execute("SELECT max(size) FROM audit_checkpoints").fetchone()[0]
        root = Frontier.of([bytes(row[0]) for row in leaves[:size]]).root()
        self.sql.execute("UPDATE audit_checkpoints SET root = ? WHERE size = ?", (root, size))

    def verdict(self) -> Verdict:
        """What an auditor with the key from outside says of the bundle this database now gives."""
        self.sql.commit()
        self.sql.close()
        engine = create_engine(f"sqlite:///{self.path}")
        with engine.connect() as connection:
            bundle = _exported(connection)
        engine.dispose()
        return verify_bundle(bundle, [parse_vkey(self.loot.vkey)])

    def found_at(self, index: int, words: str) -> None:
        """The verifier says no, at this leaf, in these words."""
        problem = self.verdict().first_problem
        assert problem is not None
        assert (problem.index, words in str(problem)) == (index, True), str(problem)


def _exported(connection: Connection) -> bytes:
    return export_bundle(connection, 0, None).content


@pytest.fixture
def hands(loot: Loot, tmp_path: Path) -> Hands:
    return Hands(loot, tmp_path)


async def test_what_was_taken_is_good_until_it_is_touched(hands: Hands) -> None:
    assert hands.verdict().ok


@attack(K, "turn a denial into an action that was done", stopped_by="the leaf's signature")
async def test_a_denial_is_rewritten(hands: Hands, loot: Loot) -> None:
    hands.write(loot.denied, hands.leaf(loot.denied).replace(b"action.denied", b"action.doneok"))
    hands.claim_root()
    hands.found_at(loot.denied, "signature does not fit")


@attack(K, "do it and sign anew with its own key", stopped_by="no leaf certifies that key")
async def test_a_rewritten_leaf_is_signed_by_a_stranger(hands: Hands, loot: Loot) -> None:
    hands.write(loot.denied, hands.leaf(loot.denied).replace(b"action.denied", b"action.doneok"))
    hands.sign(loot.denied, STRANGER)
    hands.claim_root()
    hands.found_at(loot.denied, "key")


@attack(
    K, "enter its key among the log's keys first", stopped_by="keys are certified by leaves, not by a table"
)
async def test_a_key_is_entered_by_hand(hands: Hands, loot: Loot) -> None:
    row = (STRANGER.key_id, "event", STRANGER.public, 0)
    hands.sql.execute(
        "INSERT INTO audit_keys (key_id, role, public_key, added_index) VALUES (?, ?, ?, ?)", row
    )
    hands.write(loot.denied, hands.leaf(loot.denied).replace(b"action.denied", b"action.doneok"))
    hands.sign(loot.denied, STRANGER)
    hands.claim_root()
    hands.found_at(loot.denied, "key")


@attack(K, "blame another person for a vote", stopped_by="the leaf's signature covers every field")
async def test_a_voter_is_exchanged(hands: Hands, loot: Loot) -> None:
    assert OWNER.encode() in hands.leaf(loot.voted)
    hands.write(loot.voted, hands.leaf(loot.voted).replace(OWNER.encode(), RELEASE.encode()))
    hands.claim_root()
    hands.found_at(loot.voted, "signature does not fit")


@attack(
    K, "put the signature of one event on another", stopped_by="a signature is over the bytes of its leaf"
)
async def test_a_signature_is_moved(hands: Hands, loot: Loot) -> None:
    hands.sql.execute(
        "UPDATE audit_leaves SET signature = (SELECT signature FROM audit_leaves WHERE leaf_index = ?) WHERE leaf_index = ?",
        (loot.voted, loot.denied),
    )
    hands.found_at(loot.denied, "signature does not fit")


@attack(K, "backdate an event", stopped_by="the time is inside the signed bytes")
async def test_an_event_is_backdated(hands: Hands, loot: Loot) -> None:
    leaf = json.loads(hands.leaf(loot.denied))
    leaf["time"] = "2020" + leaf["time"][4:]
    hands.write(
        loot.denied, json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )
    hands.claim_root()
    hands.found_at(loot.denied, "signature does not fit")


@attack(
    K,
    "exchange two events with their signatures, so that the order reads otherwise",
    stopped_by="the tree, and times that only grow",
)
async def test_two_events_are_exchanged(hands: Hands, loot: Loot) -> None:
    exchange = "UPDATE audit_leaves SET leaf_index = ? WHERE leaf_index = ?"
    for a, b in ((loot.denied, -1), (loot.denied + 1, loot.denied), (-1, loot.denied + 1)):
        hands.sql.execute(exchange, (b, a))
    hands.claim_root()
    problem = hands.verdict().first_problem
    assert problem is not None
    assert problem.index in {loot.denied, loot.denied + 1}, str(problem)


@attack(
    K,
    "make an event disappear from the middle",
    stopped_by="the tree: the leaves are not those of the checkpoint",
)
async def test_an_event_is_deleted(hands: Hands, loot: Loot) -> None:
    hands.sql.execute("DELETE FROM audit_leaves WHERE leaf_index = ?", (loot.denied,))
    with pytest.raises(LogDamagedError, match="not those of the checkpoint"):
        hands.verdict()


@attack(
    K,
    "delete it and close the gap by counting anew",
    stopped_by="the verifier names the first leaf that is not in its place",
)
async def test_the_gap_is_closed(hands: Hands, loot: Loot) -> None:
    last = hands.sql.execute("SELECT max(leaf_index) FROM audit_leaves").fetchone()[0]
    hands.sql.execute("DELETE FROM audit_leaves WHERE leaf_index = ?", (loot.denied,))
    for index in range(loot.denied + 1, last + 1):
        hands.sql.execute("UPDATE audit_leaves SET leaf_index = ? WHERE leaf_index = ?", (index - 1, index))
    hands.sql.execute(
        "INSERT INTO audit_leaves SELECT ?, 'evt_forged00', type, subject, time_ms, leaf, leaf_hash, key_id, "
        "signature FROM audit_leaves WHERE leaf_index = ?",
        (last, last - 1),
    )
    hands.claim_root()
    problem = hands.verdict().first_problem
    assert problem is not None
    assert problem.index == last, str(problem)


@attack(
    K,
    "change the reason a person gave, which stands beside the log",
    stopped_by="the salted digest in the leaf",
)
async def test_a_private_value_is_changed(hands: Hands, loot: Loot) -> None:
    query = "SELECT digest, disclosure FROM audit_disclosures WHERE leaf_index = ? AND name = 'reason'"
    digest, text = hands.sql.execute(query, (loot.voted,)).fetchone()
    salt, name, _ = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps([salt, name, "I was forced."]).encode()).decode().rstrip("=")
    hands.sql.execute("UPDATE audit_disclosures SET disclosure = ? WHERE digest = ?", (forged, digest))
    hands.found_at(loot.voted, "does not belong to this leaf")


@attack(
    K, "move a private value to another event", stopped_by="a value belongs to the leaf that holds its digest"
)
async def test_a_private_value_is_moved(hands: Hands, loot: Loot) -> None:
    hands.sql.execute(
        "UPDATE audit_disclosures SET leaf_index = ? WHERE leaf_index = ? AND name = 'reason'",
        (loot.denied, loot.voted),
    )
    hands.found_at(loot.denied, "does not belong to this leaf")


@attack(
    K,
    "sign a checkpoint over the history it made up",
    stopped_by="the verifier's key comes from outside; the note is not by it",
)
async def test_a_checkpoint_is_forged(hands: Hands) -> None:
    note = hands.sql.execute("SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1").fetchone()[0]
    lines = note.split("\n")
    lines[2] = base64.b64encode(b"\0" * 32).decode()
    hands.sql.execute("UPDATE audit_checkpoints SET note = ? WHERE note = ?", ("\n".join(lines), note))
    verdict = hands.verdict()
    assert "checkpoint-end" in str(verdict.first_problem)


@attack(
    K, "change a leaf in place, in a hurry", stopped_by="triggers refuse it, and the log stays what it was"
)
async def test_a_leaf_is_updated_past_the_triggers(loot: Loot, tmp_path: Path) -> None:
    path = tmp_path / "hurry.db"
    shutil.copy(loot.database, path)
    with sqlite3.connect(path) as sql:
        for statement in ("UPDATE audit_leaves SET type = 'x'", "DELETE FROM audit_leaves"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                sql.execute(statement)
    sql.close()


async def red(town: Town) -> str:
    """What readiness says of the log when the gateway is opened on it; nothing is done meanwhile."""
    async with town.open():
        ready = (await town.gateway.all())["log"]
        async with town.client("lg_" + "D" * 43) as agent:
            error = await refusal(
                agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/late"))
            )
    assert not ready.ok
    assert error.problem.status in {401, 503}
    return ready.detail


@attack(
    K,
    "put an older database back, so that the last day never was",
    stopped_by="checkpoints remembered outside the database: the gateway does not act",
)
async def test_an_old_database_is_put_back(home_template: Path, tmp_path: Path) -> None:
    async with besieged(home_template, tmp_path) as siege:
        town, old = siege.town, tmp_path / "old.db"
        copy_of(database_of(town), old)
        await siege.agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/done"))
        await town.gateway.store.archive.checkpoint()
        # The sandbox stands as long as this block; the gateway is opened anew on the exchanged database.
        town.gateway.store.close()
        exchanged(database_of(town), old)
        copied = Town(copied_home(town, tmp_path), town.sandbox)
        assert "known outside the database" in await red(copied)


def exchanged(live: Path, old: Path) -> None:
    """Put an older database in the place of the live one, and its write-ahead log away."""
    for name in (f"{live}-wal", f"{live}-shm"):
        Path(name).unlink(missing_ok=True)
    shutil.copy(old, live)


def copied_home(town: Town, folder: Path) -> Path:
    """A second home with all that the first holds, but its lock."""
    home = folder / "again"
    shutil.copytree(town.home, home, ignore=shutil.ignore_patterns("lock"))
    return home


@attack(
    K,
    "approve a merge by writing `approved` into two rows",
    stopped_by="a permit counts the signed votes itself; the question is put again",
)
async def test_a_ticket_is_approved_by_hand(home_template: Path, tmp_path: Path) -> None:
    async with besieged(home_template, tmp_path) as siege:
        held = await held_merge(siege.agent, await open_merge_request(siege.agent))
        with sqlite3.connect(database_of(siege.town)) as sql:
            sql.execute("UPDATE tickets SET state = 'approved' WHERE id = ?", (held["ticket"]["id"],))
            sql.execute("UPDATE actions SET state = 'approved' WHERE id = ?", (held["action_id"],))
        sql.close()
        for _ in range(3):
            await siege.town.look(100)
        after, story = await siege.agent.action(held["action_id"]), await siege.story(held["action_id"])
        assert after["status"] == "held"
        assert story.count("action.held") == 2
        assert "action.started" not in story
        assert siege.project.merge_requests[1].state == "opened"


@attack(
    K,
    "write votes into the table of votes",
    stopped_by="a stored vote proves itself by its signature, or does not count",
)
async def test_votes_are_entered_by_hand(home_template: Path, tmp_path: Path) -> None:
    async with besieged(home_template, tmp_path) as siege:
        held = await held_merge(siege.agent, await open_merge_request(siege.agent))
        ticket = held["ticket"]["id"]
        await siege.town.vote(OWNER, ticket)
        with sqlite3.connect(database_of(siege.town)) as sql:
            columns = [c[1] for c in sql.execute("PRAGMA table_info(votes)")]
            row = dict(zip(columns, sql.execute("SELECT * FROM votes").fetchone(), strict=True)) | {
                "voter": RELEASE
            }
            sql.execute(f"INSERT INTO votes VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # noqa: S608
            sql.execute("UPDATE tickets SET state = 'approved' WHERE id = ?", (ticket,))
            sql.execute("UPDATE actions SET state = 'approved' WHERE id = ?", (held["action_id"],))
        sql.close()
        for _ in range(3):
            await siege.town.look(100)
        assert "action.started" not in await siege.story(held["action_id"])
        assert siege.project.merge_requests[1].state == "opened"
        assert [r.leaf["data"]["voter"] for r in await siege.events("approval.voted")] == [OWNER]
