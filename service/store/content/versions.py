"""What public pages and feeds show, as numbers which grow with every change of it.

Code that changes it raises the version in the same transaction. So a page that was made is good for
as long as the versions it was made at stand, whichever process made the change.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from service.store.core.bulk import Many, Statement
from service.store.core.statements import upsert
from service.store.tables import content_version

SITE = ""
"""What stands on every page: topics and digests with their names, and where they moved."""

STORIES = "/stories"
"""The pages of stories that were there already: their articles were edited, merged or placed, or
their outlets are called otherwise."""

REFERENCES = "/references"
"""Which articles cite which official documents."""

HOMES = "/homes"
"""Which story each article is in, where that was decided before. No page is made of it: by this
judges see that somebody else has moved one."""

REGROUPED = "/regrouped"
"""Which story the articles are in that had been judged: stories became one, or were parted. No page
is made of it: what was told by too few before may be hot now."""

EDITIONS = "/editions"
"""Editions: archives, their pages, and what leads to the latest of them."""

RECALLS = "/recalls"
"""What was taken back, or given back. No page is made of it: who made something of rows that were
read before looks whether it still holds (`store/recalled/marks.py`)."""

Versions = dict[str, int]
"""Scope -> version. A scope that is missing has never changed: 0. Topics are scopes by name."""


def feed(name: str) -> str:
    """The scope of a feed's documents."""
    return f"/feeds/{name}"


def _raising(connection: Connection) -> Statement:
    columns = content_version.c.scope, content_version.c.version
    values = {one.name: bindparam(one.name, type_=one.type) for one in columns}
    return (
        upsert(connection, content_version)
        .values(values)
        .on_conflict_do_update(
            index_elements=["scope"], set_={"version": content_version.c.version + 1}
        )
    )


_RAISE = Many(_raising)


def raise_(connection: Connection, scopes: Iterable[str]) -> None:
    """Something under these scopes has changed. Needs a write transaction.

    Scopes are raised in one order, and a transaction does so once, or PostgreSQL could see two of
    them wait for one another.
    """
    _RAISE(connection, [{"scope": scope, "version": 1} for scope in sorted(set(scopes))])


# Asked for by each plan and each page: to build it anew took longer than its answer.
_ONE = select(content_version.c.version).where(content_version.c.scope == bindparam("asked"))


def one(connection: Connection, scope: str) -> int:
    """The version of a scope."""
    return connection.scalar(_ONE, {"asked": scope}) or 0


def is_still(scope: str, version: int) -> ColumnElement[bool]:
    """The condition that a scope has this version, for a statement that others may overtake."""
    own = select(content_version.c.version).where(content_version.c.scope == scope)
    return func.coalesce(own.scalar_subquery(), 0) == version


_EVERY = select(content_version)


def every(connection: Connection) -> Versions:
    """All of them: a few for the site, two for each topic."""
    return {row.scope: row.version for row in connection.execute(_EVERY)}
