"""A log in memory with a clock and a chance that the tests drive, and tools to tamper with bundles."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from audit import tables
from audit.archive import decode_archive, encode_archive, manifest_of
from audit.dsse import EVENT_TYPE, pae
from audit.entries import entry_line
from audit.events import EventDraft, EventType
from audit.export import export_bundle
from audit.keys import Ed25519Signer, KeyFact, KeyRole
from audit.log import Log, Recorded, Sources
from audit.note import parse_vkey
from audit.verify import Verdict, verify_bundle
from audit.votes import vote_message

ORIGIN = "gateway.example/audit/log1"
EVENT_KEY = Ed25519Signer.from_seed(b"e" * 32)
CHECKPOINT_KEY = Ed25519Signer.from_seed(bytes(range(32)))
PERSON_KEY = Ed25519Signer.from_seed(b"p" * 32)
STRANGER_KEY = Ed25519Signer.from_seed(b"x" * 32)
VKEY = parse_vkey("gateway.example/audit/log1+9de381b9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
START_MS = 1_790_000_000_000
REASON_SHA256 = hashlib.sha256(b"looks right").hexdigest()


class Clock:
    """Milliseconds that move only when a test moves them."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def sources(clock: Clock, seed: int = 0) -> Sources:
    """Ids, nonces and salts that are counted, so that the same story makes the same bytes."""
    ids, nonces, salts = count(seed), count(seed), count(seed)
    return Sources(
        clock_ms=clock,
        new_id=lambda: f"evt_{next(ids):012d}",
        new_nonce=lambda: f"{next(nonces):032x}",
        new_salt=lambda: f"salt{next(salts):020d}",
    )


class World:
    """One database with one log."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock = Clock()
        self.log = self.another_log()
        self.connection = engine.connect()
        tables.metadata.create_all(self.connection)

    def another_log(self, seed: int = 0, event_key: Ed25519Signer = EVENT_KEY) -> Log:
        """A second process on the same database."""
        return Log(ORIGIN, event_key, CHECKPOINT_KEY, sources(self.clock, seed))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.exec_driver_sql("ROLLBACK")
            raise
        self.connection.exec_driver_sql("COMMIT")

    def create(self, *other_keys: KeyFact) -> Recorded:
        with self.transaction() as connection:
            opened = self.log.create(connection, {"policy_digest": "a" * 64}, other_keys)
        self.log.after_commit([opened])
        return opened

    def append(self, *drafts: EventDraft) -> tuple[Recorded, ...]:
        with self.transaction() as connection:
            recorded = self.log.append(connection, drafts)
        self.log.after_commit(recorded)
        return recorded

    def checkpoint(self) -> str:
        with self.transaction() as connection:
            return self.log.publish_checkpoint(connection)

    def tamper(self, statement: str, *values: object) -> None:
        """What somebody with the database file can do: the triggers are no obstacle."""
        for name in tables.TRIGGER_NAMES:
            self.connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        self.connection.exec_driver_sql(statement, values)

    def close(self) -> None:
        self.connection.close()
        self.engine.dispose()


def in_memory() -> World:
    return World(create_engine("sqlite://", isolation_level="AUTOCOMMIT", poolclass=StaticPool))


def on_disk(path: Path) -> World:
    return World(create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT"))


def draft(number: int = 0, **private: object) -> EventDraft:
    """A small event; keyword arguments become its private values."""
    data = {
        "action": {"type": "issue.create", "args": "b" * 64},
        "decision": {"effect": "allow", "n": number},
    }
    return EventDraft(type=EventType.ACTION_JUDGED, subject=f"act_{number:04d}", data=data, private=private)


def keys_draft(kind: EventType, *facts: KeyFact) -> EventDraft:
    return EventDraft(type=kind, subject="prn_alice", data={"keys": [fact.plain for fact in facts]})


def vote_draft(*, answer: str = "approve", signer: Ed25519Signer | None = PERSON_KEY) -> EventDraft:
    """A vote; without a signer the gateway alone vouches for it."""
    data = {
        "ticket": "tkt_1",
        "question_digest": "c" * 64,
        "answer": answer,
        "reason_sha256": REASON_SHA256,
    }
    if signer:
        message = vote_message("tkt_1", "c" * 64, answer, REASON_SHA256)
        signature = base64.b64encode(signer.sign(message)).decode()
        data |= {"key_id": signer.key_id, "signature": signature}
    return EventDraft(
        type=EventType.APPROVAL_VOTED, subject="tkt_1", data=data, private={"reason": "looks right"}
    )


def told_story(world: World) -> None:
    """Two checkpoints with keys, votes and private values before and between them: leaves 0-4 and 5-11."""
    world.create(KeyFact.of(STRANGER_KEY.public, KeyRole.POLICY))
    person = KeyFact.of(PERSON_KEY.public, KeyRole.VOTE)
    world.append(keys_draft(EventType.PERSON_CHANGED, person), draft(2), draft(3, intent="fix it"), draft(4))
    world.checkpoint()
    world.append(draft(5, intent="bump lodash", input={"n": [1, 2.5]}), draft(6), vote_draft())
    world.append(vote_draft(signer=None), draft(9), draft(10), draft(11, title="Ünïcode"))
    world.checkpoint()


def bundle_of(world: World, first: int = 0, **options: object) -> bytes:
    with world.transaction() as connection:
        return export_bundle(connection, first, **options).content  # type: ignore[arg-type]


def verdict_on(bundle: bytes) -> Verdict:
    return verify_bundle(bundle, [VKEY])


def members_of(bundle: bytes) -> dict[str, bytes]:
    return decode_archive(bundle)


def sealed(members: Mapping[str, bytes], covered: tuple[int, int] | None = None) -> bytes:
    """What a careful forger does last: a manifest and an archive that fit the members."""
    plain = json.loads(members["manifest.json"])
    counts = {
        "certificates": members["keys.jsonl"].count(b"\n"),
        "disclosures": members["disclosures.jsonl"].count(b"\n"),
        "entries": members["events.dsse.jsonl"].count(b"\n"),
    }
    first, end = covered or plain["range"]
    manifest = manifest_of(members, plain["origin"], (first, end), counts)
    return encode_archive({**members, "manifest.json": manifest})


def signed_line(place: int, body: bytes, signer: Ed25519Signer = EVENT_KEY) -> bytes:
    """A line of `events.dsse.jsonl` with a good signature over any bytes."""
    line = entry_line(place, body, signer.key_id, signer.sign(pae(EVENT_TYPE, body)))
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"
