"""Articles with the story each belongs to: made, amended, merged, listed, explained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from service.model import Enclosure, Image
from service.store import tables as t
from service.store.entries import batches

BATCH = 500
"""Articles read at a time when all are walked through."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What curating needs to know of a stored article."""

    id: int
    source_id: int
    link: str | None
    hash: bytes
    first_seen_at: datetime
    updated: datetime | None


@dataclass(frozen=True, slots=True)
class Values:
    """What an article says. Instants aware UTC; `published` None = the source did not say."""

    link: str | None
    title: str
    lead: str
    content: str
    folded: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    image: Image | None
    language: str | None
    published: datetime | None
    hash: bytes

    def as_row(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "authors": list(self.authors),
            "categories": list(self.categories),
            "enclosures": [asdict(one) for one in self.enclosures],
            "image": asdict(self.image) if self.image else None,
        }


@dataclass(frozen=True, slots=True)
class Matchable:
    """A stored article as rules look at it."""

    id: int
    title: str
    lead: str
    content: str
    categories: tuple[str, ...]
    language: str | None
    sources: tuple[str, ...]


def add(
    connection: Connection, source_id: int, rows: Sequence[tuple[str, Values]], now: datetime
) -> list[int]:
    """Insert (public id, values), each with a story of its own. The new ids, in order."""
    if not rows:
        return []
    shared = {"source_id": source_id, "first_seen_at": now}
    ids = _insert(
        connection,
        t.article,
        [{"public_id": public_id, **shared, **values.as_row()} for public_id, values in rows],
    )
    stories = _insert(
        connection,
        t.story,
        [
            {"public_id": public_id, "article_id": article_id, "created_at": now}
            for (public_id, _), article_id in zip(rows, ids, strict=True)
        ],
    )
    connection.execute(
        insert(t.story_article),
        [{"article_id": one, "story_id": two} for one, two in zip(ids, stories, strict=True)],
    )
    return ids


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> list[int]:
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return [int(row[0]) for row in connection.execute(statement, rows)]


def amend(connection: Connection, rows: Iterable[tuple[int, Values, datetime | None]]) -> None:
    """Articles that say something else: (id, values, when their substance last changed)."""
    changed = [{"row": row, "updated": at, **values.as_row()} for row, values, at in rows]
    if changed:
        # What was published, and when, is fixed; only a date that came late is taken.
        fixed = func.coalesce(t.article.c.published, bindparam("published"))
        names = [name for name in changed[0] if name not in ("row", "published")]
        statement = (
            update(t.article)
            .where(t.article.c.id == bindparam("row"))
            .values({**{name: bindparam(name) for name in names}, "published": fixed})
        )
        connection.execute(statement, changed)


def stored(connection: Connection, ids: Iterable[int]) -> dict[int, Stored]:
    """Id -> the article."""
    found: dict[int, Stored] = {}
    for batch in batches(ids):
        rows = connection.execute(
            select(
                t.article.c.id,
                t.article.c.source_id,
                t.article.c.link,
                t.article.c.hash,
                t.article.c.first_seen_at,
                t.article.c.updated,
            ).where(t.article.c.id.in_(batch))
        )
        found |= {row.id: Stored(*row) for row in rows}
    return found


def merge(connection: Connection, winner: int, loser: int) -> None:
    """Two articles turned out to be one: the loser's keys, entries and story become the winner's.

    Its own row, its rows in topics and in the ledger stay: who was told of it has been told.
    """
    connection.execute(
        update(t.article)
        .where(or_(t.article.c.id == loser, t.article.c.merged_into == loser))
        .values(merged_into=winner)
    )
    for table in (t.article_key, t.entry):
        connection.execute(
            update(table).where(table.c.article_id == loser).values(article_id=winner)
        )
    rows = connection.execute(
        select(t.story_article.c.article_id, t.story_article.c.story_id).where(
            t.story_article.c.article_id.in_([winner, loser])
        )
    )
    stories = {row.article_id: row.story_id for row in rows}
    if stories[winner] != stories[loser]:
        _merge_stories(connection, stories[winner], stories[loser])


def _merge_stories(connection: Connection, winner: int, loser: int) -> None:
    connection.execute(
        update(t.story)
        .where(or_(t.story.c.id == loser, t.story.c.merged_into == loser))
        .values(merged_into=winner)
    )
    connection.execute(
        update(t.story_article).where(t.story_article.c.story_id == loser).values(story_id=winner)
    )


def after(connection: Connection, last_id: int) -> list[Matchable]:
    """The next BATCH articles by id that were not merged, with the sources that told them."""
    rows = connection.execute(
        select(t.article)
        .where(t.article.c.id > last_id, t.article.c.merged_into.is_(None))
        .order_by(t.article.c.id)
        .limit(BATCH)
    ).all()
    told_by = _sources(connection, [row.id for row in rows])
    return [
        Matchable(
            id=row.id,
            title=row.title,
            lead=row.lead,
            content=row.content,
            categories=tuple(row.categories),
            language=row.language,
            sources=tuple(told_by[row.id]),
        )
        for row in rows
    ]


def _sources(connection: Connection, ids: Sequence[int]) -> defaultdict[int, list[str]]:
    rows = connection.execute(
        select(t.entry.c.article_id, t.source.c.name)
        .distinct()
        .join(t.source, t.source.c.id == t.entry.c.source_id)
        .where(t.entry.c.article_id.in_(ids))
        .order_by(t.entry.c.article_id, t.source.c.name)
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for article_id, name in rows:
        found[article_id].append(name)
    return found


def by_public_id(connection: Connection, public_id: str) -> int | None:
    """The article with this id, or of the story with it, through what was merged."""
    survivor = func.coalesce(t.article.c.merged_into, t.article.c.id)
    own = select(survivor).where(t.article.c.public_id == public_id)
    of_story = (
        select(survivor)
        .join(t.story, t.story.c.article_id == t.article.c.id)
        .where(t.story.c.public_id == public_id)
    )
    found: int | None = connection.scalar(own) or connection.scalar(of_story)
    return found


def by_link(connection: Connection, link: str) -> int | None:
    """The article shown with this very address, where the address was no key."""
    survivor = func.coalesce(t.article.c.merged_into, t.article.c.id)
    found: int | None = connection.scalar(
        select(survivor).where(t.article.c.link == link).order_by(t.article.c.id.desc()).limit(1)
    )
    return found
