"""What is known of sources before they are tried by hand, so that nobody is asked needlessly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.store.tables import source as s
from service.store.tables import source_poll as t


@dataclass(frozen=True, slots=True)
class Remembered:
    """The document that a source had last, and until when its publisher wants it left alone.

    `url`: as the TOML had it; `address`: where it was fetched. `etag`, `last_modified`, `read_as`
    are as in `polling_queue.BodyFingerprint`, None where that document could not be read.
    `entries`: how many were in it. `gone_at`: since when its server says that it is gone for good.
    `quarantined`: the document killed or hung its reader. `paused_*`: as in `pauses.is_resting`.
    """

    id: int
    url: str
    address: str
    etag: bytes | None
    last_modified: bytes | None
    read_as: bytes | None
    last_ok_at: datetime | None
    entries: int
    held_until: datetime | None
    gone_at: datetime | None = None
    quarantined: bool = False
    paused_since: datetime | None = None
    paused_until: datetime | None = None


def remembered(connection: Connection) -> dict[str, Remembered]:
    """The state of every source that is not retired, by its id in the TOML."""
    both = select(s, t).join(t, t.c.source_id == s.c.id)
    rows = connection.execute(both.where(s.c.retired_at.is_(None)))
    return {row.name: _of(row) for row in rows}


def titles(connection: Connection) -> dict[str, str]:
    """What each source that is not retired calls itself, by its id; "" where it never said."""
    rows = connection.execute(select(s.c.name, s.c.title).where(s.c.retired_at.is_(None)))
    return {row.name: row.title or "" for row in rows}


def _of(row: Any) -> Remembered:
    readable = row.document_error is None
    return Remembered(
        row.id,
        row.url,
        row.moved_url or row.url,
        row.etag if readable else None,
        row.last_modified if readable else None,
        row.read_as if readable else None,
        row.last_ok_at,
        row.entries_last or 0,
        row.held_until,
        row.gone_at,
        row.quarantined_since is not None,
        row.paused_since,
        row.paused_until,
    )
