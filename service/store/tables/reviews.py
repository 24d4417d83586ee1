"""Editions that somebody looks at before they go: their state, by whom, what was taken out."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text
from sqlalchemy import UniqueConstraint as Unique

from service.model import ReviewState
from service.store.core.column_types import BigId, Json, UtcDateTime
from service.store.tables.base import metadata, one_of

review = Table(
    "review",
    metadata,
    Column("edition_id", ForeignKey("edition.id"), primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("required", Boolean, nullable=False),  # without a word it waits
    Column("version", Integer, nullable=False),  # counts what was done: each act names what it saw
    Column("arranged", Boolean, nullable=False),  # stories stand by their position, no score
    Column("let_go_at", UtcDateTime),  # when somebody let it go; None: nobody did
    Column("settled_at", UtcDateTime),  # gone or overtaken; None: it may still be changed
    one_of("state", ReviewState),
    Index("ix_review_state", "state"),
)

review_link = Table(
    "review_link",
    metadata,
    # What an editor was mailed; written with that mail's delivery.
    Column("token", String(32), primary_key=True),
    Column("edition_id", ForeignKey("review.edition_id"), nullable=False),
    Column("address", Text, nullable=False),
    Column("mailed_at", UtcDateTime, nullable=False),
    Unique("edition_id", "address"),
)

review_act = Table(
    "review_act",
    metadata,
    # Append-only: who did what to an edition, and what it says since.
    Column("id", BigId, primary_key=True),
    Column("edition_id", ForeignKey("review.edition_id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("address", Text, nullable=False),  # "" once forgotten
    Column("act", String(16), nullable=False),
    Column("story_id", ForeignKey("story.id")),  # None: the whole edition
    Column("detail", Text),  # words that were written
    Column("happened_at", UtcDateTime, nullable=False),
    Index("ix_review_act_edition_id", "edition_id"),
)

dropped_story = Table(
    "dropped_story",
    metadata,
    # A story that was taken out of an edition, as it stood there (`edition_story`).
    Column("edition_id", ForeignKey("review.edition_id"), primary_key=True, autoincrement=False),
    Column("story_id", ForeignKey("story.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("topics", Json, nullable=False),
    Column("article_ids", Json, nullable=False),
    Column("view", Json, nullable=False),
    Column("standing", Json),
    Column("note", Text),
)

dropped_article = Table(
    "dropped_article",
    metadata,
    # No edition of the digest has these to tell any more.
    Column("digest_id", ForeignKey("digest.id"), primary_key=True, autoincrement=False),
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("edition_id", ForeignKey("review.edition_id"), nullable=False),
    Index("ix_dropped_article_article_id", "article_id"),
)
