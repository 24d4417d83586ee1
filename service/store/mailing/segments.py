"""Segments: those who get the same stories in the same language from one edition.

Their mail is rendered once and kept, compressed, until the last of their deliveries is final.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Insert,
    LargeBinary,
    Select,
    any_,
    bindparam,
    insert,
    select,
)

from service.store.core.bulk import Many
from service.store.core.column_types import Written
from service.store.core.statements import upsert, upsert_for
from service.store.tables import delivery, segment


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is written. `stories` is its layout as JSON, `parts` are packed.

    `hash` names layout, language and templates; `edition_id` None: a transactional mail with its
    own segment.
    """

    edition_id: int | None
    hash: bytes
    language: str
    stories: Mapping[str, Any]
    parts: bytes


def put(connection: Connection, one: Segment) -> int:
    """The id of the segment with this key. Its parts are there when this returns.

    They may have been dropped since another mail of it was sent, so they are written each time;
    that locks the row until the deliveries that need them are in.
    """
    values = {
        "edition_id": one.edition_id,
        "hash": one.hash,
        "language": one.language,
        "stories": dict(one.stories),
        "parts": one.parts,
    }
    if one.edition_id is None:
        key = connection.execute(insert(segment).values(values)).inserted_primary_key
        assert key is not None
        return int(key[0])
    return int(connection.execute(_putting(connection.dialect.name), values).scalar_one())


def _put_each(connection: Connection) -> Insert:
    names = ("edition_id", "hash", "language", "stories", "parts")
    row = upsert(connection, segment).values(
        {name: bindparam(name, type_=segment.c[name].type) for name in names}
    )
    return row.on_conflict_do_update(
        index_elements=["edition_id", "hash"], set_={"parts": row.excluded.parts}
    )


_PUT = Many(_put_each)


@cache
def _putting(dialect: str) -> Executable:
    """Made once: an edition has thousands of segments, and this took as long as to render one."""
    row = upsert_for(dialect, segment)
    return row.on_conflict_do_update(
        index_elements=["edition_id", "hash"], set_={"parts": row.excluded.parts}
    ).returning(segment.c.id)


def put_all(connection: Connection, new: Sequence[Segment]) -> None:
    """The same for many of editions; `find` gives their ids."""
    _PUT(
        connection,
        [
            {
                "edition_id": one.edition_id,
                "hash": one.hash,
                "language": one.language,
                "stories": one.stories,
                "parts": one.parts,
            }
            for one in sorted(new, key=lambda one: one.hash)
        ],
    )


def find(connection: Connection, edition_id: int, hashes: Iterable[bytes]) -> dict[bytes, int]:
    """Hash -> id of those segments that have their parts still; the others must be `put`.

    Locked until the end of the unit of work, as by `put`.
    """
    found = _FIND if connection.dialect.name == "sqlite" else _FIND_ANY
    rows = connection.execute(found, {"its_edition": edition_id, "hashes": list(hashes)})
    return {row.hash: row.id for row in rows}


def _finding(hashes: ColumnElement[bool]) -> Select[tuple[int, bytes]]:
    return (
        select(segment.c.id, segment.c.hash)
        .where(
            segment.c.edition_id == bindparam("its_edition", type_=segment.c.edition_id.type),
            hashes,
            segment.c.parts.is_not(None),
        )
        .order_by(segment.c.id)
        .with_for_update()
    )


_FIND = _finding(segment.c.hash.in_(bindparam("hashes", expanding=True)))
_FIND_ANY = _finding(segment.c.hash == any_(bindparam("hashes", type_=Written(LargeBinary()))))


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """What was planned for one subscription from one edition: enough to make it again."""

    delivery_id: int
    message_id: str
    dated_at: datetime
    language: str
    hash: bytes
    stories: Mapping[str, Any]
    parts: bytes | None


def of_delivery(
    connection: Connection, subscription_id: int, edition_id: int
) -> PlannedSegment | None:
    """The delivery of an edition to a subscription, with its segment. None: there is none."""
    row = connection.execute(
        select(
            delivery.c.id,
            delivery.c.message_id,
            delivery.c.dated_at,
            segment.c.language,
            segment.c.hash,
            segment.c.stories,
            segment.c.parts,
        )
        .join(segment, segment.c.id == delivery.c.segment_id)
        .where(delivery.c.subscription_id == subscription_id, delivery.c.edition_id == edition_id)
    ).one_or_none()
    return None if row is None else PlannedSegment(*row)
