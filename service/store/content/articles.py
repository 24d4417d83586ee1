"""Articles with the story each belongs to: made, amended, read for matching, found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    exists,
    func,
    insert,
    select,
    union_all,
    update,
)

from service.store import tables as t
from service.store.content.article_values import ArticleValues
from service.store.core.bulk import inserting, lots
from service.store.recalled import marks

BATCH = 200
"""Articles read at a time when all are walked through: some 50 ms, in which nobody else writes."""


BEGINNING = 200_000
"""Characters of a stored text, markup included, that are read where no more than some 20,000 of
the plain text count: to judge which story it tells, and to index it. News are a twentieth of it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored article. `source_id`: whose words these are."""

    id: int
    public_id: str
    source_id: int
    first_seen_at: datetime
    updated_at: datetime | None
    values: ArticleValues


@dataclass(frozen=True, slots=True)
class New:
    """An article to be. `source_id`: whose words these are."""

    public_id: str
    source_id: int
    values: ArticleValues


@dataclass(frozen=True, slots=True)
class Amended:
    """What a stored article says from now on. `source_id`: whose words these are.

    `updated_at`: when its substance last changed, None = never.
    """

    id: int
    source_id: int
    values: ArticleValues
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Matchable:
    """A stored article as rules look at it."""

    id: int
    public_id: str
    first_seen_at: datetime
    link: str | None
    title: str
    lead: str
    content: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    language: str | None
    sources: tuple[str, ...]


_ADD = inserting(t.article, "public_id", "source_id", "first_seen_at", *ArticleValues.__slots__)
_ADD_STORY = inserting(t.story, "public_id", "article_id", "created_at")

# Asked for with each document: to build them anew took longer than their answers.
_PLACE = insert(t.story_article).from_select(
    ["article_id", "story_id"],
    select(t.story.c.article_id, t.story.c.id).where(
        t.story.c.public_id.in_(bindparam("named", expanding=True))
    ),
)
_IDS = select(t.article.c.public_id, t.article.c.id).where(
    t.article.c.public_id.in_(bindparam("named", expanding=True))
)
_AMENDED = ("source_id", "updated_at", *ArticleValues.__slots__)
_AMEND = (
    update(t.article)
    .where(t.article.c.id == bindparam("row"))
    .values({name: bindparam(name) for name in _AMENDED})
)
_STORED = select(t.article).where(t.article.c.id.in_(bindparam("ids", expanding=True)))


def add(connection: Connection, rows: Sequence[New], now: datetime) -> dict[str, int]:
    """Insert articles, each with a story of its own. Public id -> the new article.

    A public id that another article has already is left out: that one is not touched.
    """
    taken = _ids(connection, (row.public_id for row in rows))
    fresh = [row for row in rows if row.public_id not in taken]
    if not fresh:
        return {}
    _ADD(
        connection,
        [
            {
                "public_id": row.public_id,
                "source_id": row.source_id,
                "first_seen_at": now,
                **row.values.as_row(),
            }
            for row in fresh
        ],
    )
    ids = _ids(connection, (row.public_id for row in fresh))
    _ADD_STORY(
        connection,
        [
            {"public_id": public_id, "article_id": article_id, "created_at": now}
            for public_id, article_id in ids.items()
        ],
    )
    for batch in lots(ids):
        connection.execute(_PLACE, {"named": batch})
    return ids


def _ids(connection: Connection, public_ids: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for batch in lots(public_ids):
        rows = connection.execute(_IDS, {"named": batch})
        found.update((row[0], row[1]) for row in rows)
    return found


def amend(connection: Connection, rows: Iterable[Amended]) -> None:
    """Keep what these articles say from now on."""
    changed = [
        {
            "row": one.id,
            "source_id": one.source_id,
            "updated_at": one.updated_at,
            **one.values.as_row(),
        }
        for one in rows
    ]
    if changed:
        connection.execute(_AMEND, changed)


def stored(connection: Connection, ids: Iterable[int]) -> dict[int, Stored]:
    """Id -> the article."""
    found: dict[int, Stored] = {}
    for batch in lots(ids):
        for row in connection.execute(_STORED, {"ids": batch}):
            values = ArticleValues.from_row(row)
            told = row.public_id, row.source_id, row.first_seen_at, row.updated_at
            found[row.id] = Stored(row.id, *told, values)
    return found


def news(connection: Connection, ids: Iterable[int]) -> list[str]:
    """Public ids of those that a source told as news, in the order of their ids."""
    told = exists().where(t.entry.c.article_id == t.article.c.id, ~t.entry.c.quiet)
    found: dict[int, str] = {}
    for batch in lots(ids):
        named = select(t.article.c.id, t.article.c.public_id)
        rows = connection.execute(named.where(t.article.c.id.in_(batch), told))
        found |= {row.id: row.public_id for row in rows}
    return [found[one] for one in sorted(found)]


def before_latest(connection: Connection, most: int) -> int:
    """The id behind which the latest `most` articles begin, for `after`."""
    own = t.article.c.merged_into.is_(None)
    ids = select(t.article.c.id).where(own).order_by(t.article.c.id.desc())
    return connection.scalar(ids.offset(most).limit(1)) or 0


def before_since(connection: Connection, since: datetime) -> int:
    """The id behind which all articles stand that were first seen since then, for `after`."""
    # "+ 0": or PostgreSQL goes through the ids from the first one on, until it comes to such a one.
    ids = select(func.min(t.article.c.id + 0)).where(t.article.c.first_seen_at >= since)
    first = connection.scalar(ids)
    return connection.scalar(select(func.max(t.article.c.id))) or 0 if first is None else first - 1


def after(connection: Connection, last_id: int, since: datetime | None = None) -> list[Matchable]:
    """The next BATCH articles by id that were not merged, with the sources that told them.

    Not what was taken back: no rule may bring it in again. `since`: only those first seen since
    then, None = whenever.
    """
    statement = select(t.article).where(
        t.article.c.id > last_id,
        t.article.c.merged_into.is_(None),
        ~marks.is_recalled(t.article.c.id),
    )
    if since is not None:
        statement = statement.where(t.article.c.first_seen_at >= since)
    rows = connection.execute(statement.order_by(t.article.c.id).limit(BATCH)).all()
    return _matchable(connection, rows)


def beginning() -> ColumnElement[str]:
    """What is read of a text that may have megabytes. It may end within a tag."""
    return func.substr(t.article.c.content, 1, BEGINNING).label(t.article.c.content.name)


def matchable(connection: Connection, ids: Iterable[int]) -> list[Matchable]:
    """The articles with these ids, in order; those not there, or taken back, are left out."""
    found: list[Matchable] = []
    for some in lots(sorted(ids)):
        there = t.article.c.id.in_(some), ~marks.is_recalled(t.article.c.id)
        every = select(t.article).where(*there).order_by(t.article.c.id)
        found += _matchable(connection, connection.execute(every).all())
    return found


def _matchable(connection: Connection, rows: Sequence[Row[Any]]) -> list[Matchable]:
    told_by = _sources(connection, [row.id for row in rows])
    return [
        Matchable(
            id=row.id,
            public_id=row.public_id,
            first_seen_at=row.first_seen_at,
            link=row.link,
            title=row.title,
            lead=row.lead,
            content=row.content,
            authors=tuple(row.authors),
            categories=tuple(row.categories),
            language=row.language,
            sources=tuple(told_by[row.id]),
        )
        for row in rows
    ]


_SOURCES = (
    select(t.entry.c.article_id, t.source.c.name)
    .distinct()
    .join(t.source, t.source.c.id == t.entry.c.source_id)
    .where(t.entry.c.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(t.entry.c.article_id, t.source.c.name)
)


def _sources(connection: Connection, ids: Sequence[int]) -> defaultdict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for article_id, name in connection.execute(_SOURCES, {"ids": ids}):
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
    """The newest article shown with this very address, or told with it by some source."""
    survivor = func.coalesce(t.article.c.merged_into, t.article.c.id)
    shown = select(survivor.label("id")).where(t.article.c.link == link)
    told = select(t.entry.c.article_id).where(
        t.entry.c.link == link, t.entry.c.article_id.is_not(None)
    )
    ids = union_all(shown, told).subquery()
    found: int | None = connection.scalar(select(func.max(ids.c.id)))
    return found
