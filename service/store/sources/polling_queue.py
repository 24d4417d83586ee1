"""The polling queue: the `source_poll` row says when it is due and which process has it.

due -> claim (conditional UPDATE with owner and lease) -> fetch and read, no lock held -> how it
went (store/sources/poll_results.py), only while the claim still stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, bindparam, func, select
from sqlalchemy.sql.dml import ReturningUpdate

from service.store.core.bulk import lots
from service.store.core.column_types import UtcDateTime
from service.store.core.lease import FURTHEST, NOW, Lease
from service.store.sources import list_state as lists_
from service.store.sources import poll_state as m
from service.store.sources.list_state import Lists
from service.store.sources.pauses import awake
from service.store.sources.poll_state import PollState
from service.store.tables import source as s
from service.store.tables import source_poll as t

LEASE = Lease(t)

_MOST_AT_ONCE = 500
"""Ids in one statement; databases have a limit on parameters."""


@dataclass(frozen=True, slots=True)
class Due:
    """A source that may be collected now: its row, its id in the TOML, where it is fetched."""

    id: int
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ClaimedSource:
    """A source that this process holds until its lease ends, as its row stands.

    `first_fetch_at` is never None: this fetch is the first where there was none. `document_error`
    is why the document behind `body_hash` could not be read; None: it could. `quarantined_since`:
    since when it is, for what it did to its reader. `gone_at`: since when its server says that it
    is gone for good. `pushed_until`: until when a hub brings its news, None = none does.
    `held_until`: until when its publisher wants it left alone. `due_at`: when it was to be asked.
    `lists`: what is remembered of its documents. `url` is the TOML's address; `address` is where
    it is fetched.
    """

    id: int
    name: str
    url: str
    owner: str
    first_fetch_at: datetime
    first_collected_at: datetime | None
    failures: int
    etag: bytes | None
    last_modified: bytes | None
    body_hash: bytes | None
    read_as: bytes | None
    document_error: str | None
    quarantined_since: datetime | None
    gone_at: datetime | None
    pushed_until: datetime | None = None
    held_until: datetime | None = None
    due_at: datetime | None = None
    poll_state: PollState = field(kw_only=True)
    lists: Lists = field(kw_only=True, default=lists_.UNKNOWN)

    @property
    def address(self) -> str:
        """The TOML's, or where that has moved for good."""
        return self.poll_state.moved_url or self.url


@dataclass(frozen=True, slots=True)
class BodyFingerprint:
    """What a body is known by later: the server's validators, our hash, and how it was read."""

    etag: bytes | None
    last_modified: bytes | None
    body_hash: bytes
    read_as: bytes


def due(connection: Connection, now: datetime, limit: int | None = None) -> list[Due]:
    """What is due and free, the longest waiting first."""
    statement = _due() if limit is None else _due().limit(limit)
    return [Due(*row) for row in connection.execute(statement, _at(now))]


def _at(now: datetime) -> dict[str, datetime]:
    return {"now": now, "furthest": now + FURTHEST}


@cache
def _due() -> Select[Any]:
    free = LEASE.free(NOW, bindparam("furthest", type_=UtcDateTime))
    return (
        select(s.c.id, s.c.name, _address())
        .join(t, t.c.source_id == s.c.id)
        .where(_live(), awake(NOW), t.c.gone_at.is_(None), t.c.next_poll_at <= NOW, free)
        .order_by(t.c.next_poll_at, s.c.id)
    )


def named(connection: Connection, names: Iterable[str]) -> list[Due]:
    """The sources of these ids that are not retired, due or not, paused or not."""
    statement = (
        select(s.c.id, s.c.name, _address())
        .join(t, t.c.source_id == s.c.id)
        .where(_live(), s.c.name.in_(sorted(set(names))))
        .order_by(s.c.id)
    )
    return [Due(*row) for row in connection.execute(statement)]


def claim(
    connection: Connection,
    wanted: Sequence[Due],
    owner: str,
    now: datetime,
    until: datetime,
    *,
    at_once: bool = False,
) -> list[ClaimedSource]:
    """Take what is still due and free, until the lease ends. Others may have been quicker.

    `owner` is one start of one process. `at_once`: due or not, paused or not (named by a person).
    """
    claimed: list[ClaimedSource] = []
    for ids in lots([source.id for source in wanted], _MOST_AT_ONCE):
        claiming = _claiming(at_once=at_once)
        taken = LEASE.claim_with(connection, claiming, owner, now, until, wanted=ids)
        claimed += [_claimed(tuple(row)) for row in taken]
    return claimed


@cache
def _claiming(*, at_once: bool) -> ReturningUpdate[Any]:
    collected = select(s.c.id).where(s.c.id.in_(bindparam("wanted", expanding=True)), _live())
    conditions = []
    if not at_once:
        collected = collected.where(awake(NOW))
        conditions += [t.c.next_poll_at <= NOW, t.c.gone_at.is_(None)]
    tried = {"last_tried_at": NOW, "first_fetch_at": func.coalesce(t.c.first_fetch_at, NOW)}
    return LEASE.claiming(
        t.c.source_id.in_(collected), *conditions, values=tried,
        returning=(
            t.c.source_id, _of_source(s.c.name), _of_source(s.c.url), LEASE.owner,
            t.c.first_fetch_at, t.c.first_collected_at, t.c.failures, t.c.etag,
            t.c.last_modified, t.c.body_hash, t.c.read_as, t.c.document_error,
            t.c.quarantined_since, t.c.gone_at, t.c.pushed_until, t.c.held_until,
            t.c.next_poll_at, *lists_.COLUMNS, *m.COLUMNS,
        ),
    )  # fmt: skip


def _claimed(row: tuple[Any, ...]) -> ClaimedSource:
    own = len(row) - len(lists_.COLUMNS) - len(m.COLUMNS)
    lists, poll_state = row[own : -len(m.COLUMNS)], row[-len(m.COLUMNS) :]
    return ClaimedSource(*row[:own], poll_state=PollState(*poll_state), lists=Lists(*lists))


def _address() -> ColumnElement[str]:
    return func.coalesce(t.c.moved_url, s.c.url)


def _live() -> ColumnElement[bool]:
    return s.c.retired_at.is_(None)


def _of_source(column: Column[Any]) -> ColumnElement[Any]:
    """A column of the source, where its poll state is what is written."""
    return select(column).where(s.c.id == t.c.source_id).correlate(t).scalar_subquery()


def addresses(
    connection: Connection, ids: Iterable[int]
) -> dict[int, tuple[tuple[str, ...], str | None]]:
    """Row -> where it is fetched (the TOML's address, and where that has moved), and its home."""
    found: dict[int, tuple[tuple[str, ...], str | None]] = {}
    for some in lots(ids):
        columns = select(s.c.id, s.c.url, t.c.moved_url, s.c.home).join(t, t.c.source_id == s.c.id)
        for row in connection.execute(columns.where(s.c.id.in_(some))):
            fetched = tuple(one for one in (row.url, row.moved_url) if one)
            found[row.id] = (fetched, row.home)
    return found
