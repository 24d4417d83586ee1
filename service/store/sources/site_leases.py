"""Which process asks a site: one at a time, so that the gap between requests holds for all of them.

A turn is a lease, as a claim on a source is: a process that dies with it is waited for until it
lapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, or_, update

from service.store.core.column_types import UtcDateTime
from service.store.core.lease import Lease
from service.store.core.statements import upsert
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
    # In one order: two processes that met half way would wait for each other for ever.
    rows = [{"site": site, **LEASE.taken(owner, until)} for site in sorted(set(sites))]
    if not rows:
        return set()
    statement = upsert(connection, t).values(rows)
    taken = statement.on_conflict_do_update(
        index_elements=["site"],
        set_=LEASE.taken(owner, until),
        where=or_(LEASE.owner == owner, LEASE.until <= now),  # a gap may last for hours
    ).returning(t.c.site)
    return set(connection.execute(taken).scalars())


def leave(
    connection: Connection, free_at: Mapping[str, datetime], owner: str, now: datetime
) -> None:
    """Let others ask these sites from their instants on. What is no longer ours stays as it is."""
    rows = [{"name": site, "free": free_at[site]} for site in sorted(free_at)]
    if rows:
        mine = t.c.site == bindparam("name"), LEASE.owner == owner
        free = (
            update(t).where(*mine).values({LEASE.until.name: bindparam("free", type_=UtcDateTime)})
        )
        connection.execute(free, rows)
    connection.execute(delete(t).where(LEASE.until < now - FORGOTTEN))
