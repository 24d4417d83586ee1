"""What was taken back after it had gone out, and who is still to be told so."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016_recalls"
down_revision = "0015_subscribers_pages"
branch_labels = None
depends_on = None


def _id(name: str, *, nullable: bool = False) -> sa.Column[int]:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, big, nullable=nullable, autoincrement=False)


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}")


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )
    op.create_table(
        "recall",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        _id("story_id"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hides_title", sa.Boolean(), nullable=False),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", sa.Text()),
        _key("recall", "story_id", "story"),
        sa.PrimaryKeyConstraint("id", name="pk_recall"),
    )
    op.create_index("ix_recall_story_id", "recall", ["story_id"])
    op.create_table(
        "recalled_article",
        _id("article_id"),
        _id("recall_id"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("title_hash", sa.LargeBinary()),
        sa.Column("topics", json, nullable=False),
        _key("recalled_article", "article_id", "article"),
        _key("recalled_article", "recall_id", "recall"),
        sa.PrimaryKeyConstraint("article_id", name="pk_recalled_article"),
    )
    op.create_index("ix_recalled_article_recall_id", "recalled_article", ["recall_id"])
    op.create_table(
        "correction",
        _id("subscriber_id"),
        _id("recall_id"),
        _id("subscription_id"),
        sa.Column("alone_at", sa.DateTime(timezone=True), nullable=False),
        _id("delivery_id", nullable=True),
        _key("correction", "subscriber_id", "subscriber"),
        _key("correction", "recall_id", "recall"),
        _key("correction", "subscription_id", "subscription"),
        _key("correction", "delivery_id", "delivery"),
        sa.PrimaryKeyConstraint("subscriber_id", "recall_id", name="pk_correction"),
    )
    op.create_index("ix_correction_delivery_id", "correction", ["delivery_id"])
    op.create_index("ix_correction_recall_id", "correction", ["recall_id"])
    waits = sa.text("delivery_id IS NULL")
    op.create_index(
        "ix_correction_waiting",
        "correction",
        ["alone_at"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_table(
        "stale_segment",
        _id("segment_id"),
        _key("stale_segment", "segment_id", "segment"),
        sa.PrimaryKeyConstraint("segment_id", name="pk_stale_segment"),
    )
