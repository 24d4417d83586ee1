"""Another chance for sources: what was held against them is forgotten, and they are due at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from service.store.core.bulk import lots
from service.store.sources.pauses import awake
from service.store.sources.publisher_holds import NOT_HELD
from service.store.tables import source as s
from service.store.tables import source_poll as t
from service.store.tables import unread_page, websub

_FORGOTTEN: dict[str, object] = {
    "failures": 0,
    "error": None,
    "document_error": None,
    "quarantined_since": None,
    "gone_at": None,
    **NOT_HELD,
    "drifting_since": None,
    "list_path": None,  # what stands there now is taken
    "dead_since": None,
    "searched_at": None,
    "suggestions": None,
    "read_as": None,  # so that its document is fetched whole and read again
}


def failing(connection: Connection, now: datetime) -> list[str]:
    """The ids in the TOML of what fails, is gone or quarantined, and is not paused, by name.

    Not those whose publisher asked for time: to ask sooner one must name them.
    """
    troubled = or_(t.c.failures > 0, t.c.quarantined_since.is_not(None))
    free = or_(t.c.held_until.is_(None), t.c.held_until <= now)
    names = select(s.c.name).join(t, t.c.source_id == s.c.id)
    statement = names.where(s.c.retired_at.is_(None), awake(now), troubled, free)
    return list(connection.execute(statement.order_by(s.c.name)).scalars())


def retry(connection: Connection, names: Iterable[str], now: datetime) -> None:
    """Forget their failures and make them due. A claim that stands is left to its owner.

    A hub that refused, or could not be asked, is asked again as well.
    """
    for some in lots(names):
        these = s.c.name.in_(some), s.c.retired_at.is_(None)
        ids = select(s.c.id).where(*these)
        again = update(t).where(t.c.source_id.in_(ids))
        connection.execute(again.values(next_poll_at=now, **_FORGOTTEN))
        connection.execute(
            update(websub)
            .where(
                websub.c.source_id.in_(ids),
                websub.c.alive_since.is_(None),
                websub.c.leaving_since.is_(None),
            )
            .values(next_try_at=now, failures=0, refused_at=None)
        )
        connection.execute(
            update(unread_page).where(unread_page.c.source_id.in_(ids)).values(next_try_at=now)
        )
