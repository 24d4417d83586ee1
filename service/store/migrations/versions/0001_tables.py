"""The first schema, which is frozen: whatever comes later is a migration of its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_tables"
down_revision = None
branch_labels = None
depends_on = None

# Frozen here: a migration must not follow the live code.
INSTANT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_VALUE = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True), "postgresql"
)
NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def upgrade() -> None:
    metadata = sa.MetaData(naming_convention=NAMES)
    sa.Table(
        "content_version",
        metadata,
        sa.Column("scope", sa.String(80), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    sa.Table(
        "digest",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.UniqueConstraint("name"),
    )
    sa.Table(
        "document",
        metadata,
        sa.Column("feed", sa.String(64), primary_key=True),
        sa.Column("format", sa.String(8), primary_key=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("gzip", sa.LargeBinary(), nullable=False),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("basis", sa.LargeBinary(), nullable=False),
    )
    sa.Table(
        "fact",
        metadata,
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    sa.Table(
        "redirect",
        metadata,
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("old_name", sa.String(64), primary_key=True),
        sa.Column("new_name", sa.String(64), nullable=False),
        sa.CheckConstraint("kind IN ('topic', 'digest')", name="kind"),
    )
    sa.Table(
        "relay",
        metadata,
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("failing_since", INSTANT),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        sa.Column("next_try_at", INSTANT),
    )
    sa.Table(
        "robots",
        metadata,
        sa.Column("address", sa.Text(), primary_key=True),
        sa.Column("rules", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("failing_since", INSTANT),
    )
    sa.Table(
        "signup_hour",
        metadata,
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("starts_at", INSTANT, primary_key=True),
        sa.Column("mails", sa.Integer(), nullable=False),
    )
    sa.Table(
        "site_lease",
        metadata,
        sa.Column("site", sa.Text(), primary_key=True),
        sa.Column("lease_owner", sa.String(64), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=False),
    )
    sa.Table(
        "source",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("home", sa.Text()),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("language", sa.String(35)),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("paused_since", INSTANT),
        sa.Column("paused_until", INSTANT),
        sa.CheckConstraint("paused_until IS NULL OR paused_since IS NOT NULL", name="paused"),
        sa.UniqueConstraint("name"),
    )
    sa.Table(
        "stale_feed",
        metadata,
        sa.Column("feed", sa.String(64), primary_key=True),
        sa.Column("marked_at", INSTANT, nullable=False),
    )
    sa.Table(
        "subscriber",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("mailbox_key", sa.LargeBinary()),
        sa.Column("address", sa.Text()),
        sa.Column("language", sa.String(35)),
        sa.Column("zone", sa.String(64)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.UniqueConstraint("address_key"),
        sa.Index("ix_subscriber_mailbox_key", "mailbox_key"),
    )
    sa.Table(
        "suppression",
        metadata,
        sa.Column("address_key", sa.LargeBinary(), primary_key=True),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("suppressed_at", INSTANT, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
    )
    sa.Table(
        "topic",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.Column("rules_hash", sa.LargeBinary()),
        sa.UniqueConstraint("name"),
    )
    sa.Table(
        "article",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("public_id", sa.String(24), nullable=False),
        sa.Column("merged_into", BIG_ID, sa.ForeignKey("article.id")),
        sa.Column("source_id", BIG_ID, sa.ForeignKey("source.id"), nullable=False),
        sa.Column("link", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("authors", JSON_VALUE, nullable=False),
        sa.Column("categories", JSON_VALUE, nullable=False),
        sa.Column("enclosures", JSON_VALUE, nullable=False),
        sa.Column("image", JSON_VALUE),
        sa.Column("language", sa.String(35)),
        sa.Column("published_at", INSTANT),
        sa.Column("updated_at", INSTANT),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("public_id"),
        sa.Index("ix_article_first_seen_at", "first_seen_at"),
        sa.Index(
            "ix_article_merged_into",
            "merged_into",
            sqlite_where=sa.text("merged_into IS NOT NULL"),
            postgresql_where=sa.text("merged_into IS NOT NULL"),
        ),
    )
    sa.Table(
        "edition",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("digest_id", BIG_ID, sa.ForeignKey("digest.id"), nullable=False),
        sa.Column("cadence", sa.String(64), nullable=False),
        sa.Column("cut_at", INSTANT, nullable=False),
        sa.Column("covers_from", INSTANT, nullable=False),
        sa.Column("covers_to", INSTANT, nullable=False),
        sa.Column("period_from", INSTANT, nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=False),
        sa.Column("planned_at", INSTANT),
        sa.Column("error", sa.Text()),
        sa.UniqueConstraint("digest_id", "cadence", "cut_at"),
        sa.Index("ix_edition_cut_at", "cut_at"),
    )
    sa.Table(
        "source_counts",
        metadata,
        sa.Column(
            "source_id", BIG_ID, sa.ForeignKey("source.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("not_modified", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("body", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("slices", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("part", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("whole", sa.Integer(), nullable=False, server_default="0"),
    )
    sa.Table(
        "source_snapshot",
        metadata,
        sa.Column(
            "source_id", BIG_ID, sa.ForeignKey("source.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
    )
    sa.Table(
        "source_poll",
        metadata,
        sa.Column(
            "source_id", BIG_ID, sa.ForeignKey("source.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("next_poll_at", INSTANT, nullable=False),
        sa.Column("lease_owner", sa.String(64)),
        sa.Column("lease_until", INSTANT),
        sa.Column("first_fetch_at", INSTANT),
        sa.Column("first_collected_at", INSTANT),
        sa.Column("last_tried_at", INSTANT),
        sa.Column("last_ok_at", INSTANT),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.Text()),
        sa.Column("etag", sa.LargeBinary()),
        sa.Column("last_modified", sa.LargeBinary()),
        sa.Column("body_hash", sa.LargeBinary()),
        sa.Column("read_as", sa.LargeBinary()),
        sa.Column("document_error", sa.Text()),
        sa.Column("quarantined_since", INSTANT),
        sa.Column("interval_s", sa.Integer()),
        sa.Column("usual_gap_s", sa.Integer()),
        sa.Column("longest_gap_s", sa.Integer()),
        sa.Column("last_news_at", INSTANT),
        sa.Column("fresh_s", sa.Integer()),
        sa.Column("every_s", sa.Integer()),
        sa.Column("phase_s", sa.Integer()),
        sa.Column("skips", sa.Integer()),
        sa.Column("full_fetch_at", INSTANT),
        sa.Column("redirect_url", sa.Text()),
        sa.Column("redirect_since", INSTANT),
        sa.Column("redirect_seen", sa.Integer()),
        sa.Column("moved_url", sa.Text()),
        sa.Column("held_until", INSTANT),
        sa.Column("held_by_id", BIG_ID, sa.ForeignKey("source.id")),
        sa.Column("gone_at", INSTANT),
        sa.Column("entries_last", sa.Integer()),
        sa.Column("entries_beyond", sa.Integer()),
        sa.Column("repairs", JSON_VALUE),
        sa.Column("drifting_since", INSTANT),
        sa.Column("entries_usual", sa.Integer()),
        sa.Column("list_path", sa.Text()),
        sa.Column("sitemaps", JSON_VALUE),
        sa.Column("page_error", sa.Text()),
        sa.Column("dead_since", INSTANT),
        sa.Column("searched_at", INSTANT),
        sa.Column("suggestions", JSON_VALUE),
        sa.Column("hubs", JSON_VALUE),
        sa.Column("hub_topic", sa.Text()),
        sa.Column("pushed_until", INSTANT),
        sa.CheckConstraint("held_by_id IS NULL OR held_until IS NOT NULL", name="held"),
        sa.CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="leased"),
        sa.Index("ix_source_poll_due", "next_poll_at"),
    )
    sa.Table(
        "subscription",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("subscriber_id", BIG_ID, sa.ForeignKey("subscriber.id"), nullable=False),
        sa.Column("digest_id", BIG_ID, sa.ForeignKey("digest.id"), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("cadence", sa.String(64), nullable=False),
        sa.Column("hour", sa.String(5)),
        sa.Column("zone", sa.String(64)),
        sa.Column("topics", JSON_VALUE),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("evidence", sa.Text()),
        sa.Column("signup_hash", sa.LargeBinary()),
        sa.Column("starts_at", INSTANT),
        sa.Column("covered_to", INSTANT),
        sa.Column("next_cut_at", INSTANT),
        sa.Column("rule", sa.Text()),
        sa.Column("paused_until", INSTANT),
        sa.Column("welcome_due", sa.Boolean(), nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_reason", sa.String(32)),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_reason IS NULL)", name="ended"),
        sa.UniqueConstraint("token"),
        sa.Index("ix_subscription_subscriber_id", "subscriber_id"),
        sa.Index("ix_subscription_next_cut", "digest_id", "next_cut_at"),
        sa.Index(
            "ix_subscription_welcome_due",
            "id",
            sqlite_where=sa.text("welcome_due IS 1"),
            postgresql_where=sa.text("welcome_due IS true"),
        ),
        sa.Index(
            "uq_subscription_live",
            "subscriber_id",
            "digest_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )
    sa.Table(
        "websub",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("source_id", BIG_ID, sa.ForeignKey("source.id"), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("leaving_since", INSTANT),
        sa.Column("asked_mode", sa.String(16)),
        sa.Column("asked_at", INSTANT),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("alive_since", INSTANT),
        sa.Column("subscribed_until", INSTANT),
        sa.Column("refused_at", INSTANT),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("lease_owner", sa.String(64)),
        sa.Column("lease_until", INSTANT),
        sa.Column("delivered_count", sa.Integer(), nullable=False),
        sa.Column("delivered_at", INSTANT),
        sa.Column("missed_at", INSTANT),
        sa.Column("unsigned_count", sa.Integer(), nullable=False),
        sa.Column("unsigned_at", INSTANT),
        sa.CheckConstraint("asked_mode IN ('subscribe', 'unsubscribe')", name="asked_mode"),
        sa.CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="leased"),
        sa.UniqueConstraint("token"),
        sa.Index(
            "uq_websub_live",
            "source_id",
            unique=True,
            sqlite_where=sa.text("leaving_since IS NULL"),
            postgresql_where=sa.text("leaving_since IS NULL"),
        ),
    )
    sa.Table(
        "websub_delivery",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("source_id", BIG_ID, sa.ForeignKey("source.id"), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Index("ix_websub_delivery_source", "source_id", "id"),
    )
    sa.Table(
        "article_key",
        metadata,
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("article_id", BIG_ID, sa.ForeignKey("article.id"), nullable=False),
        sa.Index("ix_article_key_article_id", "article_id"),
    )
    sa.Table(
        "article_topic",
        metadata,
        sa.Column(
            "article_id", BIG_ID, sa.ForeignKey("article.id"), primary_key=True, autoincrement=False
        ),
        sa.Column(
            "topic_id", BIG_ID, sa.ForeignKey("topic.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.Column("listed_at", INSTANT, nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("reason", JSON_VALUE, nullable=False),
        sa.Index("ix_article_topic_listed", "topic_id", "listed_at"),
        sa.Index("ix_article_topic_listed_at", "listed_at"),
        sa.Index("ix_article_topic_window", "topic_id", "entered_at"),
    )
    sa.Table(
        "entry",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("source_id", BIG_ID, sa.ForeignKey("source.id"), nullable=False),
        sa.Column("entry_key", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text()),
        sa.Column("link", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("article_id", BIG_ID, sa.ForeignKey("article.id")),
        sa.Column("refused_reason", sa.String(32)),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT),
        sa.CheckConstraint(
            "(article_id IS NULL) <> (refused_reason IS NULL)", name="linked_or_refused"
        ),
        sa.UniqueConstraint("source_id", "entry_key"),
        sa.Index("ix_entry_article_id", "article_id"),
        sa.Index(
            "ix_entry_refused",
            "source_id",
            "refused_reason",
            sqlite_where=sa.text("refused_reason IS NOT NULL"),
            postgresql_where=sa.text("refused_reason IS NOT NULL"),
        ),
    )
    sa.Table(
        "segment",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("edition_id", BIG_ID, sa.ForeignKey("edition.id")),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("stories", JSON_VALUE, nullable=False),
        sa.Column("parts", sa.LargeBinary()),
        sa.UniqueConstraint("edition_id", "hash"),
    )
    sa.Table(
        "story",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("public_id", sa.String(24), nullable=False),
        sa.Column("article_id", BIG_ID, sa.ForeignKey("article.id"), nullable=False),
        sa.Column("merged_into", BIG_ID, sa.ForeignKey("story.id")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.UniqueConstraint("public_id"),
        sa.Index(
            "ix_story_merged_into",
            "merged_into",
            sqlite_where=sa.text("merged_into IS NOT NULL"),
            postgresql_where=sa.text("merged_into IS NOT NULL"),
        ),
    )
    sa.Table(
        "subscription_event",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("subscription_id", BIG_ID, sa.ForeignKey("subscription.id"), nullable=False),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("detail", JSON_VALUE, nullable=False),
        sa.Index("ix_subscription_event_subscription_id", "subscription_id"),
    )
    sa.Table(
        "delivery",
        metadata,
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("subscription_id", BIG_ID, sa.ForeignKey("subscription.id"), nullable=False),
        sa.Column("edition_id", BIG_ID, sa.ForeignKey("edition.id")),
        sa.Column("segment_id", BIG_ID, sa.ForeignKey("segment.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("covers_from", INSTANT),
        sa.Column("dated_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("lease_owner", sa.String(64)),
        sa.Column("lease_until", INSTANT),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("resends", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("resend_at", INSTANT),
        sa.Column("settled_at", INSTANT),
        sa.Column("reply", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(state IN ('claimed', 'sending')) = (lease_until IS NOT NULL)", name="in_hand"
        ),
        sa.CheckConstraint("lease_until IS NULL OR lease_owner IS NOT NULL", name="leased"),
        sa.CheckConstraint(
            "kind IN ('edition', 'confirm', 'welcome', 'change', 'report')", name="kind"
        ),
        sa.CheckConstraint("priority IN (0, 1)", name="priority"),
        sa.CheckConstraint("kind <> 'edition' OR edition_id IS NOT NULL", name="of_edition"),
        sa.CheckConstraint(
            "state IN ('planned', 'claimed', 'sending', 'accepted', 'deferred', 'rejected', 'uncertain', 'suppressed', 'expired', 'dropped')",
            name="state",
        ),
        sa.UniqueConstraint("message_id"),
        sa.UniqueConstraint("subscription_id", "edition_id"),
        sa.Index("ix_delivery_edition_id", "edition_id"),
        sa.Index("ix_delivery_queue", "state", "priority", "next_try_at"),
        sa.Index("ix_delivery_segment_id", "segment_id"),
    )
    sa.Table(
        "edition_story",
        metadata,
        sa.Column(
            "edition_id", BIG_ID, sa.ForeignKey("edition.id"), primary_key=True, autoincrement=False
        ),
        sa.Column(
            "story_id", BIG_ID, sa.ForeignKey("story.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("topics", JSON_VALUE, nullable=False),
        sa.Column("article_ids", JSON_VALUE, nullable=False),
        sa.Column("view", JSON_VALUE, nullable=False),
    )
    sa.Table(
        "story_article",
        metadata,
        sa.Column(
            "article_id", BIG_ID, sa.ForeignKey("article.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("story_id", BIG_ID, sa.ForeignKey("story.id"), nullable=False),
        sa.Index("ix_story_article_story_id", "story_id"),
    )
    sa.Table(
        "unread_page",
        metadata,
        sa.Column(
            "entry_id", BIG_ID, sa.ForeignKey("entry.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("source_id", BIG_ID, sa.ForeignKey("source.id"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("listed_entry", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("lease_owner", sa.String(64)),
        sa.Column("lease_until", INSTANT),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="leased"),
        sa.Index("ix_unread_page_due", "next_try_at"),
        sa.Index("ix_unread_page_source_id", "source_id"),
    )
    sa.Table(
        "attempt",
        metadata,
        sa.Column(
            "delivery_id",
            BIG_ID,
            sa.ForeignKey("delivery.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("n", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("tried_at", INSTANT, nullable=False),
        sa.Column("relay", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
    )
    sa.Table(
        "told",
        metadata,
        sa.Column(
            "subscriber_id",
            BIG_ID,
            sa.ForeignKey("subscriber.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("scope", sa.String(64), primary_key=True),
        sa.Column(
            "article_id", BIG_ID, sa.ForeignKey("article.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("delivery_id", BIG_ID, sa.ForeignKey("delivery.id"), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Index("ix_told_article_id", "article_id"),
        sa.Index("ix_told_delivery_id", "delivery_id"),
        sqlite_with_rowid=False,
    )
    metadata.create_all(op.get_bind(), checkfirst=False)
