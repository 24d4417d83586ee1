"""Pages of entries that are still to be read: a queue of rows, like the one of sources.

list -> add (with its entries, in one transaction) -> claim (owner and lease) -> fetch and read, no
lock held -> done (with what was read, in one transaction) | later (tried in vain)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, delete, func, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from service.store.content import entries
from service.store.core.bulk import lots
from service.store.core.column_types import UtcDateTime
from service.store.core.lease import FURTHEST, NOW, Lease
from service.store.core.statements import upsert
from service.store.sources.pauses import awake
from service.store.tables import entry, source, source_poll
from service.store.tables import unread_page as t

LEASE = Lease(t)

A_SOURCE = 8
"""Pages of one source in one claim: its site is asked slowly, and others must not wait for it."""


@dataclass(frozen=True, slots=True)
class NewPage:
    """`listed_entry`: the entry as its list told it, packed by its reader."""

    entry_key: str
    url: str
    listed_entry: bytes


@dataclass(frozen=True, slots=True)
class ClaimedArticlePage:
    """A page that this process holds until its lease ends.

    `held`: its entry is not an article yet. `tries`: in vain so far. `title`: of the source.
    """

    entry_id: int
    entry_key: str
    source_id: int
    source: str
    title: str
    url: str
    listed_entry: bytes
    owner: str
    added_at: datetime
    tries: int
    held: bool
    first_fetch_at: datetime | None


def add(connection: Connection, source_id: int, pages: Sequence[NewPage], now: datetime) -> None:
    """Queue the pages of entries that are stored.

    One that is queued already is tried as planned, for what its list says now.
    """
    ids = entries.known(connection, source_id, (page.entry_key for page in pages))
    rows = [
        {
            "entry_id": ids[page.entry_key].id,
            "source_id": source_id,
            "url": page.url,
            "listed_entry": page.listed_entry,
            "added_at": now,
            "tries": 0,
            "next_try_at": now,
        }
        for page in pages
    ]
    if rows:
        statement = upsert(connection, t)
        new = {"url": statement.excluded.url, "listed_entry": statement.excluded.listed_entry}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["entry_id"], set_=new), rows
        )
        _tell(connection, source_id, None)


_NUMBER = select(func.count()).select_from(t).where(t.c.source_id == bindparam("of"))


def number(connection: Connection, source_id: int) -> int:
    """How many pages of a source wait."""
    return connection.scalar(_NUMBER, {"of": source_id}) or 0


_FREE = LEASE.free(NOW, bindparam("furthest", type_=UtcDateTime))
_IS_DUE = select(t.c.entry_id).where(t.c.next_try_at <= NOW, _FREE).limit(1)


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether any page may be read now. Asked often, and without taking a lock."""
    return connection.execute(_IS_DUE, {"now": now, "furthest": now + FURTHEST}).first() is not None


def claim(
    connection: Connection,
    owner: str,
    now: datetime,
    until: datetime,
    limit: int,
    names: Iterable[str] | None = None,
    besides: Sequence[int] = (),
) -> list[ClaimedArticlePage]:
    """Take what is due and free, some of each source but `besides`. `names`: of these alone."""
    asked = {} if names is None else {"named": sorted(set(names))}
    taken = LEASE.claim_with(
        connection, _claiming(named=names is not None), owner, now, until,
        most=limit, besides=list(besides), **asked,
    )  # fmt: skip
    return _pages(connection, sorted(taken.scalars()), owner)


@cache
def _claiming(*, named: bool) -> ReturningUpdate[Any]:
    wanted = source.c.name.in_(bindparam("named", expanding=True)) if named else awake(NOW)
    turn = func.row_number().over(
        partition_by=t.c.source_id, order_by=(t.c.next_try_at, t.c.entry_id)
    )
    due = (
        select(t.c.entry_id, turn.label("turn"))
        .join(source, source.c.id == t.c.source_id)
        .where(t.c.next_try_at <= NOW, _FREE, source.c.retired_at.is_(None), wanted)
        .where(t.c.source_id.not_in(bindparam("besides", expanding=True)))
        .subquery()
    )
    ids = (
        select(due.c.entry_id)
        .where(due.c.turn <= A_SOURCE)
        .order_by(due.c.turn, due.c.entry_id)
        .limit(bindparam("most", type_=Integer))
    )
    return LEASE.claiming(t.c.entry_id.in_(ids))


_PAGES = (
    select(
        t.c.entry_id, entry.c.entry_key, t.c.source_id, source.c.name, source.c.title, t.c.url,
        t.c.listed_entry, t.c.added_at, t.c.tries, entry.c.article_id,
        source_poll.c.first_fetch_at,
    )
    .join(entry, entry.c.id == t.c.entry_id)
    .join(source, source.c.id == t.c.source_id)
    .join(source_poll, source_poll.c.source_id == t.c.source_id)
    .where(t.c.entry_id.in_(bindparam("taken", expanding=True)))
    .order_by(t.c.entry_id)
)  # fmt: skip


def _pages(connection: Connection, ids: Sequence[int], owner: str) -> list[ClaimedArticlePage]:
    if not ids:
        return []
    return [
        ClaimedArticlePage(*row[:7], owner, *row[7:9], row.article_id is None, row.first_fetch_at)
        for row in connection.execute(_PAGES, {"taken": ids})
    ]


def holds(connection: Connection, page: ClaimedArticlePage) -> bool:
    """Whether the claim still stands; locks the row on PostgreSQL."""
    statement = select(t.c.entry_id).where(_mine(page)).with_for_update()
    return connection.execute(statement).first() is not None


def done(connection: Connection, page: ClaimedArticlePage, error: str | None) -> None:
    """It has been read, or given up for this reason, which the source tells until new ones come."""
    gone = connection.execute(delete(t).where(_mine(page)))
    if error is not None and gone.rowcount:
        _tell(connection, page.source_id, error)


def later(connection: Connection, page: ClaimedArticlePage, error: str, at: datetime) -> None:
    """It could not be had now: it is tried again at this instant."""
    connection.execute(
        update(t)
        .where(_mine(page))
        .values(tries=t.c.tries + 1, next_try_at=at, error=error, **LEASE.given_back)
    )


def put_off(connection: Connection, names: Iterable[str], until: datetime) -> None:
    """Nothing more of these sources before then: their site said that it is asked too much."""
    for some in lots(names):
        ids = select(source.c.id).where(source.c.name.in_(some))
        connection.execute(
            update(t)
            .where(t.c.source_id.in_(ids), t.c.next_try_at < until)
            .values(next_try_at=until)
        )


def rest(connection: Connection, owner: str, ids: Iterable[int], until: datetime) -> None:
    """Give back claims that cannot be used before this instant; they count as no try."""
    LEASE.release(connection, owner, ids, {"next_try_at": until})


def _tell(connection: Connection, source_id: int, error: str | None) -> None:
    s = source_poll.c
    changed = s.source_id == source_id, s.page_error.is_distinct_from(error)
    connection.execute(update(source_poll).where(*changed).values(page_error=error))


def _mine(page: ClaimedArticlePage) -> ColumnElement[bool]:
    return LEASE.mine(page.owner, [page.entry_id])
