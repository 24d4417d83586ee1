"""Articles as an admin asks for them: a list, and one with all that is known of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.store import tables as t
from service.store.core.bulk import lots


@dataclass(frozen=True, slots=True)
class ListedArticle:
    """One line of `bantin articles`. `topics` are ids of the TOML."""

    public_id: str
    title: str
    link: str | None
    source: str
    published: datetime | None
    first_seen_at: datetime
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenIn:
    """An entry that led to the article. `published_at`: as its source says."""

    source: str
    entry_key: str
    link: str | None
    first_seen_at: datetime
    quiet: bool
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class InTopic:
    """A topic that the article is in, since when and why."""

    topic: str
    title: str
    entered_at: datetime
    quiet: bool
    reason: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explained:
    """All that is known of an article. `article_ids`: the whole story, this article included."""

    article_id: int
    public_id: str
    title: str
    link: str | None
    source: str
    lead: str
    content: str
    language: str | None
    published: datetime | None
    updated: datetime | None
    first_seen_at: datetime
    story_id: int
    story_public_id: str
    hot_at: datetime | None
    article_ids: tuple[int, ...]
    entries: tuple[SeenIn, ...]
    topics: tuple[InTopic, ...]


_ARTICLES = select(t.article, t.source.c.name.label("source")).join(
    t.source, t.source.c.id == t.article.c.source_id
)


def listed(
    connection: Connection,
    *,
    topic: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> list[ListedArticle]:
    """The articles that came last first. `source`: whose words they are, or which told them too."""
    wanted = (
        _ARTICLES.where(t.article.c.merged_into.is_(None))
        .order_by(t.article.c.first_seen_at.desc(), t.article.c.id.desc())
        .limit(limit)
    )
    if since is not None:
        wanted = wanted.where(t.article.c.first_seen_at >= since)
    if topic is not None:
        inside = (
            select(t.article_topic.c.article_id)
            .join(t.topic, t.topic.c.id == t.article_topic.c.topic_id)
            .where(t.topic.c.name == topic)
        )
        wanted = wanted.where(t.article.c.id.in_(inside))
    if source is not None:
        told_by = (
            select(t.entry.c.article_id)
            .join(t.source, t.source.c.id == t.entry.c.source_id)
            .where(t.source.c.name == source, t.entry.c.article_id.is_not(None))
        )
        wanted = wanted.where(t.article.c.id.in_(told_by))
    return _listed(connection, connection.execute(wanted).all())


def listed_as(connection: Connection, ids: Sequence[int]) -> list[ListedArticle]:
    """These articles, in their order; those that are not there are left out."""
    rows: dict[int, Any] = {}
    for some in lots(ids):
        found = connection.execute(_ARTICLES.where(t.article.c.id.in_(some)))
        rows |= {row.id: row for row in found}
    return _listed(connection, [rows[one] for one in ids if one in rows])


def _listed(connection: Connection, rows: Sequence[Any]) -> list[ListedArticle]:
    topics = _topics(connection, [row.id for row in rows])
    return [
        ListedArticle(
            public_id=row.public_id,
            title=row.title,
            link=row.link,
            source=row.source,
            published=row.published_at,
            first_seen_at=row.first_seen_at,
            topics=tuple(one.topic for one in topics[row.id]),
        )
        for row in rows
    ]


def explained(connection: Connection, article_id: int) -> Explained | None:
    """All that is known of the article; None: there is none of this id."""
    row = connection.execute(
        select(
            t.article,
            t.source.c.name.label("source"),
            t.story.c.id.label("story_id"),
            t.story.c.public_id.label("story_public_id"),
            t.hot_story.c.hot_at,
        )
        .join(t.source, t.source.c.id == t.article.c.source_id)
        .join(t.story_article, t.story_article.c.article_id == t.article.c.id)
        .join(t.story, t.story.c.id == t.story_article.c.story_id)
        .outerjoin(t.hot_story, t.hot_story.c.story_id == t.story.c.id)
        .where(t.article.c.id == article_id)
    ).one_or_none()
    if row is None:
        return None
    story = select(t.story_article.c.article_id).where(t.story_article.c.story_id == row.story_id)
    seen = connection.execute(
        select(
            t.source.c.name,
            t.entry.c.entry_key,
            t.entry.c.link,
            t.entry.c.first_seen_at,
            t.entry.c.quiet,
            t.entry.c.published_at,
        )
        .join(t.source, t.source.c.id == t.entry.c.source_id)
        .where(t.entry.c.article_id == article_id)
        .order_by(t.entry.c.id)
    )
    return Explained(
        article_id=article_id,
        public_id=row.public_id,
        title=row.title,
        link=row.link,
        source=row.source,
        lead=row.lead,
        content=row.content,
        language=row.language,
        published=row.published_at,
        updated=row.updated_at,
        first_seen_at=row.first_seen_at,
        story_id=row.story_id,
        story_public_id=row.story_public_id,
        hot_at=row.hot_at,
        article_ids=tuple(connection.execute(story.order_by("article_id")).scalars()),
        entries=tuple(SeenIn(*one) for one in seen),
        topics=tuple(_topics(connection, [article_id])[article_id]),
    )


def _topics(connection: Connection, ids: Sequence[int]) -> defaultdict[int, list[InTopic]]:
    rows = connection.execute(
        select(
            t.article_topic.c.article_id,
            t.topic.c.name,
            t.topic.c.title,
            t.article_topic.c.entered_at,
            t.article_topic.c.quiet,
            t.article_topic.c.reason,
        )
        .join(t.topic, t.topic.c.id == t.article_topic.c.topic_id)
        .where(t.article_topic.c.article_id.in_(ids))
        .order_by(t.article_topic.c.article_id, t.topic.c.name)
    )
    found: defaultdict[int, list[InTopic]] = defaultdict(list)
    for article_id, *values in rows:
        found[article_id].append(InTopic(*values))
    return found
