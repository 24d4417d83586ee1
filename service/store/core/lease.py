"""Who has a row in hand: one owner at a time, for half a minute that it renews while it works.

An owner is one start of one process, and one of its jobs where two of them take the same rows. What
a killed process held is free half a minute later; what takes long stays whose it is, since its
lease is renewed. Every write of an owner names it in its WHERE: one that comes after another owner
has taken the row changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, or_, select, update

from service.store.core.lots import lots

LEASE = timedelta(seconds=30)
"""How long a row stays its owner's without being renewed."""

RENEW_EVERY_S = 10.0

FURTHEST = timedelta(minutes=10)
"""A lease that ends later than this from now was taken by a clock that was ahead: it is void.
Clocks of several machines differ by less."""

_MOST_AT_ONCE = 500
"""Rows in one statement; databases have a limit on parameters."""


@dataclass(frozen=True, slots=True)
class Term:
    """For how long a lease is taken, and how often it is renewed."""

    lasts: timedelta = LEASE
    renew_every_s: float = RENEW_EVERY_S


TERM = Term()


@dataclass(frozen=True, slots=True)
class Lease:
    """The columns of a table that say who has a row in hand. `key` is its primary key."""

    key: Column[Any]
    owner: Column[Any]
    until: Column[Any]

    def free(self, now: datetime) -> ColumnElement[bool]:
        """Nobody has the row, or its owner is dead."""
        return or_(self.until.is_(None), self.until <= now, self.until > now + FURTHEST)

    def taken(self, owner: str, until: datetime) -> dict[str, Any]:
        """The values of a row that `owner` takes."""
        return {self.owner.name: owner, self.until.name: until}

    @property
    def given_back(self) -> dict[str, Any]:
        """The values of a row that nobody has in hand any more."""
        return {self.owner.name: None, self.until.name: None}

    def renew(
        self, connection: Connection, owner: str, keys: Iterable[Any], until: datetime
    ) -> None:
        """Keep those of these rows that are still the owner's, until then.

        A row that somebody is writing to just now is passed over until the next time: who renews
        waits for nobody, so that nobody waits for ever for who renews (PostgreSQL).
        """
        for some in lots(list(keys), _MOST_AT_ONCE):
            mine = select(self.key).where(self.key.in_(some), self.owner == owner)
            rows = mine.order_by(self.key).with_for_update(skip_locked=True)
            kept = update(self.key.table).where(self.key.in_(rows))
            connection.execute(kept.values({self.until.name: until}))

    def release(self, connection: Connection, owner: str, keys: Iterable[Any]) -> None:
        """Give back those of these rows that are still the owner's."""
        for some in lots(list(keys), _MOST_AT_ONCE):
            mine = self.key.in_(some), self.owner == owner
            connection.execute(update(self.key.table).where(*mine).values(self.given_back))
