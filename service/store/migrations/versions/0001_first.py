"""What the TOML names, what sources said, what became of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Frozen here: a migration must not follow the live code.
INSTANT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_VALUE = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True), "postgresql"
)


def upgrade() -> None:
    op.create_table(
        "digest",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_digest_name")),
    )
    op.create_table(
        "document",
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("gzip", sa.LargeBinary(), nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("basis", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "format", name=op.f("pk_document")),
    )
    op.create_table(
        "fact",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fact")),
    )
    op.create_table(
        "redirect",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("old_name", sa.String(length=64), nullable=False),
        sa.Column("new_name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("kind", "old_name", name=op.f("pk_redirect")),
    )
    op.create_table(
        "source",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("home", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("rests_since", INSTANT, nullable=True),
        sa.Column("rests_until", INSTANT, nullable=True),
        sa.Column("next_poll_at", INSTANT, nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("first_fetch_at", INSTANT, nullable=True),
        sa.Column("first_collected_at", INSTANT, nullable=True),
        sa.Column("last_tried_at", INSTANT, nullable=True),
        sa.Column("last_ok_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("etag", sa.LargeBinary(), nullable=True),
        sa.Column("last_modified", sa.LargeBinary(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.Column("read_as", sa.LargeBinary(), nullable=True),
        sa.Column("document_error", sa.Text(), nullable=True),
        sa.Column("aside_since", INSTANT, nullable=True),
        sa.Column("interval_s", sa.Integer(), nullable=True),
        sa.Column("pace_s", sa.Integer(), nullable=True),
        sa.Column("lull_s", sa.Integer(), nullable=True),
        sa.Column("news_at", INSTANT, nullable=True),
        sa.Column("fresh_s", sa.Integer(), nullable=True),
        sa.Column("every_s", sa.Integer(), nullable=True),
        sa.Column("phase_s", sa.Integer(), nullable=True),
        sa.Column("skips", sa.Integer(), nullable=True),
        sa.Column("whole_at", INSTANT, nullable=True),
        sa.Column("redirect_to", sa.Text(), nullable=True),
        sa.Column("redirect_since", INSTANT, nullable=True),
        sa.Column("redirect_seen", sa.Integer(), nullable=True),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column("held_until", INSTANT, nullable=True),
        sa.Column("held_by", sa.String(length=64), nullable=True),
        sa.Column("gone_at", INSTANT, nullable=True),
        sa.Column("entries_last", sa.Integer(), nullable=True),
        sa.Column("entries_beyond", sa.Integer(), nullable=True),
        sa.Column("repairs", JSON_VALUE, nullable=True),
        sa.Column("drifting_since", INSTANT, nullable=True),
        sa.Column("entries_usual", sa.Integer(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("children", JSON_VALUE, nullable=True),
        sa.Column("dead_since", INSTANT, nullable=True),
        sa.Column("sought_at", INSTANT, nullable=True),
        sa.Column("page_error", sa.Text(), nullable=True),
        sa.Column("suggestions", JSON_VALUE, nullable=True),
        sa.Column("hubs", JSON_VALUE, nullable=True),
        sa.Column("hub_topic", sa.Text(), nullable=True),
        sa.Column("pushed_until", INSTANT, nullable=True),
        sa.Column("rung_304", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rung_body", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rung_slices", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rung_part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rung_whole", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
    )
    op.create_index("ix_source_due", "source", ["next_poll_at"], unique=False)
    op.create_table(
        "source_memory",
        sa.Column("source_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("memory", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_source_memory_source_id")
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source_memory")),
    )

    op.create_table(
        "websub",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("leaving_since", INSTANT, nullable=True),
        sa.Column("asked_mode", sa.String(length=16), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=True),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("alive_since", INSTANT, nullable=True),
        sa.Column("lease_ends", INSTANT, nullable=True),
        sa.Column("refused_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("owner_until", INSTANT, nullable=True),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("missed_at", INSTANT, nullable=True),
        sa.Column("unsigned", sa.Integer(), nullable=False),
        sa.Column("unsigned_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_websub_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_websub")),
        sa.UniqueConstraint("token", name=op.f("uq_websub_token")),
    )
    op.create_index(
        "uq_websub_live",
        "websub",
        ["source_id"],
        unique=True,
        sqlite_where=sa.text("leaving_since IS NULL"),
        postgresql_where=sa.text("leaving_since IS NULL"),
    )
    op.create_table(
        "websub_delivery",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_websub_delivery_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_websub_delivery")),
    )
    op.create_index(
        "ix_websub_delivery_source", "websub_delivery", ["source_id", "id"], unique=False
    )

    op.create_table(
        "robots",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_robots")),
    )
    op.create_table(
        "site_turn",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_site_turn")),
    )
    op.create_table(
        "stale_feed",
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_stale_feed")),
    )
    op.create_table(
        "topic",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.Column("rules_hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("name", name=op.f("uq_topic_name")),
    )
    op.create_table(
        "article",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("merged_into", BIG_ID, nullable=True),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("authors", JSON_VALUE, nullable=False),
        sa.Column("categories", JSON_VALUE, nullable=False),
        sa.Column("enclosures", JSON_VALUE, nullable=False),
        sa.Column("image", JSON_VALUE, nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("published", INSTANT, nullable=True),
        sa.Column("updated", INSTANT, nullable=True),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["article.id"], name=op.f("fk_article_merged_into")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_article_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sa.UniqueConstraint("public_id", name=op.f("uq_article_public_id")),
    )
    op.create_index("ix_article_first_seen_at", "article", ["first_seen_at"], unique=False)
    op.create_index(
        "ix_article_merged_into",
        "article",
        ["merged_into"],
        unique=False,
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )

    op.create_table(
        "article_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_key_article_id")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_article_key")),
    )
    op.create_index("ix_article_key_article_id", "article_key", ["article_id"], unique=False)

    op.create_table(
        "article_topic",
        sa.Column("article_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("topic_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.Column("listed_at", INSTANT, nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("reason", JSON_VALUE, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_topic_article_id")
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_article_topic_topic_id")),
        sa.PrimaryKeyConstraint("article_id", "topic_id", name=op.f("pk_article_topic")),
    )
    op.create_index(
        "ix_article_topic_listed", "article_topic", ["topic_id", "listed_at"], unique=False
    )
    op.create_index("ix_article_topic_listed_at", "article_topic", ["listed_at"], unique=False)
    op.create_index(
        "ix_article_topic_window", "article_topic", ["topic_id", "entered_at"], unique=False
    )

    op.create_table(
        "entry",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("entry_key", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("article_id", BIG_ID, nullable=True),
        sa.Column("refused_reason", sa.String(length=32), nullable=True),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("published", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(article_id IS NULL) <> (refused_reason IS NULL)",
            name=op.f("ck_entry_linked_or_refused"),
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_entry_article_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_entry_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("source_id", "entry_key", name=op.f("uq_entry_source_id_entry_key")),
    )
    op.create_index("ix_entry_article_id", "entry", ["article_id"], unique=False)
    op.create_index(
        "ix_entry_refused",
        "entry",
        ["source_id", "refused_reason"],
        unique=False,
        sqlite_where=sa.text("refused_reason IS NOT NULL"),
        postgresql_where=sa.text("refused_reason IS NOT NULL"),
    )
    op.create_table(
        "unread_page",
        sa.Column("entry_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("listed", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_unread_page_entry_id")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_unread_page_source_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_unread_page")),
    )
    op.create_index("ix_unread_page_due", "unread_page", ["next_try_at"], unique=False)
    op.create_index("ix_unread_page_source_id", "unread_page", ["source_id"], unique=False)

    op.create_table(
        "story",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.Column("merged_into", BIG_ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_story_article_id")),
        sa.ForeignKeyConstraint(["merged_into"], ["story.id"], name=op.f("fk_story_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story")),
        sa.UniqueConstraint("public_id", name=op.f("uq_story_public_id")),
    )
    op.create_index(
        "ix_story_merged_into",
        "story",
        ["merged_into"],
        unique=False,
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_table(
        "story_article",
        sa.Column("article_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("story_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_story_article_article_id")
        ),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name=op.f("fk_story_article_story_id")),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_story_article")),
    )
    op.create_index("ix_story_article_story_id", "story_article", ["story_id"], unique=False)
