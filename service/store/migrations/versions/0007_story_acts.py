"""What an admin says by hand about stories: which articles are together, and which apart."""

import sqlalchemy as sa
from alembic import op

revision = "0007_story_acts"
down_revision = "0006_hot_stories"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "story_act",
        sa.Column("id", BIG_ID),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_story_act"),
    )
    op.create_table(
        "story_act_article",
        sa.Column("act_id", BIG_ID, autoincrement=False),
        sa.Column("article_id", BIG_ID, autoincrement=False),
        sa.Column("side", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["story_act.id"], name="fk_story_act_article_act_id"),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_story_act_article_article_id"
        ),
        sa.PrimaryKeyConstraint("act_id", "article_id", name="pk_story_act_article"),
    )
    op.create_index("ix_story_act_article_article_id", "story_act_article", ["article_id"])
