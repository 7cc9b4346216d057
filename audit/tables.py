"""The log's tables: SQLAlchemy Core, the same on SQLite and PostgreSQL.

`leaves`, `heads` and `checkpoints` only grow. Triggers refuse any UPDATE or DELETE of leaves and
checkpoints; they guard against accidents, while signatures and hashes are for the rest.
`metadata.create_all` applies them; a migration runs `TRIGGERS` or `POSTGRESQL_TRIGGERS` itself.
"""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    event,
)
from sqlalchemy.schema import ExecutableDDLElement

metadata = MetaData()

_number = BigInteger().with_variant(Integer(), "sqlite")


def _growing(name: str) -> Column[Any]:
    """A primary key that the log counts itself."""
    return Column(name, _number, primary_key=True, autoincrement=False)


leaves = Table(
    "audit_leaves",
    metadata,
    _growing("leaf_index"),
    Column("event_id", String(72), nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("time_ms", _number, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""One row per event; `leaf` is the exact bytes that `signature` (DSSE, event key) and `leaf_hash` cover."""

heads = Table(
    "audit_heads",
    metadata,
    _growing("size"),
    Column("root", LargeBinary, nullable=False),
    Column("time_ms", _number, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""One row per commit: size and root, signed by the event key (audit/heads.py says over what)."""

frontier = Table(
    "audit_frontier",
    metadata,
    _growing("id"),
    Column("size", _number, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("time_ms", _number, nullable=False),
)
"""One row (id 1): the compact range over all leaves and the time of the last one."""

checkpoints = Table(
    "audit_checkpoints",
    metadata,
    _growing("size"),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("time_ms", _number, nullable=False),
)
"""Published states of the log: C2SP signed notes by the checkpoint key."""

disclosures = Table(
    "audit_disclosures",
    metadata,
    Column("digest", String(43), primary_key=True),
    Column("leaf_index", _number, nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("disclosure", Text, nullable=False),
)
"""Private values beside the log; a row may be deleted (erasure), and every proof still works."""

keys = Table(
    "audit_keys",
    metadata,
    Column("key_id", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("added_index", _number, nullable=False),
    PrimaryKeyConstraint("key_id", "role"),
)
"""Public keys that leaves have certified, with the index of the leaf: an index, not a source of trust."""


def _guard(table: str, verb: str) -> str:
    return (
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} only grows: {verb} is refused'); END"
    )


LEAVES_NO_UPDATE = _guard("audit_leaves", "UPDATE")
LEAVES_NO_DELETE = _guard("audit_leaves", "DELETE")
CHECKPOINTS_NO_UPDATE = _guard("audit_checkpoints", "UPDATE")
CHECKPOINTS_NO_DELETE = _guard("audit_checkpoints", "DELETE")

TRIGGERS = (LEAVES_NO_UPDATE, LEAVES_NO_DELETE, CHECKPOINTS_NO_UPDATE, CHECKPOINTS_NO_DELETE)
"""The SQLite statements that a migration runs after creating the tables."""

TRIGGER_NAMES = tuple(statement.split()[5] for statement in TRIGGERS)

_REFUSE = """CREATE OR REPLACE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP; END $$"""

POSTGRESQL_TRIGGERS = (
    _REFUSE,
    *(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
        for table in ("audit_leaves", "audit_checkpoints")
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    ),
)
"""The same for PostgreSQL, which also has TRUNCATE to be refused."""


def _listen(statements: tuple[str, ...], dialect: str) -> None:
    for statement in statements:
        # DDL() formats its statement with %.
        ddl: ExecutableDDLElement = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(metadata, "after_create", ddl.execute_if(dialect=dialect))


_listen(TRIGGERS, "sqlite")
_listen(POSTGRESQL_TRIGGERS, "postgresql")
