"""Which stories are hot, and which may have become it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select

from service.store.content import articles, story_rows
from service.store.core.bulk import lots
from service.store.core.statements import upsert
from service.store.tables import (
    article,
    article_topic,
    entry,
    hot_story,
    story,
    story_article,
    topic,
)


def there_are(connection: Connection) -> bool:
    """Whether any story is hot."""
    return connection.execute(select(hot_story.c.story_id).limit(1)).scalar() is not None


def newest(connection: Connection, limit: int) -> list[int]:
    """Stories in topics of the TOML that became hot last, the last first."""
    listed = (
        select(story_article.c.article_id)
        .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
        .join(topic, topic.c.id == article_topic.c.topic_id)
        .where(story_article.c.story_id == story.c.id, topic.c.retired_at.is_(None))
    )
    rows = connection.execute(
        select(story.c.id)
        .join(hot_story, hot_story.c.story_id == story.c.id)
        .where(story.c.merged_into.is_(None), listed.exists())
        .order_by(hot_story.c.hot_at.desc(), story.c.public_id)
        .limit(limit)
    )
    return list(rows.scalars())


def lately(connection: Connection, since: datetime) -> set[int]:
    """Stories that became hot at `since` or later."""
    rows = connection.execute(
        select(story.c.id)
        .join(hot_story, hot_story.c.story_id == story.c.id)
        .where(hot_story.c.hot_at >= since, story.c.merged_into.is_(None))
    )
    return set(rows.scalars())


@dataclass(frozen=True, slots=True)
class SeenRows:
    """How far the rows have been looked at: the last article that was judged, the last entry."""

    article: int
    entry: int


def now_at(connection: Connection) -> SeenRows:
    """How far the rows go, but for articles that wait for a judge, if anybody judges."""
    to = story_rows.judged_to(connection)
    last = connection.execute(select(func.max(entry.c.id))).scalar() or 0
    return SeenRows(story_rows.newest(connection) if to is None else to, last)


def told_since(connection: Connection, since: datetime) -> set[int]:
    """Stories with an article that was seen first at `since` or later."""
    # By the time alone PostgreSQL goes through the stories of all articles that ever came.
    first = articles.before_since(connection, since)
    return _of_articles(
        connection, and_(article.c.first_seen_at >= since, story_article.c.article_id > first)
    )


def told_after(connection: Connection, seen: SeenRows) -> set[int]:
    """Stories with an article, or another outlet's sighting of one, that came after a place."""
    sightings = connection.execute(
        select(story_article.c.story_id)
        .join(entry, entry.c.article_id == story_article.c.article_id)
        .where(entry.c.id > seen.entry)
    )
    return set(sightings.scalars()) | _of_articles(connection, article.c.id > seen.article)


def told_by_many(connection: Connection, stories: Iterable[int], least: int) -> set[int]:
    """Those of these stories that so many sources tell or more, and that are not hot already."""
    found: set[int] = set()
    for batch in lots(stories):
        rows = connection.execute(
            select(story_article.c.story_id)
            .join(entry, entry.c.article_id == story_article.c.article_id)
            .where(
                story_article.c.story_id.in_(batch),
                story_article.c.story_id.not_in(select(hot_story.c.story_id)),
            )
            .group_by(story_article.c.story_id)
            .having(func.count(entry.c.source_id.distinct()) >= least)
        )
        found.update(rows.scalars())
    return found


def heat(connection: Connection, ids: Iterable[int], now: datetime) -> set[str]:
    """They are hot from now on. Returns their topics. Needs a write transaction."""
    wanted = sorted(ids)
    if wanted:
        rows = [{"story_id": one, "hot_at": now} for one in wanted]
        connection.execute(upsert(connection, hot_story).on_conflict_do_nothing(), rows)
    return story_rows.topics_of_stories(connection, wanted)


def cool(connection: Connection, ids: Iterable[int]) -> set[str]:
    """They are hot no more. Returns their topics. Needs a write transaction."""
    wanted = sorted(ids)
    for batch in lots(wanted):
        connection.execute(delete(hot_story).where(hot_story.c.story_id.in_(batch)))
    return story_rows.topics_of_stories(connection, wanted)


def _of_articles(connection: Connection, chosen: ColumnElement[bool]) -> set[int]:
    rows = connection.execute(
        select(story_article.c.story_id)
        .join(article, article.c.id == story_article.c.article_id)
        .where(chosen)
    )
    return set(rows.scalars())
