"""What a process of many has in hand, and how wrong its machine's clock is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011_what_processes_do"
down_revision = "0010_configurations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column("running_process", sa.Column("clock_ahead_s", sa.Integer()))
    op.add_column("running_process", sa.Column("doing", json))
