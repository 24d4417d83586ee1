"""Which process asks a site: one at a time, so that the gap between requests holds for all of them.

A turn is a lease, as a claim on a source is: a process that dies with it is waited for until it
lapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, String, bindparam, delete, or_, select, update
from sqlalchemy.sql.dml import ReturningInsert

from service.store.core.arrays import given_rows
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
    wanted = sorted(set(sites))  # or two processes that met half way would wait for each other
    asked = {"takes": owner, "until": until, "now": now}
    taking = _taking(connection.dialect.name)
    if connection.dialect.name == "sqlite":
        return {
            site
            for site in wanted
            if connection.execute(taking, {"its_site": site, **asked}).first() is not None
        }
    return set(connection.scalars(taking, {"its_site": wanted, **asked}))


@cache
def _taking(dialect: str) -> ReturningInsert[Any]:
    """Takes `its_site`: one on SQLite, which is no round trip; on PostgreSQL a list of them."""
    taken = LEASE.taken(bindparam("takes", type_=String), bindparam("until", type_=UtcDateTime))
    adding = upsert_for(dialect, t)
    if dialect == "sqlite":
        adding = adding.values({"site": bindparam("its_site", type_=String), **taken})
    else:
        rows = given_rows(t, ["site"])
        adding = adding.from_select(["site", *taken], select(rows.c.site, *taken.values()))
    return adding.on_conflict_do_update(
        index_elements=["site"],
        set_=taken,
        where=or_(LEASE.owner == taken[LEASE.owner.name], LEASE.until <= NOW),  # a gap may be hours
    ).returning(t.c.site)


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
