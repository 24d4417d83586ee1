"""What sources said and what became of it: entries, articles, stories, topics, documents."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
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

from service.store.core.column_types import BigId, Json, UtcDateTime
from service.store.tables.base import leased, metadata

entry = Table(
    "entry",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("source_id", ForeignKey("source.id"), nullable=False),
    Column("entry_key", Text, nullable=False),
    Column("guid", Text),
    Column("link", Text),
    Column("title", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of what it said last
    Column("article_id", ForeignKey("article.id")),
    Column("refused_reason", String(32)),
    Column("quiet", Boolean, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    UniqueConstraint("source_id", "entry_key"),
    # Promise 1: linked to an article or refused with a reason, never both, never neither.
    CheckConstraint("(article_id IS NULL) <> (refused_reason IS NULL)", name="linked_or_refused"),
    Index("ix_entry_article_id", "article_id"),
    # `status` tells what was refused: few rows ever are.
    Index(
        "ix_entry_refused",
        "source_id",
        "refused_reason",
        sqlite_where=text("refused_reason IS NOT NULL"),
        postgresql_where=text("refused_reason IS NOT NULL"),
    ),
)

unread_page = Table(
    "unread_page",
    metadata,
    # The row is the queue (store/sources/article_page_queue.py): gone once the page was read or
    # given up.
    Column("entry_id", ForeignKey("entry.id"), primary_key=True, autoincrement=False),
    Column("source_id", ForeignKey("source.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("listed_entry", LargeBinary, nullable=False),  # what the list said of it
    Column("added_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),  # in vain
    Column("next_try_at", UtcDateTime, nullable=False),
    *leased(),
    Column("error", Text),  # of the last try
    Index("ix_unread_page_due", "next_try_at"),
    Index("ix_unread_page_source_id", "source_id"),
)

article = Table(
    "article",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("public_id", String(24), nullable=False, unique=True),
    Column("merged_into", ForeignKey("article.id")),
    Column("source_id", ForeignKey("source.id"), nullable=False),  # whose words these are
    Column("link", Text),  # as shown to readers: absolute, without tracking parameters
    Column("title", Text, nullable=False),
    Column("lead", Text, nullable=False),  # plain text
    Column("content", Text, nullable=False),  # clean HTML, "" unless the source's feed is full
    Column("folded", Text, nullable=False),  # space-joined tokens for search and matching
    Column("authors", Json, nullable=False),
    Column("categories", Json, nullable=False),
    Column("enclosures", Json, nullable=False),
    Column("image", Json),
    Column("language", String(35)),
    Column("published_at", UtcDateTime),
    Column("updated_at", UtcDateTime),  # moves only when the text changed in substance
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of title, lead, content: the substance
    Index("ix_article_first_seen_at", "first_seen_at"),
    # The ledger asks what became one with an article: few rows ever are.
    Index(
        "ix_article_merged_into",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

article_key = Table(
    "article_key",
    metadata,
    # Every canonical address and every (source, entry key) that ever led to the article.
    Column("key", Text, primary_key=True),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Index("ix_article_key_article_id", "article_id"),
)

story = Table(
    "story",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("public_id", String(24), nullable=False, unique=True),
    Column("article_id", ForeignKey("article.id"), nullable=False),  # the one that represents it
    Column("merged_into", ForeignKey("story.id")),
    Column("created_at", UtcDateTime, nullable=False),
    # A merge asks what became one with a story: few rows ever did.
    Index(
        "ix_story_merged_into",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

story_article = Table(
    "story_article",
    metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("story_id", ForeignKey("story.id"), nullable=False),
    Index("ix_story_article_story_id", "story_id"),
)

hot_story = Table(
    "hot_story",
    metadata,
    # Many outlets told it within hours. That it became so is the clock of windows, too.
    Column("story_id", ForeignKey("story.id"), primary_key=True, autoincrement=False),
    Column("hot_at", UtcDateTime, nullable=False),
    Index("ix_hot_story_hot_at", "hot_at"),
)

article_topic = Table(
    "article_topic",
    metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("topic_id", ForeignKey("topic.id"), primary_key=True, autoincrement=False),
    Column("entered_at", UtcDateTime, nullable=False),  # the clock of windows
    # When lists count it as new: when it entered, or came out before. Its story counts as no newer.
    Column("listed_at", UtcDateTime, nullable=False),
    Column("quiet", Boolean, nullable=False),  # shown, never mailed or pinged (promise 10)
    Column("reason", Json, nullable=False),
    Index("ix_article_topic_window", "topic_id", "entered_at"),
    Index("ix_article_topic_listed", "topic_id", "listed_at"),  # the topic's feed
    Index("ix_article_topic_listed_at", "listed_at"),  # the feed of all topics
)

article_reference = Table(
    "article_reference",
    metadata,
    # An official document that the article's words cite, in the one spelling of its number. What is
    # merged keeps its rows: its story has both articles.
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("reference", String(64), primary_key=True),
    Index("ix_article_reference_reference", "reference", "article_id"),
)

topic_label = Table(
    "topic_label",
    metadata,
    # What an admin says that an article is about, for topics that are learned. NULL: none of them.
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("topic_id", ForeignKey("topic.id")),
)

unplaced_article = Table(
    "unplaced_article",
    metadata,
    # Admitted by a process that does not have the rules in force: those place it, as news or quiet.
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("quiet", Boolean, nullable=False),
)

stale_search = Table(
    "stale_search",
    metadata,
    # Indexed articles that the search index knows with other words, topics or sources than they
    # have now. The index itself is no table of both databases (store/content/search_index.py).
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
)

story_act = Table(
    "story_act",
    metadata,
    # What an admin says about stories by hand; the newest act counts most, and none is deleted.
    Column("id", BigId, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("actor", Text, nullable=False),  # who said so
    Column("happened_at", UtcDateTime, nullable=False),
)

story_act_article = Table(
    "story_act_article",
    metadata,
    # Together: all articles of an act are in one story. Apart: those of two sides never are.
    Column("act_id", ForeignKey("story_act.id"), primary_key=True, autoincrement=False),
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("side", Integer, nullable=False),
    Index("ix_story_act_article_article_id", "article_id"),
)

content_version = Table(
    "content_version",
    metadata,
    # What public pages show: a page is good for as long as the versions that it was made at.
    Column("scope", String(80), primary_key=True),
    Column("version", BigInteger, nullable=False),
)

stale_feed = Table(
    "stale_feed",
    metadata,
    # The mark that a feed's document must be built anew; `marked_at` names the mark, so that one
    # set while the feed is being built survives.
    Column("feed", String(64), primary_key=True),
    Column("marked_at", UtcDateTime, nullable=False),
)

document = Table(
    "document",
    metadata,
    Column("feed", String(64), primary_key=True),
    Column("format", String(8), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("gzip", LargeBinary, nullable=False),
    Column("etag", String(64), nullable=False),  # hash of the body, without quotes
    Column("changed_at", UtcDateTime, nullable=False),  # of the last byte change
    Column("basis", LargeBinary, nullable=False),  # hash of the settings that went into it
)
