"""Which stories are hot, and since when."""

import sqlalchemy as sa
from alembic import op

revision = "0006_hot_stories"
down_revision = "0005_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hot_story",
        sa.Column(
            "story_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False
        ),
        sa.Column("hot_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name="fk_hot_story_story_id"),
        sa.PrimaryKeyConstraint("story_id", name="pk_hot_story"),
    )
    op.create_index("ix_hot_story_hot_at", "hot_story", ["hot_at"])
