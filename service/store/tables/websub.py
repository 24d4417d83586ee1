"""Subscriptions at hubs (WebSub), and what hubs have delivered that is not read yet."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from service.store.core.column_types import BigId, UtcDateTime
from service.store.tables.base import leased, metadata, one_of

websub = Table(
    "websub",
    metadata,
    # One live row a source; beside it those that are still being given up at their hub.
    Column("id", BigId, primary_key=True),
    Column("source_id", ForeignKey("source.id"), nullable=False),
    Column("token", String(64), nullable=False),  # unguessable; stands in the callback
    Column("hub", Text, nullable=False),  # as the publisher writes it
    Column("topic", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("leaving_since", UtcDateTime),  # not wanted any more; None: wanted
    # What we have asked the hub for and it may verify: subscribe or unsubscribe; None: nothing.
    Column("asked_mode", String(16)),
    Column("asked_at", UtcDateTime),
    Column("signed", Boolean, nullable=False),  # it was told the secret: what it sends is signed
    Column("alive_since", UtcDateTime),  # verified without a gap since then; None: it is not alive
    Column("subscribed_until", UtcDateTime),  # by the hub; None: never verified, or denied
    Column("refused_at", UtcDateTime),  # the hub denied it; None: it did not
    Column("failures", Integer, nullable=False),  # requests in a row that led to nothing
    Column("error", Text),  # of the last request, or the hub's reason
    Column(
        "next_try_at", UtcDateTime, nullable=False
    ),  # of the next request: a renewal, or once more
    *leased(),  # who is sending a request just now
    Column("delivered_count", Integer, nullable=False),  # bodies that were taken
    Column("delivered_at", UtcDateTime),
    Column(
        "missed_at", UtcDateTime
    ),  # a poll found news that nothing had come of; None: it brings all
    Column(
        "unsigned_count", Integer, nullable=False
    ),  # bodies whose signature was wrong or missing
    Column("unsigned_at", UtcDateTime),
    UniqueConstraint("token"),
    one_of("asked_mode", ("subscribe", "unsubscribe")),
)
Index(
    "uq_websub_live",
    websub.c.source_id,
    unique=True,
    sqlite_where=text("leaving_since IS NULL"),
    postgresql_where=text("leaving_since IS NULL"),
)

websub_delivery = Table(
    "websub_delivery",
    metadata,
    # A body that a hub has delivered, kept until it is read: the hub was told that we have it.
    Column("id", BigId, primary_key=True),
    Column("source_id", ForeignKey("source.id"), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("media_type", Text, nullable=False),  # Content-Type as it came
    Column("size", Integer, nullable=False),  # bytes unpacked
    Column("body", LargeBinary, nullable=False),  # zlib
    Index("ix_websub_delivery_source", "source_id", "id"),
)
