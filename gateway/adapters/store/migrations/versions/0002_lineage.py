"""The lineage index: who made the commits and file versions that the gateway has seen."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables of the lineage index."""
    op.create_table(
        "lineage_commits",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("patch_id", sa.String(), nullable=True),
        sa.Column("makers", sa.Text(), nullable=False),
        sa.Column("built", sa.Boolean(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "commit_id"),
    )
    op.create_index("ix_lineage_commits_patch", "lineage_commits", ["project", "patch_id"], unique=False)
    op.create_table(
        "lineage_files",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("path_key", sa.String(), nullable=False),
        sa.Column("blob", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("project", "commit_id", "path_key"),
    )
    op.create_index("ix_lineage_files_blob", "lineage_files", ["project", "blob"], unique=False)
    op.create_index("ix_lineage_files_path", "lineage_files", ["project", "path_key"], unique=False)
