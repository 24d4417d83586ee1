"""Rates of mail that all machines share, and domains that put mail off."""

import sqlalchemy as sa
from alembic import op

revision = "0009_mail_rates"
down_revision = "0008_running_processes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_rate",
        sa.Column("name", sa.String(255)),
        sa.Column("taken_us", sa.BigInteger(), nullable=False),
        sa.Column("queued_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_mail_rate"),
    )
    op.create_table(
        "slow_domain",
        sa.Column("domain", sa.String(255)),
        sa.Column("for_readers", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_slow_domain"),
    )
