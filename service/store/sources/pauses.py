"""Sources that a person let rest from the command line: a state beside the TOML's `paused`.

It stands in the row, so that it outlives restarts and reloads, and ends by itself at its hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, or_, select, update

from service.store.tables import source as t


def awake(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether a source may be asked unbidden: neither the TOML nor a person lets it rest.

    `now`: an instant, or a parameter.
    """
    # Never NULL, so that it can be turned round.
    ended = and_(t.c.paused_until.is_not(None), t.c.paused_until <= now)
    over = or_(t.c.paused_since.is_(None), ended)
    return and_(~t.c.paused, over)


def is_resting(since: datetime | None, until: datetime | None, now: datetime) -> bool:
    """The same of a row's values, as far as a person is concerned. `until` None: until told."""
    return since is not None and (until is None or until > now)


def pause(
    connection: Connection, names: Iterable[str], now: datetime, until: datetime | None
) -> None:
    """Let them rest from now on, until that instant or, with None, until they are resumed."""
    _set(connection, names, since=now, until=until)


def resume(connection: Connection, names: Iterable[str]) -> None:
    """Ask them again; what was due meanwhile is due now. One that is not paused stays as it is."""
    _set(connection, names, since=None, until=None)


def resting(connection: Connection, names: Iterable[str], now: datetime) -> list[str]:
    """Those of them that rest, by the TOML or by a person, by name."""
    statement = select(t.c.name).where(t.c.name.in_(sorted(set(names))), ~awake(now))
    return list(connection.execute(statement.order_by(t.c.name)).scalars())


def _set(
    connection: Connection,
    names: Iterable[str],
    *,
    since: datetime | None,
    until: datetime | None,
) -> None:
    connection.execute(
        update(t)
        .where(t.c.retired_at.is_(None), t.c.name.in_(sorted(set(names))))
        .values(paused_since=since, paused_until=until)
    )
