"""The search index: article -> the tokens that it is found by (`text/search_tokens.py`).

SQLite: a table of FTS5 that keeps no text. What an article was found by once stays there, so search
asks the article itself as well. PostgreSQL: a row an article, its tokens as numbers, with GIN: a
tsvector of them takes three times as much. Neither is declared beside the other tables, since each
exists in one of the two databases alone.

An article is indexed after its admission, by the job of `curate/search/indexing.py`: how far that
came is a fact, and articles that say something else since then are marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, delete, func, select

from service.store.content.articles import beginning
from service.store.core import facts
from service.store.core.bulk import inserting, lots
from service.store.tables import article, article_topic, entry, stale_search

FORM = 1
"""Count it up when the same articles get other tokens: all are then indexed anew."""

NEWEST = 1 << 40
"""FTS5 goes through rows by their number, upwards at half the cost of downwards. The newest must
come first, so a row's number is this less its article's id."""

RANGE = 8192
"""Articles by id that share a token on PostgreSQL, whose index has no order: the newest are asked
for by these."""

_INDEXED = "search_indexed"
_MARK = inserting(stale_search, "article_id", unless="article_id")
_PUT_SQLITE = "INSERT INTO article_search (rowid, tokens) VALUES (?, ?)"
_PUT_POSTGRES = (
    "INSERT INTO article_search (article_id, tokens)"
    " VALUES (%s, CAST(%s AS integer[]))"
    " ON CONFLICT (article_id) DO UPDATE SET tokens = excluded.tokens"
)


@dataclass(frozen=True, slots=True)
class IndexedWords:
    """What an article is indexed by: its words as stored, rows of its topics and sources.

    `content` is its beginning.
    """

    id: int
    title: str
    lead: str
    content: str
    topics: frozenset[int]
    sources: frozenset[int]


def topic_token(row: int) -> str:
    """The token of every article in a topic."""
    return f"t:{row}"


def source_token(row: int) -> str:
    """The token of every article that a source told."""
    return f"s:{row}"


def range_token(number: int) -> str:
    """The token of a range of articles by id: `number` counts ranges."""
    return f"r:{number}"


def numbers(tokens: Iterable[str]) -> list[int]:
    """The tokens as PostgreSQL keeps them: 32 bits of each. Two may share a number."""
    return [crc32(one.encode()) - (1 << 31) for one in tokens]


def mark(connection: Connection, article_ids: Iterable[int]) -> None:
    """These articles have other words, topics or sources than they were indexed by."""
    _MARK(connection, [{"article_id": one} for one in sorted(set(article_ids))])


def indexed_up_to(connection: Connection) -> int:
    """The last article, by id, that the index knows; 0: none."""
    form, _, last = (facts.get(connection, _INDEXED) or "").partition(" ")
    return int(last) if form == str(FORM) else 0


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far the index came. `last`: as `indexed_up_to`; `newest`: the newest article, by id.

    `waiting`: how many articles wait for it, new and edited, of those behind an id.
    """

    last: int
    newest: int
    waiting: int


def waiting(connection: Connection) -> int:
    """How many articles wait for the index."""
    return progress(connection).waiting


def progress(connection: Connection, behind: int = 0, most: int | None = None) -> IndexProgress:
    """How far the index came, and what waits of the articles behind an id.

    The new ones are counted as if none were missing between their ids, of the edited ones at the
    most `most`.
    """
    last, own = indexed_up_to(connection), stale_search.c.article_id
    edited = select(own).where(own > behind, own <= last).limit(most).subquery()
    counts = select(
        select(func.max(article.c.id)).scalar_subquery(),
        select(func.count()).select_from(edited).scalar_subquery(),
    )
    newest, counted = connection.execute(counts).one()
    newest = newest or 0
    return IndexProgress(last, newest, max(newest - max(last, behind), 0) + counted)


def due(connection: Connection, most: int) -> Sequence[int]:
    """The articles to index next, by id: those that are marked first, then the new ones."""
    last = indexed_up_to(connection)
    marked = select(stale_search.c.article_id).where(stale_search.c.article_id <= last)
    ids = list(connection.execute(marked.order_by(stale_search.c.article_id).limit(most)).scalars())
    new = select(article.c.id).where(article.c.id > last).order_by(article.c.id)
    return ids + list(connection.execute(new.limit(most - len(ids))).scalars())


def words(connection: Connection, ids: Iterable[int]) -> list[IndexedWords]:
    """What these articles are to be indexed by."""
    found = []
    for some in lots(ids):
        topics = _grouped(connection, article_topic.c.article_id, article_topic.c.topic_id, some)
        sources = _grouped(connection, entry.c.article_id, entry.c.source_id, some)
        own = article.c
        rows = connection.execute(
            select(own.id, own.source_id, own.title, own.lead, beginning()).where(own.id.in_(some))
        )
        found += [
            IndexedWords(
                row.id,
                row.title,
                row.lead,
                row.content,
                frozenset(topics.get(row.id, ())),
                frozenset({row.source_id, *sources.get(row.id, ())}),
            )
            for row in rows
        ]
    return found


def _grouped(
    connection: Connection, by: Any, value: Any, ids: Sequence[int]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for article_id, one in connection.execute(select(by, value).where(by.in_(ids))):
        found.setdefault(article_id, []).append(one)
    return found


def put(connection: Connection, tokens: Mapping[int, AbstractSet[str]]) -> None:
    """Index these articles by these tokens, and keep that it was done. Needs a write."""
    if not tokens:
        return
    ids = sorted(tokens, reverse=True)
    if connection.dialect.name == "sqlite":
        rows: list[tuple[int, Any]] = [(NEWEST - one, " ".join(tokens[one])) for one in ids]
        connection.exec_driver_sql(_PUT_SQLITE, rows)
    else:
        rows = [(one, numbers([*tokens[one], range_token(one // RANGE)])) for one in ids]
        connection.exec_driver_sql(_PUT_POSTGRES, rows)
        # What waits to be sorted in would be gone through by each question.
        connection.exec_driver_sql("SELECT gin_clean_pending_list('ix_article_search_tokens')")
    for some in lots(ids):
        connection.execute(delete(stale_search).where(stale_search.c.article_id.in_(some)))
    came_to(connection, max(ids[0], indexed_up_to(connection)))


def came_to(connection: Connection, last: int) -> None:
    """Keep that the index knows all articles up to this one, by id. Needs a write."""
    facts.put(connection, _INDEXED, f"{FORM} {last}")
