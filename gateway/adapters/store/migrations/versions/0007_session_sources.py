"""What agents have read: by agent, trace (empty: any) and kind."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of sources."""
    op.create_table(
        "session_sources",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("trace", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "trace", "kind"),
    )
