"""The log: appends signed leaves to the Merkle tree inside the caller's transaction.

Stage, commit, publish. `append` stages leaves, frontier and signed head on the caller's open
transaction, which also holds the caller's own changes; the caller commits. What the database holds
inside that transaction is where the next append starts, so a rolled back or crashed commit leaves
nothing to repair; what this process has seen committed is remembered as a watchdog against a
database that changes behind its back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from audit import boot, tables
from audit.dsse import EVENT_TYPE, pae
from audit.errors import LogDamagedError
from audit.events import CERTIFYING, EventDraft, EventType, Leaf, Stamp, leaf_of
from audit.heads import Head
from audit.keys import Ed25519Signer, KeyFact, KeyRole
from audit.merkle import Frontier, leaf_hash
from audit.note import Checkpoint, check_name, sign_note

# Built once: SQLAlchemy then finds their compiled form by identity instead of walking them each time.
_INSERT_LEAVES = insert(tables.leaves)
_INSERT_HEAD = insert(tables.heads)
_INSERT_DISCLOSURES = insert(tables.disclosures)
_UPDATE_FRONTIER = update(tables.frontier).values(
    size=bindparam("size"), hashes=bindparam("hashes"), time_ms=bindparam("time_ms")
)


@dataclass(frozen=True)
class Sources:
    """Everything that is not decided here: the clock and chance.

    `clock_ms` gives UTC milliseconds since 1970; `new_id` an `evt_…` id; `new_nonce` 32 hex digits;
    `new_salt` at least 22 base64url characters (128 bits). `remembered` gives checkpoints, as signed notes,
    that are known outside the database: a log that is behind one of them, or differs, is not continued.
    """

    clock_ms: Callable[[], int]
    new_id: Callable[[], str]
    new_nonce: Callable[[], str]
    new_salt: Callable[[], str]
    remembered: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that has its place in the log (final once the caller's transaction commits)."""

    index: int
    event_id: str
    type: EventType
    subject: str
    time_ms: int
    leaf_hash: bytes


class _Entry(NamedTuple):
    recorded: Recorded
    draft: EventDraft
    leaf: Leaf
    signature: bytes


class Log:
    """One transparency log in one database, written by one connection at a time.

    `origin` names the log and never changes. The event key signs leaves and heads; the checkpoint
    key signs what is published.
    """

    def __init__(
        self, origin: str, event_key: Ed25519Signer, checkpoint_key: Ed25519Signer, sources: Sources
    ) -> None:
        self.origin = check_name(origin)
        self._event_key = event_key
        self._checkpoint_key = checkpoint_key
        self._sources = sources
        self._staged = self._committed = boot.State(Frontier(), 0)

    @property
    def vkey(self) -> str:
        """The checkpoint key as outsiders pin it."""
        return str(self._checkpoint_key.vkey(self.origin))

    @property
    def size(self) -> int:
        """How many leaves are known to be committed."""
        return self._committed.frontier.size

    @property
    def last_time_ms(self) -> int:
        """The time of the last committed leaf; far ahead of the clock means that the clock went back."""
        return self._committed.time_ms

    @staticmethod
    def exists(connection: Connection) -> bool:
        """Whether the database holds a log already."""
        return connection.execute(select(func.count()).select_from(tables.frontier)).scalar_one() > 0

    def create(
        self,
        connection: Connection,
        data: Mapping[str, Any] | None = None,
        other_keys: Sequence[KeyFact] = (),
    ) -> Recorded:
        """Open an empty log: leaf 0 (`log.opened`) with `data` and the public halves of all keys.

        The caller commits, then calls `after_commit`. Raises `LogDamagedError` if a log is there.
        """
        if self.exists(connection):
            raise LogDamagedError("there is a log in this database already: load it, or use an empty one")
        own = (
            KeyFact.of(self._event_key.public, KeyRole.EVENT),
            KeyFact.of(self._checkpoint_key.public, KeyRole.CHECKPOINT),
        )
        connection.execute(insert(tables.frontier), {"id": 1, "size": 0, "hashes": b"", "time_ms": 0})
        listed = [key.plain for key in (*own, *other_keys)]
        opened = EventDraft(
            type=EventType.LOG_OPENED, subject=self.origin, data={**(data or {}), "keys": listed}
        )
        return self.append(connection, [opened])[0]

    def load(self, connection: Connection, *, rehash: bool = True) -> None:
        """Check what is stored and continue from it; raises `LogDamagedError` naming what is wrong.

        With `rehash` every stored leaf is hashed again; without, only frontier, head and last
        checkpoint are held against each other. Leaves that this process committed must still be there.
        """
        # Before the first look at the database: another process may add to both meanwhile.
        remembered = self._sources.remembered()
        check = boot.BootCheck(connection, self.origin, self._event_key, self._checkpoint_key)
        state, known = check.run(rehash=rehash), self._committed
        if self.size and (
            state.frontier.size < self.size or (state.frontier.size == self.size and state != known)
        ):
            raise _lost(known, state)
        check.hold_against(remembered, state.frontier.size)
        self._staged = self._committed = state

    def reload(self, connection: Connection) -> None:
        """Continue from what is stored after a commit that failed, or whose end is unknown."""
        self.load(connection, rehash=False)

    def append(self, connection: Connection, drafts: Sequence[EventDraft]) -> tuple[Recorded, ...]:
        """Stage events on the caller's open transaction, in order, under one signed head.

        Nothing is final before the caller commits; then call `after_commit`, or `reload` if the
        commit failed. Raises `EventError` for a draft that may not be recorded (nothing is staged)
        and `LogDamagedError` when the stored log is not the one this process knows.
        """
        if not drafts:
            return ()
        before = self._state_in(connection)
        entries = self._entries(before, drafts)
        hashes = (entry.recorded.leaf_hash for entry in entries)
        after = boot.State(before.frontier.extended(hashes), entries[-1].recorded.time_ms)
        self._write_leaves(connection, entries)
        self._write_state(connection, after)
        self._staged = after
        return tuple(entry.recorded for entry in entries)

    def after_commit(self, recorded: Sequence[Recorded]) -> None:
        """Remember that the transaction which staged `recorded` is on disk."""
        if recorded:
            self._committed = self._staged

    def publish_checkpoint(self, connection: Connection) -> str:
        """Sign the committed state with the checkpoint key, store the note and give it.

        The same size is never signed twice: its stored note is given again. Raises
        `LogDamagedError` when the log is behind, or differs from, its last checkpoint.
        """
        state = self._state_in(connection)
        checkpoint = Checkpoint(self.origin, state.frontier.size, state.frontier.root())
        last = boot.last_checkpoint(connection)
        if last and last.size >= checkpoint.size:
            return self._same_checkpoint(last, checkpoint)
        note = sign_note(checkpoint.body, self.origin, self._checkpoint_key)
        row = {"size": checkpoint.size, "root": checkpoint.root, "note": note, "time_ms": state.time_ms}
        connection.execute(insert(tables.checkpoints), row)
        return note

    def attest(self, connection: Connection) -> str:
        """The committed state as a signed note, which is not stored: something to remember outside."""
        frontier = self._state_in(connection).frontier
        body = Checkpoint(self.origin, frontier.size, frontier.root()).body
        return sign_note(body, self.origin, self._checkpoint_key)

    @staticmethod
    def _same_checkpoint(last: Any, checkpoint: Checkpoint) -> str:
        """A log must never sign two inconsistent checkpoints (tlog-checkpoint v1.0.0)."""
        if (last.size, last.root) != (checkpoint.size, checkpoint.root):
            raise LogDamagedError(
                f"a checkpoint of {last.size} leaves was published, which the {checkpoint.size} leaves here do not match"
            )
        return str(last.note)

    def _state_in(self, connection: Connection) -> boot.State:
        """What the transaction sees, held against what this process knows."""
        state = boot.stored_state(connection)
        if state in {self._committed, self._staged}:
            return state
        if state.frontier.size <= self.size:
            raise _lost(self._committed, state)
        boot.check_head(connection, self.origin, state, self._event_key)
        return state

    def _entries(self, before: boot.State, drafts: Sequence[EventDraft]) -> list[_Entry]:
        entries, time_ms = [], before.time_ms
        for index, draft in enumerate(drafts, start=before.frontier.size):
            time_ms = max(self._sources.clock_ms(), time_ms + 1)
            entries.append(self._entry(index, time_ms, draft))
        return entries

    def _entry(self, index: int, time_ms: int, draft: EventDraft) -> _Entry:
        sources = self._sources
        salts = tuple(sources.new_salt() for _ in draft.private)
        stamp = Stamp(sources.new_id(), time_ms, sources.new_nonce(), salts)
        leaf = leaf_of(draft, self.origin, stamp)
        signature = self._event_key.sign(pae(EVENT_TYPE, leaf.body))
        hashed = leaf_hash(leaf.body)
        recorded = Recorded(index, stamp.event_id, draft.type, draft.subject, time_ms, hashed)
        return _Entry(recorded, draft, leaf, signature)

    def _write_leaves(self, connection: Connection, entries: Sequence[_Entry]) -> None:
        connection.execute(_INSERT_LEAVES, [self._leaf_row(entry) for entry in entries])
        disclosed = [row for entry in entries for row in _disclosure_rows(entry)]
        if disclosed:
            connection.execute(_INSERT_DISCLOSURES, disclosed)
        for entry in entries:
            if entry.draft.type in CERTIFYING:
                _index_keys(connection, entry)

    def _leaf_row(self, entry: _Entry) -> dict[str, Any]:
        recorded = entry.recorded
        return {
            "leaf_index": recorded.index,
            "event_id": recorded.event_id,
            "type": recorded.type.value,
            "subject": recorded.subject,
            "time_ms": recorded.time_ms,
            "leaf": entry.leaf.body,
            "leaf_hash": recorded.leaf_hash,
            "key_id": self._event_key.key_id,
            "signature": entry.signature,
        }

    def _write_state(self, connection: Connection, state: boot.State) -> None:
        frontier = state.frontier
        head = Head(self.origin, frontier.size, frontier.root(), state.time_ms)
        signature = self._event_key.sign(head.message)
        row = {"size": head.size, "root": head.root, "time_ms": head.time_ms}
        connection.execute(_INSERT_HEAD, row | {"key_id": self._event_key.key_id, "signature": signature})
        connection.execute(
            _UPDATE_FRONTIER,
            {"size": frontier.size, "hashes": frontier.packed, "time_ms": state.time_ms},
        )


def _lost(known: boot.State, found: boot.State) -> LogDamagedError:
    return LogDamagedError(
        f"this process committed {known.frontier.size} leaves, "
        f"but the database now holds other {found.frontier.size}"
    )


def _disclosure_rows(entry: _Entry) -> Iterable[dict[str, Any]]:
    for disclosure in entry.leaf.disclosures:
        yield {
            "digest": disclosure.digest,
            "leaf_index": entry.recorded.index,
            "name": disclosure.name,
            "disclosure": disclosure.text,
        }


def _index_keys(connection: Connection, entry: _Entry) -> None:
    """Note where a key was certified first, so that boot and export find the leaf."""
    for plain in entry.draft.data.get("keys", ()):
        fact = KeyFact.model_validate(plain)
        place = (tables.keys.c.key_id == fact.key_id) & (tables.keys.c.role == fact.role)
        if connection.execute(select(tables.keys.c.key_id).where(place)).first() is None:
            row = {"key_id": fact.key_id, "role": fact.role.value, "public_key": fact.public_bytes}
            connection.execute(insert(tables.keys), row | {"added_index": entry.recorded.index})
