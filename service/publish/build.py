"""The job that brings the published feeds up to date.

    marks in the store, settings ──> feeds to build ──> stories ──> three documents each

A mark is taken off in the same transaction that keeps the documents; one that was set meanwhile
survives. What cannot be built stays marked and stops nothing else. Who finds that another process
has built a feed while it did, reads and builds it again: its own might be the older one.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit

from service.config.schema import Settings
from service.model import Story
from service.publish.channel import (
    FORMATS,
    FRESH_FOR,
    FeedChannel,
    everything_channel,
    hot_channel,
    topic_channel,
)
from service.publish.items import FeedItem, item, recalled_item
from service.publish.json_feed import json_feed
from service.render.engine import Renderer
from service.render.words import Words
from service.store.content import (
    feed_documents,
    hot_stories,
    page_queries,
    stale_feeds,
    stories,
    versions,
)
from service.store.content.page_queries import PublishedTopic
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.recalled import articles, marks
from service.store.recalled.articles import RecalledPlace

SHAPE = 1
"""Count it up when a feed is built otherwise from the same data: every feed is then built anew."""

NEWEST = 100
"""Entries in a feed at most, the newest."""

TRIES = 3
"""A feed is built in a pass, where others build it or take something back meanwhile."""

_NOWHERE = "bantin.invalid"
_GZIP_LEVEL = 6


class StaleFeedError(Exception):
    """What a feed was built of does not hold any more."""


@cache
def _writers() -> Mapping[str, Callable[[FeedChannel, Sequence[FeedItem]], bytes]]:
    """Format -> what writes it. feedgen is loaded with the first feed: most passes build none."""
    from service.publish.syndicate import atom, rss  # noqa: PLC0415 - see above

    return {"atom": atom, "rss": rss, "json": json_feed}


@dataclass(frozen=True, slots=True)
class Published:
    """What a pass did: feeds (topic ids, "all", "hot") whose bytes changed, or did not, or why not.

    A feed in `failed` may stand in `written` as well: it was built without one bad story.
    `articles`: the articles of all stories in each feed that was written.
    """

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    articles: Mapping[str, frozenset[int]] = field(default_factory=dict)


def publish(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    shape: int = SHAPE,
    *,
    marked: bool = False,
) -> Published:
    """Build the feeds that are marked, that were never built, or whose settings have changed.

    `shape`: which way of building a feed of its data this is; another one builds them all anew.
    `marked`: build those alone that are marked, since others have other settings, and build anew
    what is built here.
    """
    desk = _Desk(store, settings, renderer, _authority(store, settings, now), shape)
    written: list[str] = []
    unchanged: list[str] = []
    failed: dict[str, str] = {}
    articles: dict[str, frozenset[int]] = {}
    for feed, mark in desk.waiting().items():
        if marked and mark is None:
            continue
        try:
            changed, problem, listed = desk.build_now(feed, mark, now)
        except Exception as error:  # noqa: BLE001 - one bad feed stops no other; the reason is kept
            failed[feed] = f"{type(error).__name__}: {error}"
            continue
        (written if changed else unchanged).append(feed)
        if changed:
            articles[feed] = listed
        if problem:
            failed[feed] = problem
    return Published(tuple(written), tuple(unchanged), failed, articles)


def _authority(store: Store, settings: Settings, now: datetime) -> str:
    """`HOST,YEAR` of all tag: ids, fixed by the first publish."""
    with store.read() as connection:
        known = facts.known_tag_authority(connection)
    if known is not None:
        return known
    address = urlsplit(settings.site.base_url or "").hostname or _NOWHERE
    host = address.encode("idna").decode()
    with store.write() as connection:
        return facts.tag_authority(connection, host, now.astimezone(UTC).year)


class _Desk:
    """What the building of every feed of one pass shares."""

    def __init__(
        self, store: Store, settings: Settings, renderer: Renderer, authority: str, shape: int
    ) -> None:
        self._store = store
        self._publish = settings.publish
        self._hot = settings.hot
        self._site = renderer.site
        self._words: Words = renderer.words(renderer.site.language)
        self._authority = authority
        self._shape = shape
        with store.read() as connection:
            self._topics = {topic.name: topic for topic in page_queries.topics(connection)}
        self._basis = self._hash_settings()

    def waiting(self) -> dict[str, datetime | None]:
        """The feeds to build, with their marks. Marks on what is not a feed (any more) are left."""
        with self._store.read() as connection:
            marks = stale_feeds.marked(connection)
            bases = feed_documents.bases(connection)
            hot = (stale_feeds.HOT, FORMATS[0]) in bases or hot_stories.there_are(connection)
        feeds = [stale_feeds.EVERYTHING, *sorted(self._topics), *([stale_feeds.HOT] if hot else [])]
        return {
            feed: marks.get(feed)
            for feed in feeds
            if feed in marks
            or any(bases.get((feed, format_)) != self._basis for format_ in FORMATS)
        }

    def build_now(
        self, feed: str, mark: datetime | None, now: datetime
    ) -> tuple[bool, str, frozenset[int]]:
        """As `build`, TRIES times at most where what it was built of does not hold any more."""
        for _ in range(TRIES - 1):
            try:
                return self.build(feed, mark, now)
            except StaleFeedError:
                continue
        return self.build(feed, mark, now)

    def build(
        self, feed: str, mark: datetime | None, now: datetime
    ) -> tuple[bool, str, frozenset[int]]:
        """Build one feed in all formats.

        Returns whether bytes changed, what was left out, and the articles of its stories. Raises
        StaleFeedError: it shows what is taken back by now, or another process was quicker, and may
        have read what came after we did.
        """
        with self._store.read() as connection:
            recalls = marks.count(connection)
            version = versions.one(connection, feed)
            before = feed_documents.etags(connection, feed)
            channel = self._channel(connection, feed)
            found = self._stories(connection, feed)
            recalled = self._recalled(connection, feed)
        items = self._items(found, recalled, feed)
        bodies, left_out = write_documents(channel, items)
        twins = {format_: gzip.compress(body, _GZIP_LEVEL, mtime=0) for format_, body in bodies}
        changed = False
        with self._store.write() as connection:
            if marks.hold_off(connection) != recalls:
                raise StaleFeedError("something was taken back meanwhile")
            if feed_documents.hold_off(connection, feed) != before:
                raise StaleFeedError("another process has built it meanwhile")
            for format_, body in bodies:
                changed |= feed_documents.put(
                    connection, feed, format_, body,
                    gzip=twins[format_], etag=hashlib.sha256(body).hexdigest()[:32],
                    basis=self._basis, now=now,
                )  # fmt: skip
            if mark is not None:
                stale_feeds.clear(connection, feed, mark, version)
        listed = frozenset(one for story in found for one in story.article_ids)
        return changed, left_out, listed

    def _channel(self, connection: Connection, feed: str) -> FeedChannel:
        if feed == stale_feeds.HOT:
            began = _began(self._topics.values(), self._authority)
            return hot_channel(self._site, self._words, self._authority, self._hot, began)
        if feed != stale_feeds.EVERYTHING:
            topic = self._topics[feed]
            sources = page_queries.sources_in(connection, topic.id)
            return topic_channel(self._site, self._words, topic, self._authority, sources)
        sources = page_queries.sources_in(connection, None)
        began = _began(self._topics.values(), self._authority)
        return everything_channel(self._site, self._words, self._authority, sources, began)

    def _stories(self, connection: Connection, feed: str) -> list[Story]:
        if feed == stale_feeds.EVERYTHING:
            return stories.everywhere(connection, NEWEST)
        if feed == stale_feeds.HOT:
            return stories.hot(connection, NEWEST)
        return stories.in_topic(connection, feed, NEWEST)

    def _items(
        self, found: Sequence[Story], recalled: Sequence[RecalledPlace], feed: str
    ) -> list[FeedItem]:
        """The entries in their order, with a marked place for each story that was taken back."""
        places = [(stories.listed(story), self._item(story, feed)) for story in found]
        oldest = places[-1][0] if len(places) == NEWEST else None
        for one in recalled:
            key = (-one.listed_at.timestamp(), one.recall.public_id)
            if oldest is None or key < oldest:
                said = recalled_item(
                    one.recall, self._words, authority=self._authority, base=self._site.base_url,
                    site=self._site.title,
                )  # fmt: skip
                places.append((key, said))
        return [one for _, one in sorted(places, key=lambda place: place[0])][:NEWEST]

    def _recalled(self, connection: Connection, feed: str) -> list[RecalledPlace]:
        every = articles.places(connection)
        if feed == stale_feeds.HOT:
            return [one for one in every if one.hot]
        if feed == stale_feeds.EVERYTHING:
            live = {topic.id for topic in self._topics.values()}
            return [one for one in every if live & one.topics]
        return [one for one in every if self._topics[feed].id in one.topics]

    def _item(self, story: Story, feed: str) -> FeedItem:
        return item(
            story, self._words, self._publish, authority=self._authority,
            base=self._site.base_url, language=self._site.language, feed=feed,
        )  # fmt: skip

    def _hash_settings(self) -> bytes:
        """A hash of all that goes into a feed beside its stories and how many sources told them."""
        site = self._site
        parts = (
            self._shape,
            NEWEST,
            FRESH_FOR,
            self._authority,
            (site.title, site.base_url, site.language, site.rights),
            (self._publish.content, self._publish.images),
            (self._hot.outlets, self._hot.within),
            tuple((topic.name, topic.title) for topic in self._topics.values()),
            self._words.chapter("feed."),
            self._words.chapter("recalled."),
        )
        return hashlib.sha256(repr(parts).encode()).digest()


def _began(topics: Iterable[PublishedTopic], authority: str) -> datetime:
    """When the feed of everything began: with its first topic, else with the year of its id."""
    created = [topic.created_at for topic in topics]
    return min(created, default=datetime(int(authority.rpartition(",")[2]), 1, 1, tzinfo=UTC))


def write_documents(
    channel: FeedChannel, items: Sequence[FeedItem], formats: Sequence[str] = FORMATS
) -> tuple[list[tuple[str, bytes]], str]:
    """The feed in these formats, without the entries that no format can hold; and which these are.

    Raises ValueError where it is not for one of its entries.
    """
    try:
        return [(name, _writers()[name](channel, items)) for name in formats], ""
    except ValueError:
        problems = {one.id: problem for one in items if (problem := _problem(channel, one))}
        if not problems:
            raise
    good = [one for one in items if one.id not in problems]
    left_out = "; ".join(f"left out {found}: {problem}" for found, problem in problems.items())
    return [(name, _writers()[name](channel, good)) for name in formats], left_out


def _problem(channel: FeedChannel, one: FeedItem) -> str:
    try:
        for write in _writers().values():
            write(channel, [one])
    except ValueError as error:
        return str(error)
    return ""
