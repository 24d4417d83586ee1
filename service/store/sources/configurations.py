"""Which configuration is in force, where several processes read one each: the one applied last.

Configurations are files, and of two files nothing tells which is the newer one. So each that is
applied takes the next generation in the store, under a hash of what it says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from service.store.content import topics
from service.store.core.processes import GONE_AFTER
from service.store.tables import configuration, running_process


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration in force, and when it was applied."""

    generation: int
    hash: bytes
    since: datetime


def in_force(connection: Connection) -> InForce | None:
    """The last one that was applied; None: none ever was."""
    last = select(configuration).order_by(configuration.c.generation.desc()).limit(1)
    row = connection.execute(last).one_or_none()
    return None if row is None else InForce(*row)


def replaced_by(connection: Connection, hash_: bytes) -> InForce | None:
    """What is in force in place of this one. None: it is itself, or it was never applied."""
    last = in_force(connection)
    if last is None or last.hash == hash_:
        return None
    earlier = select(configuration.c.generation).where(configuration.c.hash == hash_).limit(1)
    return None if connection.scalar(earlier) is None else last


def apply(
    connection: Connection, hash_: bytes, rules: Mapping[str, bytes], owner: str, now: datetime
) -> None:
    """It is in force from now on, with these rules of topics, which are registered.

    Nobody may admit meanwhile (`entries.queue`). Needs a write transaction.
    """
    last = in_force(connection)
    if last is None or last.hash != hash_:
        number = 1 if last is None else last.generation + 1
        row = insert(configuration).values(generation=number, hash=hash_, applied_at=now)
        connection.execute(row)
    topics.put_in_force(connection, rules)
    mine = running_process.c.id == owner  # else it would be told with the next sign of life
    connection.execute(update(running_process).where(mine).values(configuration_hash=hash_))


def is_anybodys(
    connection: Connection,
    one: InForce,
    now: datetime,
    *,
    roles: Collection[str] = (),
    besides: tuple[str, str] | None = None,
) -> bool:
    """Whether a process of a service of many that was seen lately works with it.

    `roles`: in one of these roles; none: in whichever. `besides`: not an earlier start of the one
    that has this name on this machine.
    """
    process = running_process.c
    has = process.configuration_hash == one.hash
    if besides is not None:
        has &= or_(process.machine != besides[0], process.name != besides[1])
    found = select(process.id).where(has, process.seen_at > now - GONE_AFTER)
    if roles:
        found = found.where(process.role.in_(sorted(roles)))
    return connection.scalar(found.limit(1)) is not None
