"""Leases rows: one owner at a time, for half a minute that it renews while it works.

The one lease of all queues (sources, article pages, requests to hubs, sites, deliveries): two
columns, `lease_owner` and `lease_until`. An owner is one start of one process, and one of its jobs
where two of them take the same rows. What a killed process held is free half a minute later; what
takes long stays whose it is, since its lease is renewed. Every write of an owner names it in its
WHERE: one that comes after another owner has taken the row changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    String,
    Table,
    bindparam,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from service.store.core.bulk import lots
from service.store.core.column_types import UtcDateTime
from service.store.core.database import Store
from service.store.core.threads import claimed_in_thread, finished, in_thread

LASTS = timedelta(seconds=30)
"""How long a row stays its owner's without being renewed."""

RENEW_EVERY_S = 10.0

FURTHEST = timedelta(minutes=10)
"""A lease that ends later than this from now was taken by a clock that was ahead: it is void.
Clocks of several machines differ by less."""

NOW = bindparam("now", type_=UtcDateTime)
"""The instant that a statement made beforehand is asked at."""

Result = TypeVar("Result")

_MOST_AT_ONCE = 500
"""Rows in one statement; databases have a limit on parameters."""


@dataclass(frozen=True, slots=True)
class Term:
    """How long a lease lasts, and how often it is renewed."""

    lasts: timedelta = LASTS
    renew_every_s: float = RENEW_EVERY_S


TERM = Term()


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of a table's rows.

    `held`: which of the rows that bear an owner's name it has in hand. A delivery keeps the name
    when it is uncertain, so that its owner's late answer still finds it.
    """

    table: Table
    held: ColumnElement[bool] = field(default_factory=true)

    @property
    def key(self) -> Column[Any]:
        """The primary key."""
        (key,) = self.table.primary_key
        return key

    @property
    def owner(self) -> Column[Any]:
        """The column that names the owner."""
        return self.table.c.lease_owner

    @property
    def until(self) -> Column[Any]:
        """The column that says when the lease ends; NULL: nobody has the row in hand."""
        return self.table.c.lease_until

    def free(self, now: Any, furthest: Any = None) -> ColumnElement[bool]:
        """Nobody has the row, or its owner is dead.

        `now` is an instant; or a parameter, and then `furthest` is the one for now + FURTHEST.
        """
        furthest = now + FURTHEST if furthest is None else furthest
        return or_(self.until.is_(None), self.until <= now, self.until > furthest)

    def mine(self, owner: str, keys: Iterable[Any]) -> ColumnElement[bool]:
        """Which of these rows the owner has in hand."""
        return self.key.in_(list(keys)) & (self.owner == owner) & self.held

    def taken(self, owner: Any, until: Any) -> dict[str, Any]:
        """The values of a row that `owner` takes until that instant; both may be parameters."""
        return {self.owner.name: owner, self.until.name: until}

    @property
    def given_back(self) -> dict[str, Any]:
        """The values of a row that nobody has in hand any more."""
        return {self.owner.name: None, self.until.name: None}

    @property
    def ended(self) -> dict[str, Any]:
        """The same where the owner's name stays, so that its late answer still finds the row."""
        return {self.until.name: None}

    def claim(
        self,
        connection: Connection,
        owner: str,
        now: datetime,
        until: datetime,
        *wanted: ColumnElement[bool],
        values: Mapping[str, Any] | None = None,
        returning: Collection[ColumnElement[Any]] = (),
    ) -> CursorResult[Any]:
        """Take the rows that are `wanted` and free, and set these values of them besides.

        Returns the columns in `returning` of what was taken, the key where none is named. The rows
        are locked in one order, and past what another process is taking just now: two that met
        half way would wait for each other for ever. (SQLite has one writer and no such clause.)
        """
        claiming = self.claiming(*wanted, values=values, returning=returning)
        return self.claim_with(connection, claiming, owner, now, until)

    def claiming(
        self,
        *wanted: ColumnElement[bool],
        values: Mapping[str, Any] | None = None,
        returning: Collection[ColumnElement[Any]] = (),
    ) -> ReturningUpdate[Any]:
        """The statement of `claim`, for who asks it often and makes it once: see `claim_with`."""
        now, furthest = NOW, bindparam("furthest", type_=UtcDateTime)
        free = select(self.key).where(*wanted, self.free(now, furthest)).order_by(self.key)
        ids = free.with_for_update(skip_locked=True)
        taking = update(self.table).where(self.key.in_(ids))
        taken = self.taken(bindparam("claims", type_=String), bindparam("until", type_=UtcDateTime))
        changed = taking.values({**taken, **(values or {})})
        return changed.returning(*(returning or [self.key]))

    def claim_with(
        self,
        connection: Connection,
        claiming: ReturningUpdate[Any],
        owner: str,
        now: datetime,
        until: datetime,
        **asked: object,
    ) -> CursorResult[Any]:
        """`claim` with a statement that was made before. `asked`: its own parameters beside NOW."""
        values = {"claims": owner, "now": now, "furthest": now + FURTHEST, "until": until}
        return connection.execute(claiming, {**values, **asked})

    def renew(
        self, connection: Connection, owner: str, keys: Iterable[Any], until: datetime
    ) -> None:
        """Keep those of these rows that are still the owner's, until then.

        A row that somebody is writing to just now is passed over until the next time: a renewal
        waits for no lock, so that it is part of no deadlock (PostgreSQL).
        """
        for some in lots(list(keys), _MOST_AT_ONCE):
            rows = select(self.key).where(self.mine(owner, some)).order_by(self.key)
            kept = update(self.table).where(self.key.in_(rows.with_for_update(skip_locked=True)))
            connection.execute(kept.values({self.until.name: until}))

    def renew_all(self, connection: Connection, owner: str, until: datetime) -> None:
        """Keep whatever the owner has in hand, until then. Waits for nobody, as `renew`."""
        rows = select(self.key).where(self.owner == owner, self.held).order_by(self.key)
        kept = update(self.table).where(self.key.in_(rows.with_for_update(skip_locked=True)))
        connection.execute(kept.values({self.until.name: until}))

    def release(
        self,
        connection: Connection,
        owner: str,
        keys: Iterable[Any],
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Give back those of these rows that are still the owner's, with these values besides."""
        changed = {**self.given_back, **(values or {})}
        for some in lots(list(keys), _MOST_AT_ONCE):
            connection.execute(update(self.table).where(self.mine(owner, some)).values(changed))


@asynccontextmanager
async def claimed(
    store: Store,
    lease: Lease,
    owner: str,
    claim: Callable[[], Result],
    keys_of: Callable[[Result], Collection[Any]],
    clock: Callable[[], datetime],
    term: Term = TERM,
) -> AsyncIterator[Result]:
    """What `claim`, called in a thread, takes for the block; see `in_hand`."""

    def release(result: Result) -> None:
        with store.write() as connection:
            lease.release(connection, owner, keys_of(result))

    result = await claimed_in_thread(claim, release)
    async with in_hand(store, lease, owner, keys_of(result), clock, term):
        yield result


@asynccontextmanager
async def in_hand(
    store: Store,
    lease: Lease,
    owner: str,
    keys: Collection[Any],
    clock: Callable[[], datetime],
    term: Term = TERM,
) -> AsyncIterator[None]:
    """Keep these rows while the block goes on; at its end those that are left are given back.

    `keys` may change meanwhile.

    A row that is given back, or lost to another owner, within the block stays as it is.
    """

    def renew() -> None:
        if not keys:
            return
        with store.write() as connection:
            lease.renew(connection, owner, keys, clock() + term.lasts)

    def release() -> None:
        with store.write() as connection:
            lease.release(connection, owner, keys)

    try:
        async with renewed(renew, term):
            yield
    finally:
        if keys:
            await in_thread(release)


@asynccontextmanager
async def renewed(renew: Callable[[], None], term: Term = TERM) -> AsyncIterator[None]:
    """Call `renew` as often as the term says while the block goes on, in a thread of its own.

    Of its own, since the threads that all share may be busy for longer than a lease lasts. A
    renewal that fails is told and costs nothing but itself: the next one comes. None runs any more
    when the block is over.
    """
    over = asyncio.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="lease") as thread:
        beating = asyncio.create_task(_beat(renew, term.renew_every_s, over, thread))
        try:
            yield
        finally:
            over.set()
            await finished(beating)


async def _beat(
    renew: Callable[[], None], every_s: float, over: asyncio.Event, thread: ThreadPoolExecutor
) -> None:
    loop = asyncio.get_running_loop()
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), every_s)
        if over.is_set():
            return
        try:
            await loop.run_in_executor(thread, renew)
        except Exception as error:  # noqa: BLE001 - the work that is in hand must not be lost for it
            log = structlog.get_logger("bantin")
            log.warning("leases not renewed", error=f"{type(error).__name__}: {error}")
