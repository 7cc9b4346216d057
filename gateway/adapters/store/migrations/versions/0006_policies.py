"""Policies kept by digest, and every change of the one in force."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables; what is in force is the first step."""
    op.create_table(
        "policy_bundles",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("wasm_sha256", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("wasm", sa.LargeBinary(), nullable=False),
        sa.Column("rego", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("kept_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "policy_steps",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("action_id", sa.String(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("action_id"),
    )
    op.execute(
        'INSERT INTO policy_steps (number, kind, digest, "by", at_ms) '
        "SELECT 1, 'begun', value, 'migrate', 0 FROM settings WHERE name = 'active_policy'"
    )
