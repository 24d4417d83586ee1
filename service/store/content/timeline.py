"""Who told a story, and when: the time line of its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from service.store.tables import article, entry, source, story_article

MOST = 200
"""Reports that are read of a story, its first ones: a flood of hundreds is no time line."""


@dataclass(frozen=True, slots=True)
class Report:
    """One outlet's telling. `at`: what the outlet says, but never later than we saw it.

    `link` None: it gave none. `title`: the article's headline; `language`: a BCP 47 tag or None.
    """

    outlet: str
    link: str | None
    title: str
    language: str | None
    at: datetime


def of_story(connection: Connection, story_id: int) -> list[Report]:
    """The reports of a story, the first one first.

    An article is the report of the outlet whose words it is, and of each other one that had the
    same words.
    """
    told = (source.c.title.label("outlet"), article.c.id, article.c.title, article.c.language)
    here = (story_article.c.story_id == story_id, article.c.merged_into.is_(None))
    own = (
        select(*told, article.c.link, article.c.published_at, article.c.first_seen_at)
        .join(story_article, story_article.c.article_id == article.c.id)
        .join(source, source.c.id == article.c.source_id)
        .where(*here)
        .order_by(article.c.id)
        .limit(MOST)
    )
    again = (
        select(*told, entry.c.link, entry.c.published_at, entry.c.first_seen_at)
        .join(entry, entry.c.article_id == article.c.id)
        .join(story_article, story_article.c.article_id == article.c.id)
        .join(source, source.c.id == entry.c.source_id)
        .where(*here, entry.c.source_id != article.c.source_id)
        .order_by(entry.c.id)
        .limit(MOST)
    )
    reports: dict[tuple[str, int], Report] = {}
    for statement in (own, again):
        for row in connection.execute(statement):
            at = min(row.published_at or row.first_seen_at, row.first_seen_at)
            one = Report(row.outlet, row.link, row.title, row.language, at)
            reports.setdefault((row.outlet.casefold(), row.id), one)
    return sorted(reports.values(), key=lambda one: (one.at, one.outlet, one.link or ""))[:MOST]
