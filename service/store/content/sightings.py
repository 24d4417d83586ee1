"""What an admin asks beside an article: who else tells its story, what its address brought."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from service.store.tables import article, entry, source, story_article, unread_page


@dataclass(frozen=True, slots=True)
class OtherArticle:
    """Another article of a story. `was_merged`: it is one with an article of the story now."""

    id: int
    public_id: str
    source: str
    title: str
    link: str | None
    first_seen_at: datetime
    was_merged: bool


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that made no article. `error`, `next_try_at`: of its page, while that waits."""

    source: str
    entry_key: str
    link: str | None
    title: str
    reason: str
    first_seen_at: datetime
    error: str | None
    next_try_at: datetime | None


def others(connection: Connection, article_id: int) -> list[OtherArticle]:
    """The other articles of an article's story, as they came."""
    own = select(story_article.c.story_id).where(story_article.c.article_id == article_id)
    rows = connection.execute(
        select(
            article.c.id,
            article.c.public_id,
            source.c.name,
            article.c.title,
            article.c.link,
            article.c.first_seen_at,
            article.c.merged_into.is_not(None),
        )
        .join(source, source.c.id == article.c.source_id)
        .join(story_article, story_article.c.article_id == article.c.id)
        .where(story_article.c.story_id == own.scalar_subquery(), article.c.id != article_id)
        .order_by(article.c.id)
    )
    return [OtherArticle(*tuple(row)) for row in rows]


def refused(connection: Connection, addresses: Collection[str]) -> list[RefusedEntry]:
    """Entries that were refused with one of these links or keys, the oldest first."""
    rows = connection.execute(
        select(
            source.c.name,
            entry.c.entry_key,
            entry.c.link,
            entry.c.title,
            entry.c.refused_reason,
            entry.c.first_seen_at,
            unread_page.c.error,
            unread_page.c.next_try_at,
        )
        .join(source, source.c.id == entry.c.source_id)
        .outerjoin(unread_page, unread_page.c.entry_id == entry.c.id)
        .where(
            entry.c.refused_reason.is_not(None),
            entry.c.link.in_(addresses) | entry.c.entry_key.in_(addresses),
        )
        .order_by(entry.c.id)
    )
    return [RefusedEntry(*row) for row in rows]
