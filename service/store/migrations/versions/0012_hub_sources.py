"""Which sources name a hub is looked for every few seconds: few of very many do."""

import sqlalchemy as sa
from alembic import op

revision = "0012_hub_sources"
down_revision = "0011_what_processes_do"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As many rows as there are sources, which the TOML names: it is built at once.
    op.create_index(
        "ix_source_poll_hub",
        "source_poll",
        ["source_id"],
        sqlite_where=sa.text("hub_topic IS NOT NULL"),
        postgresql_where=sa.text("hub_topic IS NOT NULL"),
    )
