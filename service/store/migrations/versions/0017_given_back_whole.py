"""What a recall put aside comes back whole: a mail's back-off, an article's headline."""

import sqlalchemy as sa
from alembic import op

revision = "0017_given_back_whole"
down_revision = "0016_recalls"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("back_off_until", sa.DateTime(timezone=True)))
    op.add_column("recalled_article", sa.Column("title", sa.Text()))
