"""From an edition to one mail: what was frozen, rendered, handed over and told."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from service.model import DeliveryKind, DeliveryState
from service.store.core.column_types import BigId, Json, UtcDateTime
from service.store.tables.base import metadata, one_of

edition = Table(
    "edition",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("digest_id", ForeignKey("digest.id"), nullable=False),
    Column("cadence", String(64), nullable=False),
    Column("cut_at", UtcDateTime, nullable=False),
    Column("covers_from", UtcDateTime, nullable=False),
    Column("covers_to", UtcDateTime, nullable=False),
    Column("period_from", UtcDateTime, nullable=False),  # its own period: since the previous cut
    Column("listed", Boolean, nullable=False),  # stands in the archive
    Column("more", Integer, nullable=False),  # frozen away as a number, not told
    Column("frozen_at", UtcDateTime, nullable=False),
    Column("planned_at", UtcDateTime),  # None: not everyone due has been planned yet
    Column("error", Text),  # why it could not be rendered; None: it could
    Column("opening", Text),  # words that an editor put first; None: nobody did
    UniqueConstraint("digest_id", "cadence", "cut_at"),
    Index("ix_edition_cut_at", "cut_at"),
)

edition_story = Table(
    "edition_story",
    metadata,
    Column("edition_id", ForeignKey("edition.id"), primary_key=True, autoincrement=False),
    Column("story_id", ForeignKey("story.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("topics", Json, nullable=False),  # [[topic id in the TOML, entered_at ISO 8601], …]
    Column("article_ids", Json, nullable=False),
    Column("view", Json, nullable=False),  # what mail and page both render
    Column("standing", Json),  # what its place follows from; NULL: frozen before that was kept
    Column("note", Text),  # words that an editor put below it; None: nobody did
)

segment = Table(
    "segment",
    metadata,
    # Those who get the same stories in the same language from one edition: rendered once. A mail
    # without an edition (confirm, welcome …) has a segment of its own, hash unique by itself.
    Column("id", BigId, primary_key=True),
    Column("edition_id", ForeignKey("edition.id")),
    Column("hash", LargeBinary, nullable=False),
    Column("language", String(35), nullable=False),
    Column("stories", Json, nullable=False),  # ordered sections with their story ids
    Column("parts", LargeBinary),  # compressed; None once its last delivery is final
    UniqueConstraint("edition_id", "hash"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("edition_id", ForeignKey("edition.id")),
    Column("segment_id", ForeignKey("segment.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    # 0 goes first: whatever is no edition.
    Column("priority", SmallInteger, nullable=False, default=0),
    Column("message_id", Text, nullable=False, unique=True),  # KEY@HOST, without its brackets
    Column("covers_from", UtcDateTime),
    Column("dated_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("state", String(16), nullable=False),
    Column("lease_owner", String(64)),
    Column("lease_until", UtcDateTime),
    Column("next_try_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    # How often it was planned again after its last answer was lost, and when it will be by itself.
    Column("resends", SmallInteger, nullable=False, server_default="0"),
    Column("resend_at", UtcDateTime),  # None: it is held, or not uncertain
    # Until when it waits for its own sake, while it is put off to be made anew after a recall.
    Column("back_off_until", UtcDateTime),
    Column("settled_at", UtcDateTime),  # when the state became final
    Column("reply", Text),  # the relay's last word
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("subscription_id", "edition_id"),
    one_of("state", DeliveryState),
    one_of("kind", DeliveryKind),
    CheckConstraint("priority IN (0, 1)", name="priority"),  # nobody would claim another one
    # An owner's name may stay longer: a late answer finds an uncertain delivery by it.
    CheckConstraint(
        "(state IN ('claimed', 'sending')) = (lease_until IS NOT NULL)", name="in_hand"
    ),
    CheckConstraint("lease_until IS NULL OR lease_owner IS NOT NULL", name="leased"),
    CheckConstraint("kind <> 'edition' OR edition_id IS NOT NULL", name="of_edition"),
    Index("ix_delivery_queue", "state", "priority", "next_try_at"),
    Index("ix_delivery_segment_id", "segment_id"),
    Index("ix_delivery_edition_id", "edition_id"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("delivery_id", ForeignKey("delivery.id"), primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("tried_at", UtcDateTime, nullable=False),
    Column("relay", String(64), nullable=False),
    Column("answer", Text, nullable=False),
)

told = Table(
    "told",
    metadata,
    Column("subscriber_id", BigId, primary_key=True, autoincrement=False),
    Column("scope", String(64), primary_key=True),
    Column("article_id", BigId, primary_key=True, autoincrement=False),
    Column("delivery_id", BigId, nullable=False),
    Column("shown", Boolean, nullable=False),  # False: only counted in "N more online"
    # PostgreSQL took half of an edition's time to look these up for each row. There `told.write`
    # does it for all rows at once, and triggers refuse what would leave one behind (0018).
    ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"]).ddl_if(dialect="sqlite"),
    ForeignKeyConstraint(["article_id"], ["article.id"]).ddl_if(dialect="sqlite"),
    ForeignKeyConstraint(["delivery_id"], ["delivery.id"]).ddl_if(dialect="sqlite"),
    Index("ix_told_delivery_id", "delivery_id"),
    Index("ix_told_article_id", "article_id"),
    sqlite_with_rowid=False,
)

returned_mail = Table(
    "returned_mail",
    metadata,
    # What came back by mail after the relay had accepted it; the delivery stays accepted.
    Column("delivery_id", ForeignKey("delivery.id"), primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),  # bounce, complaint, about_us, unread
    Column("address_key", LargeBinary, nullable=False),  # of whom it was written to
    Column("hard", Boolean, nullable=False),  # reason enough by itself to write no more
    Column("status", String(16), nullable=False),  # RFC 3463; "": none was written
    Column("reason", Text, nullable=False),  # the report's words, without addresses
    Column("returned_at", UtcDateTime, nullable=False),
    Index("ix_returned_mail_address_key", "address_key", "returned_at"),
)
