"""Notices that another server has become the primary, which may not know the last second.

A standby that is promoted begins a new timeline of PostgreSQL's log. The store keeps the number of
the one that it was last used on; where the server writes another one, rows may have gone back to
what they were, and nobody hands over mail until each process has said what it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from service.store.core import facts

PAUSE = timedelta(minutes=2)
"""How long no mail is handed over: each process looks for work by itself in less than a minute, and
editions that were forgotten are planned again meanwhile."""

_ASKED = text(
    "SELECT CASE WHEN NOT pg_is_in_recovery() "
    "THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END"
)


@dataclass(frozen=True, slots=True)
class Primary:
    """The server that takes our writes. `timeline` None: there is no way to tell (SQLite).

    `changed`: it is another one than the store was last used on. `since`: when that was noticed;
    None: all have said what they know.
    """

    timeline: str | None = None
    changed: bool = False
    since: datetime | None = None


def look(connection: Connection) -> Primary:
    """What there is to know of the primary. Changes nothing."""
    now = timeline(connection)
    if now is None:
        return Primary()
    before, noticed = _noted(connection)
    return Primary(now, before != now, noticed)


def timeline(connection: Connection) -> str | None:
    """The timeline that the server writes; None: it does not tell, or it is SQLite."""
    if connection.dialect.name == "sqlite":
        return None
    try:
        with connection.begin_nested():
            found: str | None = connection.scalar(_ASKED)
            return found
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None  # hosted PostgreSQL may not grant these functions


def is_still(connection: Connection, known: str | None) -> bool:
    """Whether that timeline is still the server's. Always where it does not tell."""
    return known is None or bool(connection.scalar(_ASKED) == known)


def note(connection: Connection, found: Primary, now: datetime) -> datetime | None:
    """The store is used on this one from now on. Since when mail waits; None: it does not.

    Not at the first use of all. Who finds that another process has noted it follows that one: two
    that start at once both find the first use. Needs a write transaction.
    """
    before, noticed = _noted(connection)
    if before == found.timeline:
        return noticed
    since = None if before is None else now
    facts.put(connection, facts.TIMELINE, f"{found.timeline} {since.isoformat() if since else ''}")
    return since


def _noted(connection: Connection) -> tuple[str | None, datetime | None]:
    """The timeline that was noted last, None: none ever was; and since when mail waits for it."""
    noted = facts.get(connection, facts.TIMELINE)
    if noted is None:
        return None, None
    before, _, since = noted.partition(" ")
    return before, datetime.fromisoformat(since) if since else None


def over(connection: Connection, found: Primary) -> None:
    """All have said what they know. Needs a write transaction."""
    facts.put(connection, facts.TIMELINE, f"{found.timeline} ")
