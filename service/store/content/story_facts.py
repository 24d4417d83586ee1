"""What the order of stories follows from, as light rows: who told each, and how it is in topics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, Connection, bindparam, select

from service.store.core.bulk import lots
from service.store.tables import article, article_topic, entry, source, story, story_article, topic

_OF: BindParameter[Any] = bindparam("of", expanding=True)
_TELLING = story_article.c.story_id.in_(_OF)

# Each freeze asks for all of these: to build them took longer than most of their answers.
_TELLERS = select(source.c.id, source.c.name, source.c.url, source.c.home, source.c.weight).where(
    source.c.id.in_(_OF)
)
_HEADS = (
    select(story.c.id, story.c.article_id, article.c.title, article.c.source_id)
    .join(article, article.c.id == story.c.article_id)
    .where(story.c.id.in_(_OF))
)
_OWN = (
    select(
        story_article.c.story_id,
        article.c.source_id,
        article.c.published_at,
        article.c.first_seen_at,
        article.c.merged_into,
    )
    .join(article, article.c.id == story_article.c.article_id)
    .where(_TELLING)
)
_SEEN = (
    select(story_article.c.story_id, entry.c.source_id, entry.c.published_at, entry.c.first_seen_at)
    .join(entry, entry.c.article_id == story_article.c.article_id)
    .where(_TELLING)
)
_PLACED = (
    select(
        story_article.c.story_id, article_topic.c.article_id, topic.c.name, article_topic.c.reason
    )
    .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
    .join(topic, topic.c.id == article_topic.c.topic_id)
    .where(_TELLING, topic.c.retired_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class ToldBy:
    """A source that told a story, and when: as it says itself, but no later than we saw it."""

    source_id: int
    at: datetime


@dataclass(slots=True)
class StoryFacts:
    """What is known of a story. `title` is that of the article which represents it.

    `source_id`: whose article that is.
    `articles` counts those that tell it, `loose` those of them that are in no topic of the TOML.
    `days`: on how many days an article of it came out, or another source had one; None: not asked.
    `topics`: topic -> how many of them are there; `reasons`: why the one that represents it is.
    """

    title: str
    source_id: int
    told_by: list[ToldBy] = field(default_factory=list)
    articles: int = 0
    loose: int = 0
    days: int | None = None
    topics: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Teller:
    """A source that tells stories, by what its owner is known. `name`: its id in the TOML."""

    name: str
    url: str
    home: str | None
    weight: float


def of_stories(
    connection: Connection, ids: Iterable[int], days_in: ZoneInfo | None = None
) -> dict[int, StoryFacts]:
    """Story -> what is known of it. Four statements for some thousands of them.

    `days_in`: the zone by which `days` are counted; None: they are not.
    """
    found: dict[int, StoryFacts] = {}
    for batch in lots(ids):
        heads = _heads(connection, batch)
        some = {row.id: StoryFacts(row.title, row.source_id) for row in heads}
        _tell(connection, batch, some, days_in)
        _place(connection, batch, some, {row.id: row.article_id for row in heads})
        found |= some
    return found


def tellers(connection: Connection, source_ids: Iterable[int]) -> dict[int, Teller]:
    """Source row -> who it is, retired ones too."""
    found: dict[int, Teller] = {}
    for batch in lots(source_ids):
        rows = connection.execute(_TELLERS, {"of": batch})
        found.update((row[0], Teller(*row[1:])) for row in rows)
    return found


def _heads(connection: Connection, ids: list[int]) -> list[Any]:
    return list(connection.execute(_HEADS, {"of": ids}))


def _tell(
    connection: Connection,
    ids: list[int],
    found: dict[int, StoryFacts],
    days_in: ZoneInfo | None,
) -> None:
    """The outlets whose words its articles are, and others that had the same ones."""
    own = connection.execute(_OWN, {"of": ids})
    first: defaultdict[int, dict[int, datetime]] = defaultdict(dict)
    days: defaultdict[int, set[date]] = defaultdict(set)
    for story_id, teller, published, seen, merged_into in own:
        if story_id in found and merged_into is None:
            found[story_id].articles += 1
        at = _note(first[story_id], teller, published, seen)
        if days_in is not None:
            days[story_id].add(at.astimezone(days_in).date())
    seen_at = connection.execute(_SEEN, {"of": ids})
    for story_id, teller, published, seen in seen_at:
        at = _note(first[story_id], teller, published, seen)
        if days_in is not None:
            days[story_id].add(at.astimezone(days_in).date())
    for story_id, sources in first.items():
        if story_id in found:
            found[story_id].days = None if days_in is None else len(days[story_id])
            told = sorted(sources.items(), key=lambda pair: (pair[1], pair[0]))
            found[story_id].told_by = [ToldBy(*pair) for pair in told]


def _note(
    first: dict[int, datetime], teller: int, published: datetime | None, seen: datetime
) -> datetime:
    """Note when a source told it first. Returns when it told it this time."""
    at = min(published or seen, seen)
    first[teller] = min(first.get(teller, at), at)
    return at


def _place(
    connection: Connection,
    ids: list[int],
    found: dict[int, StoryFacts],
    represents: dict[int, int],
) -> None:
    rows = connection.execute(_PLACED, {"of": ids})
    placed: defaultdict[int, set[int]] = defaultdict(set)
    for story_id, article_id, name, reason in rows:
        if story_id in found:
            one = found[story_id]
            placed[story_id].add(article_id)
            one.topics[name] = one.topics.get(name, 0) + 1
            if article_id == represents[story_id]:
                one.reasons[name] = reason
    for story_id, one in found.items():
        one.loose = max(0, one.articles - len(placed[story_id]))
