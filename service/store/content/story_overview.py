"""Stories as an admin looks at them: which are new, and what each consists of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from service.store.core.bulk import lots
from service.store.tables import article, article_topic, entry, source, story_article, topic


@dataclass(frozen=True, slots=True)
class RecentStory:
    """A story with an article of late. `newest_at`: when the newest one was seen first."""

    story_id: int
    articles: int
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class StoryMember:
    """An article of a story. `source`: whose words these are, `outlet` its title.

    `seen_in`: the ids of all sources that told it.
    """

    article_id: int
    public_id: str
    title: str
    link: str | None
    source: str
    outlet: str
    published: datetime | None
    first_seen_at: datetime
    seen_in: tuple[str, ...]


def recent(
    connection: Connection, since: datetime, *, topic_name: str | None = None, sources: int = 1
) -> Iterator[RecentStory]:
    """Stories with an article first seen since then, the newest first.

    `topic_name`: with such an article in this topic. `sources`: told by so many at the least.
    """
    story_id, own, mine = story_article.c.story_id, article.alias(), story_article.alias()
    articles = (
        select(func.count())
        .select_from(mine)
        .join(own, own.c.id == mine.c.article_id)
        .where(mine.c.story_id == story_id, own.c.merged_into.is_(None))
        .correlate(story_article)
    )
    told_by = (
        select(func.count(entry.c.source_id.distinct()))
        .select_from(mine)
        .join(entry, entry.c.article_id == mine.c.article_id)
        .where(mine.c.story_id == story_id)
        .correlate(story_article)
    )
    newest = func.max(article.c.first_seen_at)
    statement = (
        select(story_id, articles.scalar_subquery().label("articles"), newest.label("newest_at"))
        .join(article, article.c.id == story_article.c.article_id)
        .where(article.c.first_seen_at >= since, article.c.merged_into.is_(None))
        .group_by(story_id)
        .order_by(newest.desc(), story_id.desc())
    )
    if topic_name is not None:
        inside = (
            select(article_topic.c.article_id)
            .join(topic, topic.c.id == article_topic.c.topic_id)
            .where(topic.c.name == topic_name)
        )
        statement = statement.where(article.c.id.in_(inside))
    if sources > 1:
        statement = statement.having(told_by.scalar_subquery() >= sources)
    for row in connection.execute(statement):
        yield RecentStory(row.story_id, row.articles, row.newest_at)


def members(connection: Connection, story_id: int) -> list[StoryMember]:
    """The articles of a story in order of arrival, without those that were merged into others."""
    rows = connection.execute(
        select(article, source.c.name, source.c.title.label("outlet"))
        .join(story_article, story_article.c.article_id == article.c.id)
        .join(source, source.c.id == article.c.source_id)
        .where(story_article.c.story_id == story_id, article.c.merged_into.is_(None))
        .order_by(article.c.id)
    ).all()
    seen_in = _sources(connection, [row.id for row in rows])
    return [
        StoryMember(
            article_id=row.id,
            public_id=row.public_id,
            title=row.title,
            link=row.link,
            source=row.name,
            outlet=row.outlet,
            published=row.published_at,
            first_seen_at=row.first_seen_at,
            seen_in=tuple(seen_in[row.id]),
        )
        for row in rows
    ]


def links(connection: Connection, articles: Iterable[int]) -> dict[int, str]:
    """Article -> its address, or its id where it has none."""
    found: dict[int, str] = {}
    for batch in lots(articles):
        rows = connection.execute(
            select(article.c.id, article.c.link, article.c.public_id).where(article.c.id.in_(batch))
        )
        found.update((row.id, row.link or row.public_id) for row in rows)
    return found


def _sources(connection: Connection, articles: Iterable[int]) -> defaultdict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for batch in lots(articles):
        rows = connection.execute(
            select(entry.c.article_id, source.c.name)
            .distinct()
            .join(source, source.c.id == entry.c.source_id)
            .where(entry.c.article_id.in_(batch))
            .order_by(entry.c.article_id, source.c.name)
        )
        for article_id, name in rows:
            found[article_id].append(name)
    return found
