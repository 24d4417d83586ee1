"""Sources that their publisher has asked us to leave alone: until when, and in which answer.

`held_until` and `held_by_id` of `source_poll`. A hold comes with a source's own answer
(Retry-After, 429) or from a neighbour's of the same site. It ends with its hour, or when the source
answers well all the same; but one that came while the source was being asked outlives that answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, null, select, update

from service.store.core.bulk import lots
from service.store.core.column_types import UtcDateTime
from service.store.tables import source as s
from service.store.tables import source_poll as t

NOT_HELD: dict[str, Any] = {"held_until": None, "held_by_id": None}
"""What a source knows of holds at an address that is new to it."""


def put_off(
    connection: Connection,
    names: Iterable[str],
    by: str,
    until: datetime,
    when: Callable[[datetime], datetime],
) -> int:
    """Ask these sources, where they are due before `until`, at `when(due at)`. Returns how many.

    `by`: the id in the TOML of the source whose server said so.
    """
    rows: list[dict[str, object]] = []
    for some in lots(names):
        both = select(s.c.id, t.c.next_poll_at).join(t, t.c.source_id == s.c.id)
        due = both.where(s.c.name.in_(some), t.c.next_poll_at < until)
        rows += [{"row": row.id, "at": when(row.next_poll_at)} for row in connection.execute(due)]
    if rows:
        told = select(s.c.id).where(s.c.name == by).scalar_subquery()
        held = {"next_poll_at": bindparam("at"), "held_until": bindparam("at"), "held_by_id": told}
        connection.execute(update(t).where(t.c.source_id == bindparam("row")).values(held), rows)
    return len(rows)


def after_answer(ended: object, next_poll_at: object) -> dict[str, Any]:
    """Values for the record of an answer: the hold that it ends is over, another one stands.

    `ended`: `held_until` as it was when the source was claimed, None where the answer ends none.
    Both may be bound parameters.
    """
    since = and_(t.c.held_until.is_not(None), t.c.held_until.is_distinct_from(ended))
    later = and_(since, t.c.held_until > next_poll_at)
    return {
        "next_poll_at": case((later, t.c.held_until), else_=next_poll_at),
        "held_until": case((since, t.c.held_until), else_=null()),
        "held_by_id": case((since, t.c.held_by_id), else_=null()),
    }


CLAIMED = bindparam("held", type_=UtcDateTime)
NEXT = bindparam("next_poll_at", type_=UtcDateTime)
"""The same for statements with many rows."""
