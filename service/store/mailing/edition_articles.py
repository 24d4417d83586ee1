"""Which articles an edition lists, by the ids that readers and logs know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from service.store.core.bulk import lots
from service.store.tables import article, digest, edition, edition_story


@dataclass(frozen=True, slots=True)
class DatedArticle:
    """An article that an edition lists."""

    public_id: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class EditionArticles:
    """An edition by its name, with the articles of all its stories, the first story's first."""

    digest: str
    cadence: str
    cut_at: datetime
    articles: tuple[DatedArticle, ...]


def of(connection: Connection, edition_ids: Iterable[int]) -> dict[int, EditionArticles]:
    """Edition id -> what it lists; unknown ones are absent."""
    wanted = sorted(edition_ids)
    names = connection.execute(
        select(edition.c.id, digest.c.name, edition.c.cadence, edition.c.cut_at)
        .join(digest, digest.c.id == edition.c.digest_id)
        .where(edition.c.id.in_(wanted))
    ).all()
    rows = connection.execute(
        select(edition_story.c.edition_id, edition_story.c.article_ids)
        .where(edition_story.c.edition_id.in_(wanted))
        .order_by(edition_story.c.edition_id, edition_story.c.position)
    )
    ids: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        ids[row.edition_id] += row.article_ids
    found: dict[int, DatedArticle] = {}
    for batch in lots(one for some in ids.values() for one in some):
        articles = connection.execute(
            select(article.c.id, article.c.public_id, article.c.first_seen_at).where(
                article.c.id.in_(batch)
            )
        )
        found |= {row.id: DatedArticle(row.public_id, row.first_seen_at) for row in articles}
    return {
        row.id: EditionArticles(
            row.name,
            row.cadence,
            row.cut_at,
            tuple(found[one] for one in dict.fromkeys(ids[row.id]) if one in found),
        )
        for row in names
    }
