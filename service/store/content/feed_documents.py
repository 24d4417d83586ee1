"""The published feeds as they are served: bytes, their twin in gzip, and what tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Insert, and_, bindparam, delete, func, select

from service.store.content import versions
from service.store.core.bulk import lots
from service.store.core.statements import upsert_for
from service.store.tables import document

_LOCK = 0x7075626C697368  # "publish": the advisory lock of who keeps documents on PostgreSQL


_IS = and_(document.c.feed == bindparam("of"), document.c.format == bindparam("in"))
_DOCUMENT = select(document).where(_IS)
_ETAG = select(document.c.etag).where(_IS)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One feed in one format. `etag` is the hash of the body, without quotes.

    `changed_at` is when its bytes last changed: the Last-Modified to serve.
    """

    feed: str
    format: str
    body: bytes
    gzip: bytes
    etag: str
    changed_at: datetime


def get(connection: Connection, feed: str, format_: str) -> StoredDocument | None:
    """The document, None if it was never built. `format_`: atom, rss, json."""
    row = connection.execute(_DOCUMENT, {"of": feed, "in": format_}).one_or_none()
    if row is None:
        return None
    return StoredDocument(row.feed, row.format, row.body, row.gzip, row.etag, row.changed_at)


def every(connection: Connection) -> Iterator[tuple[str, str]]:
    """Feed and format of every document, those of retired topics too."""
    rows = connection.execute(select(document.c.feed, document.c.format).order_by(document.c.feed))
    return ((row.feed, row.format) for row in rows)


def bases(connection: Connection) -> dict[tuple[str, str], bytes]:
    """(feed, format) -> hash of the settings that the document was built from."""
    rows = connection.execute(select(document.c.feed, document.c.format, document.c.basis))
    return {(row.feed, row.format): row.basis for row in rows}


def etags(connection: Connection, feed: str) -> dict[str, str]:
    """Format -> ETag of the documents of a feed, as they are now."""
    rows = select(document.c.format, document.c.etag).where(document.c.feed == feed)
    return {row.format: row.etag for row in connection.execute(rows)}


def hold_off(connection: Connection, feed: str) -> dict[str, str]:
    """The same; nobody keeps other documents until this transaction ends.

    Who built a feed of rows that were read before compares it with what it was then. Only in a
    transaction that writes.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    return etags(connection, feed)


def put(
    connection: Connection,
    feed: str,
    format_: str,
    body: bytes,
    *,
    gzip: bytes,
    etag: str,
    basis: bytes,
    now: datetime,
) -> bool:
    """Keep a document. True if its bytes changed; else its `changed_at` stays."""
    known = connection.scalar(_ETAG, {"of": feed, "in": format_})
    if known != etag:
        versions.raise_(connection, [versions.feed(feed)])
    row = {
        "feed": feed, "format": format_, "body": body, "gzip": gzip, "etag": etag, "basis": basis,
        "changed_at": now,
    }  # fmt: skip
    connection.execute(_keeping(connection.dialect.name, changed=known != etag), row)
    return known != etag


@cache
def _keeping(dialect: str, *, changed: bool) -> Insert:
    statement = upsert_for(dialect, document)
    names = ["basis", *(("body", "gzip", "etag", "changed_at") if changed else ())]
    changes = {name: statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=["feed", "format"], set_=changes)


def forget(connection: Connection, feeds: Iterable[str]) -> None:
    """Delete the documents of these feeds, in all formats."""
    for some in lots(sorted(feeds)):
        connection.execute(delete(document).where(document.c.feed.in_(some)))
        versions.raise_(connection, [versions.feed(one) for one in some])
