"""The guards of the log on PostgreSQL, as SQLite has them from the beginning."""

from alembic import op

from audit.tables import POSTGRESQL_TRIGGERS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the server refuse to change, delete or truncate leaves and checkpoints."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL_TRIGGERS:
            op.execute(statement)
