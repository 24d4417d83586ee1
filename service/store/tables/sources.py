"""What the TOML names: sources with their polling state, topics, digests."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from service.store.core.column_types import BigId, Json, UtcDateTime
from service.store.tables.base import leased, metadata, one_of

source = Table(
    "source",
    metadata,
    # What it is: by the TOML, by a person, and by what its document says of itself.
    Column("id", BigId, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("title", Text, nullable=False),  # as readers see it: the TOML's, else the document's
    Column("home", Text),  # the outlet's home page, from the document
    Column("url", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("language", String(35)),
    Column("weight", Float, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
    Column("paused", Boolean, nullable=False),  # the TOML's
    Column("paused_since", UtcDateTime),  # from the command line; None: it is not
    Column("paused_until", UtcDateTime),  # None: until it is resumed
    CheckConstraint("paused_until IS NULL OR paused_since IS NOT NULL", name="paused"),
)

source_poll = Table(
    "source_poll",
    metadata,
    # How it is polled and what came of it: the polling queue, due when next_poll_at has come and
    # no lease stands. A source that stands at a new address gets a new row (registry).
    Column("source_id", ForeignKey("source.id"), primary_key=True, autoincrement=False),
    Column("next_poll_at", UtcDateTime, nullable=False),
    *leased(),
    Column("first_fetch_at", UtcDateTime),  # what it published after this is news even then
    # None: what it has now is old, not news (promise 10)
    Column("first_collected_at", UtcDateTime),
    Column("last_tried_at", UtcDateTime),
    Column("last_ok_at", UtcDateTime),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("error", Text),  # of the last try; None: it was fine
    Column("etag", LargeBinary),  # byte-exact, with its quotes
    Column("last_modified", LargeBinary),
    Column("body_hash", LargeBinary),
    # How the body behind these validators was read (kind, selectors, dates, language): read
    # otherwise, it must be fetched whole again. The error stands while that body stays the same.
    Column("read_as", LargeBinary),
    Column("document_error", Text),
    Column("quarantined_since", UtcDateTime),  # that body killed or hung its reader
    # How it is asked. Its own rhythm, as its news taught it; what headers and document ask for.
    Column("interval_s", Integer),
    Column("usual_gap_s", Integer),  # the usual gap between its news
    Column("longest_gap_s", Integer),  # the longest one lately
    Column("last_news_at", UtcDateTime),  # when its last news came
    Column("fresh_s", Integer),  # for how long the server called its last answer fresh
    Column("every_s", Integer),  # ttl or Syndication's period
    Column("phase_s", Integer),  # Syndication's base, modulo every_s
    Column("skips", Integer),  # bits: 24 hours, 7 days, in GMT; None: none
    Column("full_fetch_at", UtcDateTime),  # when it was last asked without validators
    # A permanent redirect that is being watched, and the address that it led to in the end.
    Column("redirect_url", Text),
    Column("redirect_since", UtcDateTime),
    Column("redirect_seen", Integer),
    Column("moved_url", Text),
    # Until when its publisher wants it left alone, and which source of its site was told so (None:
    # itself).
    Column("held_until", UtcDateTime),
    Column("held_by_id", ForeignKey("source.id")),
    Column("gone_at", UtcDateTime),  # the server said 410: not asked again by itself
    Column("entries_last", Integer),  # in the last document that was read
    Column("entries_beyond", Integer),  # of these, how many were more than we take of one
    Column("repairs", Json),  # what the last document needed
    # What is remembered of its list (store/sources/list_state.py).
    Column("drifting_since", UtcDateTime),  # it used to give entries and gives none; None: it does
    Column("entries_usual", Integer),  # in its documents, the last ones counting most
    Column("list_path", Text),  # where in a page its list was found by itself
    Column("sitemaps", Json),  # what is remembered of an index's sitemaps
    Column("page_error", Text),  # why an article's page could not be read lately; None: all could
    # What is done about a dead source (store/sources/dead_sources.py).
    Column("dead_since", UtcDateTime),  # its address gives no such document any more; None: it does
    Column("searched_at", UtcDateTime),  # when its site was last searched for another address
    Column("suggestions", Json),  # what was found there, the best first; None: nothing
    # Who would bring its news (WebSub): hubs in the publisher's order, and what to ask them for.
    Column("hubs", Json),
    Column("hub_topic", Text),
    Column("pushed_until", UtcDateTime),  # a hub brings its news until then: polled at its ceiling
    CheckConstraint("held_by_id IS NULL OR held_until IS NOT NULL", name="held"),
    Index("ix_source_poll_due", "next_poll_at"),
    # Asked every few seconds: few sources name a hub.
    Index(
        "ix_source_poll_hub",
        "source_id",
        sqlite_where=text("hub_topic IS NOT NULL"),
        postgresql_where=text("hub_topic IS NOT NULL"),
    ),
)

source_counts = Table(
    "source_counts",
    metadata,
    # How often each parse level was enough (parse/result.py), since it was added.
    Column("source_id", ForeignKey("source.id"), primary_key=True, autoincrement=False),
    Column("not_modified", Integer, nullable=False, server_default="0"),
    Column("body", Integer, nullable=False, server_default="0"),
    Column("slices", Integer, nullable=False, server_default="0"),
    Column("part", Integer, nullable=False, server_default="0"),
    Column("whole", Integer, nullable=False, server_default="0"),
)

source_snapshot = Table(
    "source_snapshot",
    metadata,
    # What the last document consisted of (parse/incremental/snapshot.py);
    # apart from the row that polls write.
    Column("source_id", ForeignKey("source.id"), primary_key=True, autoincrement=False),
    Column("snapshot", LargeBinary, nullable=False),
)

robots = Table(
    "robots",
    metadata,
    # What a host's robots.txt said last (collect/politeness/robots.py).
    Column("address", Text, primary_key=True),  # of the robots.txt itself
    Column("rules", Text),  # None: there are none, or they were never had
    Column("error", Text),  # why they could not be had; None: they could
    Column("asked_at", UtcDateTime, nullable=False),
    Column("failing_since", UtcDateTime),
)

site_lease = Table(
    "site_lease",
    metadata,
    # Which process asks a site, until when; then it is free to all.
    Column("site", Text, primary_key=True),
    Column("lease_owner", String(64), nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
)

topic = Table(
    "topic",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
    Column("rules_hash", LargeBinary),  # of the rules that the stored articles were matched with
    Column("in_force_hash", LargeBinary),  # of those of the configuration that was applied last
)

digest = Table(
    "digest",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("scope", String(64), nullable=False),
    Column("position", Integer, nullable=False),  # order in the TOML: it wins at one instant
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
)

redirect = Table(
    "redirect",
    metadata,
    # A renamed topic or digest: its old address answers 301.
    Column("kind", String(16), primary_key=True),
    Column("old_name", String(64), primary_key=True),
    Column("new_name", String(64), nullable=False),
    one_of("kind", ("topic", "digest")),
)
