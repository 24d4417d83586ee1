"""The processes of a site, where it is many."""

import sqlalchemy as sa
from alembic import op

revision = "0008_running_processes"
down_revision = "0007_story_acts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "running_process",
        sa.Column("id", sa.String(64)),
        sa.Column("machine", sa.String(255), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_running_process"),
    )
    op.create_index("ix_running_process_seen_at", "running_process", ["seen_at"])
