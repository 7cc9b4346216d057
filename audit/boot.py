"""The boot check: what is stored is held against what was signed before anything is added to it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Result, func, select

from audit import tables
from audit.errors import LogDamagedError
from audit.heads import Head
from audit.keys import Ed25519Signer, KeyRole
from audit.merkle import Frontier, leaf_hash
from audit.note import Checkpoint, NoteError, open_note, parse_checkpoint

_ROWS_AT_ONCE = 1000
_SELECT_FRONTIER = select(tables.frontier.c.size, tables.frontier.c.hashes, tables.frontier.c.time_ms)


class State(NamedTuple):
    """Where the log ends: the frontier over all leaves, and the time of the last in UTC milliseconds."""

    frontier: Frontier
    time_ms: int


def stored_state(connection: Connection) -> State:
    """The frontier row as it stands; raises `LogDamagedError` if there is none or it cannot be read."""
    row = connection.execute(_SELECT_FRONTIER).first()
    if row is None:
        raise LogDamagedError("the frontier is missing: this database holds no log, or lost part of it")
    try:
        return State(Frontier.parse(row.size, row.hashes), row.time_ms)
    except (TypeError, ValueError) as error:
        raise LogDamagedError(f"the frontier cannot be read: {error}") from error


def last_checkpoint(connection: Connection) -> Any:
    """The checkpoint row of the largest size, or None."""
    newest = tables.checkpoints.c.size.desc()
    return connection.execute(select(tables.checkpoints).order_by(newest).limit(1)).first()


def check_head(connection: Connection, origin: str, state: State, own: Ed25519Signer) -> None:
    """Hold the newest signed head against the frontier; raises `LogDamagedError`."""
    newest = tables.heads.c.size.desc()
    row = connection.execute(select(tables.heads).order_by(newest).limit(1)).first()
    if row is None:
        raise LogDamagedError("no signed head is stored")
    head = Head(origin, row.size, row.root, row.time_ms)
    if not head.is_signed_by(_event_key(connection, row.key_id, own), row.signature):
        raise LogDamagedError(f"the signed head of {head.size} leaves was altered, or is of another log")
    if (head.size, head.root, head.time_ms) != (state.frontier.size, state.frontier.root(), state.time_ms):
        raise LogDamagedError(
            f"the frontier of {state.frontier.size} leaves is not the one in the signed head of {head.size}"
        )


def _event_key(connection: Connection, key_id: str, own: Ed25519Signer) -> bytes:
    """The public bytes of an event key: our own, or one that a leaf certified."""
    if key_id == own.key_id:
        return own.public
    place = (tables.keys.c.key_id == key_id) & (tables.keys.c.role == KeyRole.EVENT)
    public = connection.execute(select(tables.keys.c.public_key).where(place)).scalar()
    if public is None:
        raise LogDamagedError(f"the head is signed by the event key {key_id}, which no leaf certifies")
    return bytes(public)


def _grown(tree: Frontier, row: Any) -> Frontier:
    """The tree with the next stored leaf, which must be the one that was recorded there."""
    if row.leaf_index != tree.size:
        raise LogDamagedError("this leaf is missing", index=tree.size)
    hashed = leaf_hash(row.leaf)
    if hashed != row.leaf_hash:
        raise LogDamagedError("its bytes are not those that were recorded", index=tree.size)
    grown = tree.extended((hashed,))
    if row.root is not None and row.root != grown.root():
        raise LogDamagedError("up to here the leaves are not those of the head signed then", index=tree.size)
    return grown


class BootCheck:
    """One run over a stored log."""

    def __init__(
        self, connection: Connection, origin: str, event_key: Ed25519Signer, checkpoint_key: Ed25519Signer
    ) -> None:
        self._connection = connection
        self._origin = origin
        self._event_key = event_key
        self._checkpoint_key = checkpoint_key

    def run(self, *, rehash: bool) -> State:
        """Check everything and give where the log ends; raises `LogDamagedError` at the first mismatch."""
        try:
            return self._check(rehash=rehash)
        except (AttributeError, TypeError, ValueError) as error:
            # SQLite keeps whatever type somebody wrote into a column.
            raise LogDamagedError(f"a stored value is not of the type that was recorded: {error}") from error

    def _check(self, *, rehash: bool) -> State:
        state = stored_state(self._connection)
        self._check_own_key()
        if rehash:
            self._rehash(state)
        check_head(self._connection, self._origin, state, self._event_key)
        self._check_count(state.frontier.size)
        self._check_checkpoint(state.frontier.size)
        return state

    def _check_own_key(self) -> None:
        place = (tables.keys.c.key_id == self._event_key.key_id) & (tables.keys.c.role == KeyRole.EVENT)
        if self._connection.execute(select(tables.keys.c.key_id).where(place)).first() is None:
            raise LogDamagedError(
                f"no leaf certifies our event key {self._event_key.key_id}: use the key the log was made with"
            )

    def _check_count(self, size: int) -> None:
        index = tables.leaves.c.leaf_index
        count, highest = self._connection.execute(select(func.count(index), func.max(index))).one()
        if (count, highest) != (size, size - 1):
            raise LogDamagedError(f"{count} leaves are stored, but {size} were signed")

    def _rehash(self, state: State) -> None:
        """Hash every leaf again and compare the root after every commit with the head signed then."""
        tree = Frontier()
        with self._leaves_with_heads() as rows:
            for row in rows:
                tree = _grown(tree, row)
        if tree != state.frontier:
            raise LogDamagedError(
                f"the stored leaves make a tree of {tree.size} that is not the frontier of {state.frontier.size}"
            )

    def _leaves_with_heads(self) -> Result[Any]:
        """Every leaf with the root that the commit ending in it signed, or None; read in pieces."""
        leaves, heads = tables.leaves, tables.heads
        joined = leaves.outerjoin(heads, heads.c.size == leaves.c.leaf_index + 1)
        columns = (leaves.c.leaf_index, leaves.c.leaf, leaves.c.leaf_hash, heads.c.root)
        query = select(*columns).select_from(joined).order_by(leaves.c.leaf_index)
        return self._connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))

    def _check_checkpoint(self, size: int) -> None:
        """The last checkpoint is ours, not ahead of us, and of the same tree as the head signed then."""
        row = last_checkpoint(self._connection)
        if row is None:
            return
        checkpoint = self._open(row.note, "last")
        if checkpoint.size > size:
            raise LogDamagedError(
                f"a checkpoint of {checkpoint.size} leaves was published, but only {size} are here: "
                "was an old backup restored?"
            )
        if self._root_at(checkpoint.size) != checkpoint.root:
            raise LogDamagedError(
                f"the tree of {checkpoint.size} leaves is not the one in the last checkpoint"
            )

    def hold_against(self, remembered: Sequence[str], size: int) -> None:
        """The log of `size` leaves goes on from every checkpoint that is known outside; raises `LogDamagedError`."""
        for note in remembered:
            checkpoint = self._open(note, "remembered")
            if checkpoint.size > size:
                raise LogDamagedError(
                    f"a checkpoint of {checkpoint.size} leaves is known outside the database, but only {size} are "
                    "here: an old backup was restored, or the database was exchanged. Put the newer database back; if "
                    "it is lost, `loopgate audit accept-restore` says so in the log and goes on"
                )
            if self._root_at(checkpoint.size) != checkpoint.root:
                raise LogDamagedError(
                    f"the first {checkpoint.size} leaves are not those of a checkpoint known outside the database: "
                    "this is another history. Put the right database back; if it is lost, "
                    "`loopgate audit accept-restore` says so in the log and goes on"
                )

    def _root_at(self, size: int) -> bytes | None:
        """The root that was signed when the log had that size."""
        query = select(tables.heads.c.root).where(tables.heads.c.size == size)
        root: bytes | None = self._connection.execute(query).scalar()
        return root

    def _open(self, note: str, which: str) -> Checkpoint:
        vkey = self._checkpoint_key.vkey(self._origin)
        try:
            checkpoint = parse_checkpoint(open_note(note, (vkey,)))
        except NoteError as error:
            raise LogDamagedError(f"the {which} checkpoint was altered: {error}") from error
        if checkpoint.origin != self._origin:
            raise LogDamagedError(f"the {which} checkpoint is of {checkpoint.origin}, not of {self._origin}")
        return checkpoint
