"""An edition may be reviewed before it goes: by whom, what they did, and what they took out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014_reviews"
down_revision = "0013_returned_mail"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
STATES = "'waiting', 'held', 'approved', 'released', 'gone', 'overtaken'"


def upgrade() -> None:
    op.add_column("edition", sa.Column("opening", sa.Text()))
    op.add_column("edition_story", sa.Column("note", sa.Text()))
    op.create_table(
        "review",
        sa.Column("edition_id", BIG_ID, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("arranged", sa.Boolean(), nullable=False),
        sa.Column("let_go_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_review_state")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name="fk_review_edition_id"),
        sa.PrimaryKeyConstraint("edition_id", name="pk_review"),
    )
    op.create_index("ix_review_state", "review", ["state"])
    op.create_table(
        "review_link",
        sa.Column("token", sa.String(32)),
        sa.Column("edition_id", BIG_ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["review.edition_id"], name="fk_review_link_edition_id"
        ),
        sa.PrimaryKeyConstraint("token", name="pk_review_link"),
        sa.UniqueConstraint("edition_id", "address", name="uq_review_link_edition_id_address"),
    )
    op.create_table(
        "review_act",
        sa.Column("id", BIG_ID),
        sa.Column("edition_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("story_id", BIG_ID),
        sa.Column("detail", sa.Text()),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["review.edition_id"], name="fk_review_act_edition_id"
        ),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name="fk_review_act_story_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review_act"),
    )
    op.create_index("ix_review_act_edition_id", "review_act", ["edition_id"])
    op.create_table(
        "dropped_story",
        sa.Column("edition_id", BIG_ID, autoincrement=False),
        sa.Column("story_id", BIG_ID, autoincrement=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("topics", JSON, nullable=False),
        sa.Column("article_ids", JSON, nullable=False),
        sa.Column("view", JSON, nullable=False),
        sa.Column("standing", JSON),
        sa.Column("note", sa.Text()),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["review.edition_id"], name="fk_dropped_story_edition_id"
        ),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name="fk_dropped_story_story_id"),
        sa.PrimaryKeyConstraint("edition_id", "story_id", name="pk_dropped_story"),
    )
    op.create_table(
        "dropped_article",
        sa.Column("digest_id", BIG_ID, autoincrement=False),
        sa.Column("article_id", BIG_ID, autoincrement=False),
        sa.Column("edition_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name="fk_dropped_article_digest_id"),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_dropped_article_article_id"
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["review.edition_id"], name="fk_dropped_article_edition_id"
        ),
        sa.PrimaryKeyConstraint("digest_id", "article_id", name="pk_dropped_article"),
    )
    op.create_index("ix_dropped_article_article_id", "dropped_article", ["article_id"])
