"""What was taken back after it had gone out, and who is still to be told so."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)

from service.store.core.column_types import BigId, Json, UtcDateTime
from service.store.tables.base import metadata

recall = Table(
    "recall",
    metadata,
    # An admin's word, that stays: who took back what, when and why, and who gave it back.
    Column("id", BigId, primary_key=True),
    Column("story_id", ForeignKey("story.id"), nullable=False),  # whose page says so
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),  # readers see it
    Column("hides_title", Boolean, nullable=False),
    Column("recalled_at", UtcDateTime, nullable=False),
    Column("undone_at", UtcDateTime),  # None: it is in force
    Column("undone_by", Text),
    Index("ix_recall_story_id", "story_id"),
)

recalled_article = Table(
    "recalled_article",
    metadata,
    # Articles that are taken back now. What is needed to give one back, and to know it again.
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("recall_id", ForeignKey("recall.id"), nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of its words: whoever prints them tells it
    Column("title_hash", LargeBinary),  # None: too short to know it by
    Column("topics", Json, nullable=False),  # its rows of article_topic
    Column("title", Text),  # its headline, to be given back; None: the article has it still
    Index("ix_recalled_article_recall_id", "recall_id"),
)

correction = Table(
    "correction",
    metadata,
    # A reader who was told what was taken back, and the mail that says so, once.
    Column("subscriber_id", ForeignKey("subscriber.id"), primary_key=True, autoincrement=False),
    Column("recall_id", ForeignKey("recall.id"), primary_key=True, autoincrement=False),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),  # that told it
    Column("alone_at", UtcDateTime, nullable=False),  # no longer waits for an edition then
    Column("delivery_id", ForeignKey("delivery.id")),  # None: it waits
    Index("ix_correction_delivery_id", "delivery_id"),
    Index("ix_correction_recall_id", "recall_id"),
    Index(
        "ix_correction_waiting",
        "alone_at",
        sqlite_where=text("delivery_id IS NULL"),
        postgresql_where=text("delivery_id IS NULL"),
    ),
)

stale_segment = Table(
    "stale_segment",
    metadata,
    # A segment that shows what was taken back since: its mails are put off until it is made anew.
    Column("segment_id", ForeignKey("segment.id"), primary_key=True, autoincrement=False),
)
