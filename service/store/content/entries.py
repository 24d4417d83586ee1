"""Entries as found in sources, and the keys that lead from them to articles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, select, update

from service.store.core.bulk import inserting, lots
from service.store.tables import article, article_key, entry, source

_ADMISSION = 0x61646D6974  # "admit": the advisory lock of admission on PostgreSQL


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it is stored. Exactly one of `article_id` and `refused_reason` is not None."""

    id: int
    entry_key: str
    hash: bytes
    article_id: int | None
    refused_reason: str | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A row to be. Exactly one of `article_id` and `refused_reason` is not None."""

    entry_key: str
    guid: str | None
    link: str | None
    title: str
    hash: bytes
    article_id: int | None
    refused_reason: str | None
    quiet: bool
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class ArticleTeller:
    """A source that told an article. `quiet`: all its entries of it were."""

    name: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class Alike:
    """A stored entry by what could be taken for another one's."""

    entry_key: str
    guid: str | None
    link: str | None


def alike(
    connection: Connection, source_id: int, guids: Iterable[str], links: Iterable[str]
) -> list[Alike]:
    """The source's stored entries that have one of these guids or links."""
    columns = entry.c.entry_key, entry.c.guid, entry.c.link
    found: list[Alike] = []
    for column, values in ((entry.c.guid, sorted(set(guids))), (entry.c.link, sorted(set(links)))):
        for some in lots(values):
            of_source = entry.c.source_id == source_id
            rows = connection.execute(select(*columns).where(of_source, column.in_(some)))
            found += [Alike(*row) for row in rows]
    return found


def queue(connection: Connection) -> bool:
    """Wait for admission in other processes; hold the others off until this commits.

    Two sources that bring the same article at once must find each other's. True: what was read
    before may be out of date. SQLite has one writer anyway.
    """
    if connection.dialect.name != "postgresql":
        return False
    connection.execute(_QUEUE)
    return True


# Asked for with each document: to build them anew took longer than their answers.
_QUEUE = select(func.pg_advisory_xact_lock(_ADMISSION))
_KNOWN = select(
    entry.c.id,
    entry.c.entry_key,
    entry.c.hash,
    entry.c.article_id,
    entry.c.refused_reason,
    entry.c.quiet,
).where(
    entry.c.source_id == bindparam("of"), entry.c.entry_key.in_(bindparam("keys", expanding=True))
)


def known(connection: Connection, source_id: int, keys: Iterable[str]) -> dict[str, StoredEntry]:
    """Entry key -> what is stored of it in this source."""
    found: dict[str, StoredEntry] = {}
    for batch in lots(keys):
        rows = connection.execute(_KNOWN, {"of": source_id, "keys": batch})
        found |= {row.entry_key: StoredEntry(*row) for row in rows}
    return found


_ADD = inserting(entry, "source_id", "first_seen_at", *NewEntry.__slots__)


def add(connection: Connection, rows: Iterable[tuple[int, NewEntry]], now: datetime) -> None:
    """Insert entries seen for the first time: (source row, what it says)."""
    _ADD(
        connection,
        [
            {
                "source_id": source_id,
                "first_seen_at": now,
                **{name: getattr(row, name) for name in row.__slots__},
            }
            for source_id, row in rows
        ],
    )


_AMENDED = ("link", "title", "hash", "article_id", "refused_reason", "quiet", "published_at")
_AMEND = (
    update(entry)
    .where(entry.c.id == bindparam("row"))
    .values({name: bindparam(name) for name in _AMENDED})
)


def amend(connection: Connection, rows: Sequence[tuple[int, NewEntry]]) -> None:
    """Entries that say something else than before: (id, what they say now)."""
    if rows:
        connection.execute(
            _AMEND,
            [{"row": row, **{name: getattr(new, name) for name in _AMENDED}} for row, new in rows],
        )


_BY_KEY = (
    select(article_key.c.key, func.coalesce(article.c.merged_into, article.c.id))
    .join(article, article.c.id == article_key.c.article_id)
    .where(article_key.c.key.in_(bindparam("keys", expanding=True)))
)


def articles_by_key(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    """Key -> the article it leads to, through what was merged."""
    found: dict[str, int] = {}
    for batch in lots(keys):
        rows = connection.execute(_BY_KEY, {"keys": batch})
        found |= {row[0]: row[1] for row in rows}
    return found


_TELLERS = (
    select(
        entry.c.article_id,
        entry.c.source_id,
        source.c.name,
        func.sum(case((entry.c.quiet.is_(True), 0), else_=1)).label("loud"),
    )
    .join(source, source.c.id == entry.c.source_id)
    .where(entry.c.article_id.in_(bindparam("articles", expanding=True)))
    .group_by(entry.c.article_id, entry.c.source_id, source.c.name)
)


def tellers(connection: Connection, articles: Iterable[int]) -> dict[int, dict[int, ArticleTeller]]:
    """Article -> rows of the sources that told it."""
    found: defaultdict[int, dict[int, ArticleTeller]] = defaultdict(dict)
    for batch in lots(articles):
        for row in connection.execute(_TELLERS, {"articles": batch}):
            found[row.article_id][row.source_id] = ArticleTeller(row.name, quiet=row.loud == 0)
    return found


_LEAD = inserting(article_key, "key", "article_id", unless="key")


def lead_to(connection: Connection, pairs: Iterable[tuple[str, int]]) -> None:
    """Keep that these keys lead to these articles; a key that is known stays as it is."""
    _LEAD(connection, [{"key": key, "article_id": article_id} for key, article_id in pairs])
