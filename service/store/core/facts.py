"""Single values made once and kept: the secret of all HMACs, authority and year of tag: ids."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from service.store.core.statements import upsert
from service.store.tables import fact

_SECRET = "hmac_secret"  # noqa: S105 - the name of the row, not the secret
_TAG_AUTHORITY = "tag_authority"
_PULSE = "pulse"
_ADMIN_KEY = "admin_key"

# Each plan and each run of mail asks several times: to build it took longer than its answer.
_VALUE = select(fact.c.value).where(fact.c.name == bindparam("asked"))
_VALUES = select(fact.c.name, fact.c.value).where(
    fact.c.name.in_(bindparam("asked", expanding=True))
)

ENGINE_SCHEMA = "engine_schema"
"""The version of the engine's own tables."""

TIMELINE = "timeline"
"""Of the database server that the store was last used on (store.core.failover)."""

FREED_PAGES = "freed_pages_to_erase"
"""Somebody was forgotten, and freed pages of the file may still say who (core.secure_delete): since
when, and when it was the last one."""

ERASE_TRIED = "freed_pages_tried"
"""When a job last began to write the file anew."""

OF_PROCESSES = (_ADMIN_KEY, ENGINE_SCHEMA, TIMELINE)
"""What the machines of a site share: a site that is restored elsewhere makes it anew."""


def secret(connection: Connection) -> bytes:
    """32 bytes for all HMACs, made in the store at the first start. Needs a write transaction."""
    return bytes.fromhex(_once(connection, _SECRET, secrets.token_hex(32)))


def known_secret(connection: Connection) -> bytes | None:
    """The same, without making it: None where nothing has ever been started."""
    stored = get(connection, _SECRET)
    return None if stored is None else bytes.fromhex(stored)


def tag_authority(connection: Connection, host: str, year: int) -> str:
    """`HOST,YEAR` for tag: URIs (RFC 4151), fixed at the first publish. Needs a write."""
    return _once(connection, _TAG_AUTHORITY, f"{host},{year}")


def known_tag_authority(connection: Connection) -> str | None:
    """The same where nothing may be written; None before the first publish."""
    return get(connection, _TAG_AUTHORITY)


def admin_key(connection: Connection, mine: str, *, replaces: bool) -> str:
    """The key of the admin pages of all machines. `mine`: what it is if there is none yet.

    `replaces`: it is `mine` from now on. Needs a write transaction.
    """
    if replaces:
        put(connection, _ADMIN_KEY, mine)
        return mine
    return _once(connection, _ADMIN_KEY, mine)


def pulse(connection: Connection, at: datetime) -> None:
    """Write a row for no other use than to see whether one can be written."""
    put(connection, _PULSE, at.isoformat())


def put(connection: Connection, name: str, value: str) -> None:
    """Keep a value, whatever it was before. Needs a write transaction."""
    row = upsert(connection, fact).values(name=name, value=value)
    changed = row.on_conflict_do_update(index_elements=["name"], set_={"value": row.excluded.value})
    connection.execute(changed)


def get(connection: Connection, name: str) -> str | None:
    """The value, None if it was never set."""
    return connection.scalar(_VALUE, {"asked": name})


def several(connection: Connection, *names: str) -> dict[str, str]:
    """Name -> value, of those that were set. One statement."""
    rows = connection.execute(_VALUES, {"asked": names})
    return {row.name: row.value for row in rows}


def forget(connection: Connection, name: str) -> None:
    """It was never set. Needs a write transaction."""
    connection.execute(delete(fact).where(fact.c.name == name))


def _once(connection: Connection, name: str, value: str) -> str:
    """The stored value; `value` if this is the first call ever. Two first calls agree."""
    known = get(connection, name)
    if known is not None:
        return known
    row = upsert(connection, fact).values(name=name, value=value)
    connection.execute(row.on_conflict_do_nothing())
    stored = get(connection, name)
    assert stored is not None
    return stored
