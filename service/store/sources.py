"""The polling queue: the `source` row says when it is due, who holds it, and how it went.

due -> claim (conditional UPDATE with owner and lease) -> fetch and read, no lock held -> one of
record_ok | record_unchanged | record_failure, each only while the claim still stands.

A record tells whether it took effect: not when the lease had lapsed and another process took
the source, nor when the source was given another address meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, update

from service.store import lists as lists_
from service.store import manners as m
from service.store.holds import CLAIMED, NEXT, after_answer
from service.store.lists import Lists
from service.store.manners import Manners
from service.store.pauses import awake
from service.store.tables import source as t

_MOST_AT_ONCE = 500
"""Ids in one statement; databases have a limit on parameters."""


@dataclass(frozen=True, slots=True)
class Due:
    """A source that may be collected now: its row, its id in the TOML, where it is fetched."""

    id: int
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A source that this process holds until its lease ends, as its row stands.

    `first_fetch_at` is never None: this fetch is the first where there was none. `document_error`
    is why the document behind `body_hash` could not be read; None: it could. `aside_since`: since
    when it is put aside for what it did to its reader. `gone_at`: since when its server says that
    it is gone for good. `pushed_until`: until when a hub brings its news, None = none does.
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
    aside_since: datetime | None
    gone_at: datetime | None
    pushed_until: datetime | None = None
    held_until: datetime | None = None
    due_at: datetime | None = None
    manners: Manners = field(kw_only=True)
    lists: Lists = field(kw_only=True, default=lists_.UNKNOWN)

    @property
    def address(self) -> str:
        """The TOML's, or where that has moved for good."""
        return self.manners.moved_to or self.url


@dataclass(frozen=True, slots=True)
class Behind:
    """What a body is known by later: the server's validators, our hash, and how it was read."""

    etag: bytes | None
    last_modified: bytes | None
    body_hash: bytes
    read_as: bytes


def due(connection: Connection, now: datetime, limit: int | None = None) -> list[Due]:
    """What is due and free, the longest waiting first."""
    statement = (
        select(t.c.id, t.c.name, _address())
        .where(_live(), awake(now), t.c.gone_at.is_(None), t.c.next_poll_at <= now, _free(now))
        .order_by(t.c.next_poll_at, t.c.id)
        .limit(limit)
    )
    return [Due(*row) for row in connection.execute(statement)]


def named(connection: Connection, names: Iterable[str]) -> list[Due]:
    """The sources of these ids that are not retired, due or not, paused or not."""
    statement = (
        select(t.c.id, t.c.name, _address())
        .where(_live(), t.c.name.in_(sorted(set(names))))
        .order_by(t.c.id)
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
) -> list[Claimed]:
    """Take what is still due and free, until the lease ends. Others may have been quicker.

    `owner` is one start of one process. `at_once`: due or not, paused or not (named by a person).
    """
    claimed: list[Claimed] = []
    for ids in _in_parts([source.id for source in wanted]):
        conditions = [t.c.id.in_(ids), _live(), _free(now)]
        if not at_once:
            conditions += [t.c.next_poll_at <= now, awake(now), t.c.gone_at.is_(None)]
        # In one order, and past what another process is taking just now: two that met half way
        # would wait for each other for ever. (SQLite has one writer and no such clause.)
        free = select(t.c.id).where(*conditions).order_by(t.c.id).with_for_update(skip_locked=True)
        statement = (
            update(t)
            .where(t.c.id.in_(free))
            .values(
                lease_owner=owner,
                lease_until=until,
                last_tried_at=now,
                first_fetch_at=func.coalesce(t.c.first_fetch_at, now),
            )
            .returning(
                t.c.id, t.c.name, t.c.url, t.c.lease_owner, t.c.first_fetch_at,
                t.c.first_collected_at, t.c.failures, t.c.etag, t.c.last_modified, t.c.body_hash,
                t.c.read_as, t.c.document_error, t.c.aside_since, t.c.gone_at, t.c.pushed_until,
                t.c.held_until, t.c.next_poll_at, *lists_.COLUMNS, *m.COLUMNS,
            )
        )  # fmt: skip
        claimed += [_claimed(tuple(row)) for row in connection.execute(statement)]
    return claimed


def _claimed(row: tuple[Any, ...]) -> Claimed:
    own = len(row) - len(lists_.COLUMNS) - len(m.COLUMNS)
    lists, manners = row[own : -len(m.COLUMNS)], row[-len(m.COLUMNS) :]
    return Claimed(*row[:own], manners=Manners(*manners), lists=Lists(*lists))


def holds(connection: Connection, source: Claimed) -> bool:
    """Whether the claim still stands and the source still has the address that was fetched.

    Locks the row on PostgreSQL until the transaction ends, so that what follows rests on it.
    """
    statement = select(t.c.id).where(_mine(source)).with_for_update()
    return connection.execute(statement).first() is not None


def is_called(connection: Connection, source: Claimed) -> tuple[str, str | None]:
    """The outlet's title and home, as feeds and pages show them."""
    row = connection.execute(select(t.c.title, t.c.home).where(t.c.id == source.id)).one()
    return row.title, row.home


def record_ok(
    connection: Connection,
    source: Claimed,
    now: datetime,
    *,
    behind: Behind,
    next_poll_at: datetime,
    manners: Manners,
    title: str | None,
    home: str | None,
    entries: int,
    repairs: Sequence[str],
    rung: str,
    lists: Lists,
    beyond: int = 0,
    whole: bool = True,
    topic: str | None = None,
    hubs: Sequence[str] = (),
) -> bool:
    """A document was read and its entries are stored. `title` None: the TOML has one, keep it.

    `rung`: how far down its document had to be taken. `lists`: what is to be remembered of it.
    `whole`: whether it counts as the first collection where there was none. `hubs`, `topic`: who
    would bring its news, and what to ask them for.
    """
    values: dict[str, object] = {
        "last_ok_at": now,
        "failures": 0,
        "error": None,
        "document_error": None,
        "aside_since": None,
        "gone_at": None,
        "entries_last": entries,
        "entries_beyond": beyond,
        "repairs": list(repairs),
        **m.values(manners),
        "dead_since": None,
        "suggestions": None,
        "hubs": list(hubs) or None,
        "hub_topic": topic,
        **lists_.values(lists),
        **_counted(rung),
        **_known_by(behind),
    }
    if whole:
        values["first_collected_at"] = func.coalesce(t.c.first_collected_at, now)
    if title:
        values["title"] = title
    if home:
        values["home"] = home
    return _settle(connection, source, next_poll_at, values, held_until=source.held_until)


@dataclass(frozen=True, slots=True)
class Same:
    """A source that said the same as last time. `behind`: its validators as they are now.

    `whole`: it sent its whole body once more; else it answered "not modified".
    """

    source: Claimed
    behind: Behind
    whole: bool
    next_poll_at: datetime
    manners: Manners


def record_unchanged(
    connection: Connection, now: datetime, unchanged: Sequence[Same]
) -> frozenset[int]:
    """All in one statement. Returns the ids of those that were not ours any more."""
    rows = [
        {
            "row": one.source.id,
            "owner": one.source.owner,
            "address": one.source.url,
            "last_ok_at": now,
            "next_poll_at": one.next_poll_at,
            "held": one.source.held_until,
            "not_modified": int(not one.whole),
            "same_body": int(one.whole),
            **_known_by(one.behind),
            **m.values(one.manners),
        }
        for one in unchanged
    ]
    if not rows:
        return frozenset()
    done = connection.execute(_UNCHANGED, rows)
    if done.rowcount == len(rows):
        return frozenset()
    kept: set[int] = set()
    for ids in _in_parts([one.source.id for one in unchanged]):
        settled = t.c.id.in_(ids), t.c.lease_owner.is_(None), t.c.last_ok_at == now
        kept |= set(connection.execute(select(t.c.id).where(*settled)).scalars())
    return frozenset(one.source.id for one in unchanged) - kept


def record_failure(
    connection: Connection,
    source: Claimed,
    *,
    error: str,
    next_poll_at: datetime,
    manners: Manners,
    behind: Behind | None = None,
    aside_at: datetime | None = None,
    gone_at: datetime | None = None,
    drifting_at: datetime | None = None,
    dead_at: datetime | None = None,
    held_until: datetime | None = None,
) -> bool:
    """It could not be fetched, or its document could not be read.

    `behind`: that document, so that it is not read again while it stays the same. `aside_at`: now,
    if it killed or hung its reader. `gone_at`: it will not be asked again by itself.
    `drifting_at`: now, if it used to give entries and gives none. `dead_at`: now, if its address
    gives no such document any more. `held_until`: until when the server asks to be left alone.
    """
    values: dict[str, object] = {
        "failures": t.c.failures + 1,
        "error": error,
        "gone_at": gone_at,
        **m.values(manners),
    }
    if drifting_at is not None:
        values["drifting_since"] = func.coalesce(t.c.drifting_since, drifting_at)
    if dead_at is not None:
        values["dead_since"] = func.coalesce(t.c.dead_since, dead_at)
    if behind is not None:
        since = None if aside_at is None else func.coalesce(t.c.aside_since, aside_at)
        values |= {"document_error": error, "aside_since": since, **_known_by(behind)}
    if held_until is not None:
        values |= {"held_until": held_until, "held_by": None}
    return _settle(connection, source, next_poll_at, values)


def release(connection: Connection, owner: str, ids: Iterable[int]) -> None:
    """Give back claims of a pass that was stopped: others need not wait for the lease to end."""
    for some in _in_parts(list(ids)):
        connection.execute(
            update(t)
            .where(t.c.id.in_(some), t.c.lease_owner == owner)
            .values(lease_owner=None, lease_until=None)
        )


def _in_parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _MOST_AT_ONCE):
        yield ids[start : start + _MOST_AT_ONCE]


def _address() -> ColumnElement[str]:
    return func.coalesce(t.c.moved_to, t.c.url)


def _live() -> ColumnElement[bool]:
    return t.c.retired_at.is_(None)


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(t.c.lease_until.is_(None), t.c.lease_until <= now)


def _mine(source: Claimed) -> ColumnElement[bool]:
    return and_(t.c.id == source.id, t.c.lease_owner == source.owner, t.c.url == source.url)


def _counted(rung: str) -> dict[str, object]:
    column = t.c[f"rung_{rung}"]
    return {column.name: column + 1}


def _known_by(behind: Behind) -> dict[str, object]:
    return {
        "etag": behind.etag,
        "last_modified": behind.last_modified,
        "body_hash": behind.body_hash,
        "read_as": behind.read_as,
    }


def _settle(
    connection: Connection,
    source: Claimed,
    next_poll_at: datetime,
    values: dict[str, object],
    *,
    held_until: datetime | None = None,
) -> bool:
    """`held_until`: the hold that this answer ends, None: it ends none."""
    free = {"lease_owner": None, "lease_until": None}
    then = after_answer(held_until, next_poll_at)
    done = connection.execute(update(t).where(_mine(source)).values({**then, **values, **free}))
    return done.rowcount == 1


_UNCHANGED = (
    update(t)
    .where(
        t.c.id == bindparam("row"),
        t.c.lease_owner == bindparam("owner"),
        t.c.url == bindparam("address"),
    )
    .values(
        failures=0, error=None, gone_at=None, lease_owner=None, lease_until=None,
        drifting_since=None, dead_since=None, suggestions=None,
        **after_answer(CLAIMED, NEXT),
        rung_304=t.c.rung_304 + bindparam("not_modified"),
        rung_body=t.c.rung_body + bindparam("same_body"),
        **{
            name: bindparam(name)
            for name in (
                "last_ok_at", "etag", "last_modified", "body_hash", "read_as",
                *(column.name for column in m.COLUMNS),
            )
        },
    )
)  # fmt: skip
