"""After a restore mail is held until somebody has looked: `bantin up --release` lifts the hold.

A fact of the store, so that it holds for every process and command on it. Planning and sending ask
for it before they begin; it is only ever set in a store that no service has opened yet.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from service.store.core import facts

_HELD = "held_since"
_RESTORED = "restored_at"


def hold(connection: Connection, now: datetime) -> None:
    """The store was restored now, and sends nothing from here on. Needs a write transaction."""
    facts.put(connection, _HELD, now.isoformat())
    facts.put(connection, _RESTORED, now.isoformat())


def held_since(connection: Connection) -> datetime | None:
    """Since when nothing is planned or sent; None: mail is not held."""
    return _instant(facts.get(connection, _HELD))


def lift(connection: Connection) -> bool:
    """Plan and send again. Needs a write transaction. False: nothing was held."""
    held = facts.get(connection, _HELD) is not None
    if held:
        facts.forget(connection, _HELD)
    return held


def restored_at(connection: Connection) -> datetime | None:
    """When the store was last restored from a backup; None: it never was."""
    return _instant(facts.get(connection, _RESTORED))


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
