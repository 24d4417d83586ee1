"""Which process asks a site: one at a time, so that the gap between requests holds for all of them.

A turn is a lease, as a claim on a source is: a process that dies with it is waited for until it
lapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, String, bindparam, delete, or_, update
from sqlalchemy.sql.dml import ReturningInsert

from service.store.core.column_types import UtcDateTime
from service.store.core.lease import NOW, Lease
from service.store.core.statements import upsert_for
from service.store.tables import site_lease as t

LEASE = Lease(t)

LONGEST = timedelta(hours=1)
"""How far ahead a site may be free again: as long as a Crawl-delay is heeded."""

FORGOTTEN = timedelta(hours=1)
"""After the end of a turn its row says nothing any more."""


def take(
    connection: Connection, sites: Iterable[str], owner: str, now: datetime, until: datetime
) -> set[str]:
    """Those of the sites that are this owner's until then. `owner`: one start of one process."""
    taking = _taking(connection.dialect.name)
    values = {"takes": owner, "until": until, "now": now}
    # In one order: two processes that met half way would wait for each other for ever.
    # One by one: a statement with many rows would be compiled anew each time.
    return {
        site
        for site in sorted(set(sites))
        if connection.execute(taking, {"name": site, **values}).first() is not None
    }


@cache
def _taking(dialect: str) -> ReturningInsert[Any]:
    owner, until = bindparam("takes", type_=String), bindparam("until", type_=UtcDateTime)
    values = {"site": bindparam("name", type_=String), **LEASE.taken(owner, until)}
    return (
        upsert_for(dialect, t)
        .values(values)
        .on_conflict_do_update(
            index_elements=["site"],
            set_=LEASE.taken(owner, until),
            where=or_(LEASE.owner == owner, LEASE.until <= NOW),  # a gap may last for hours
        )
        .returning(t.c.site)
    )


def leave(
    connection: Connection, free_at: Mapping[str, datetime], owner: str, now: datetime
) -> None:
    """Let others ask these sites from their instants on. What is no longer ours stays as it is."""
    rows = [{"name": site, "leaves": owner, "free": free_at[site]} for site in sorted(free_at)]
    if rows:
        connection.execute(_FREE, rows)
    connection.execute(_FORGET, {"ended": now - FORGOTTEN})


_FREE = (
    update(t)
    .where(t.c.site == bindparam("name"), LEASE.owner == bindparam("leaves", type_=String))
    .values({LEASE.until.name: bindparam("free", type_=UtcDateTime)})
)
_FORGET = delete(t).where(LEASE.until < bindparam("ended", type_=UtcDateTime))
