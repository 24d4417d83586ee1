"""How a poll went, kept in the `source_poll` row: read, unchanged, failed.

Each only while the claim still stands: not when the lease had lapsed and another process took the
source, nor when the source was given another address meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Update,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from service.parse.result import ParseLevel
from service.store.core.bulk import Many, lots
from service.store.sources import list_state as lists_
from service.store.sources import poll_counts
from service.store.sources import poll_state as m
from service.store.sources.list_state import Lists
from service.store.sources.poll_state import PollState
from service.store.sources.polling_queue import LEASE, BodyFingerprint, ClaimedSource
from service.store.sources.publisher_holds import CLAIMED, NEXT, after_answer
from service.store.tables import source as s
from service.store.tables import source_poll as t


@dataclass(frozen=True, slots=True)
class SourceTitle:
    """An outlet's title and home page, as feeds and pages show them."""

    title: str
    home: str | None


_HELD = (
    select(s.c.id, LEASE.owner, s.c.url, s.c.title, s.c.home)
    .join(t, t.c.source_id == s.c.id)
    .where(s.c.id.in_(bindparam("claimed", expanding=True)))
    .order_by(s.c.id)
    .with_for_update(key_share=True)
)


def held(connection: Connection, claimed: Iterable[ClaimedSource]) -> dict[int, SourceTitle]:
    """Those whose claim stands and whose address is still the one that was fetched.

    Locks the rows on PostgreSQL until the transaction ends, so that what follows rests on them.
    """
    wanted = {one.id: one for one in claimed}
    found: dict[int, SourceTitle] = {}
    for batch in lots(sorted(wanted)):
        for row in connection.execute(_HELD, {"claimed": batch}):
            one = wanted[row.id]
            if (row.lease_owner, row.url) == (one.owner, one.url):
                found[row.id] = SourceTitle(row.title, row.home)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fine:
    """A source whose document was read, and whose entries are stored.

    `title` None: the TOML has one, keep it. `level`: how far down its document had to be taken.
    `lists`: what is to be remembered of it. `whole`: whether it counts as the first collection
    where there was none. `hubs`, `topic`: which would deliver its news, and what to ask them for.
    """

    source: ClaimedSource
    fingerprint: BodyFingerprint
    next_poll_at: datetime
    poll_state: PollState
    title: str | None
    home: str | None
    entries: int
    repairs: Sequence[str]
    level: ParseLevel
    lists: Lists
    beyond: int = 0
    whole: bool = True
    topic: str | None = None
    hubs: Sequence[str] = ()

    def renames(self, called: SourceTitle) -> bool:
        """Whether its document says another title or home page than the row does."""
        return (self.title or called.title, self.home or called.home) != (called.title, called.home)


def record_fine(connection: Connection, now: datetime, fine: Sequence[Fine]) -> frozenset[int]:
    """A few statements for all. Returns the ids of those that were not ours any more."""
    rows = [
        {
            **_answered(one, now),
            "entries_last": one.entries,
            "entries_beyond": one.beyond,
            "repairs": list(one.repairs),
            "hubs": list(one.hubs) or None,
            "hub_topic": one.topic,
            "collected_at": now if one.whole else None,
            **lists_.values(one.lists),
        }
        for one in fine
    ]
    lost = _lost(connection, fine, _FINE(connection, rows), now)
    kept = [one for one in fine if one.source.id not in lost]
    said = [
        {"row": one.source.id, "said_title": one.title or None, "said_home": one.home or None}
        for one in kept
    ]
    _CALLED(connection, said)
    poll_counts.add(connection, {one.source.id: one.level for one in kept})
    return lost


@dataclass(frozen=True, slots=True)
class Same:
    """A source that said the same as last time. `fingerprint`: its validators as they are now.

    `whole`: it sent its whole body once more; else it answered "not modified".
    """

    source: ClaimedSource
    fingerprint: BodyFingerprint
    whole: bool
    next_poll_at: datetime
    poll_state: PollState


def record_unchanged(
    connection: Connection, now: datetime, unchanged: Sequence[Same]
) -> frozenset[int]:
    """A few statements for all. Returns the ids of those that were not ours any more."""
    rows = [_answered(one, now) for one in unchanged]
    lost = _lost(connection, unchanged, _UNCHANGED(connection, rows), now)
    levels = {
        one.source.id: ParseLevel.BODY if one.whole else ParseLevel.NOT_MODIFIED
        for one in unchanged
        if one.source.id not in lost
    }
    poll_counts.add(connection, levels)
    return lost


def record_failure(
    connection: Connection,
    source: ClaimedSource,
    *,
    error: str,
    next_poll_at: datetime,
    poll_state: PollState,
    fingerprint: BodyFingerprint | None = None,
    quarantined_at: datetime | None = None,
    gone_at: datetime | None = None,
    drifting_at: datetime | None = None,
    dead_at: datetime | None = None,
    held_until: datetime | None = None,
) -> bool:
    """It could not be fetched, or its document could not be read.

    `fingerprint`: that document, so that it is not read again while it stays the same.
    `quarantined_at`: now, if it killed or hung its reader. `gone_at`: it will not be asked again
    by itself. `drifting_at`: now, if it used to give entries and gives none. `dead_at`: now, if
    its address gives no such document any more. `held_until`: until when the server asks to be
    left alone.
    """
    values: dict[str, object] = {
        "failures": t.c.failures + 1,
        "error": error,
        "gone_at": gone_at,
        **m.values(poll_state),
    }
    if drifting_at is not None:
        values["drifting_since"] = func.coalesce(t.c.drifting_since, drifting_at)
    if dead_at is not None:
        values["dead_since"] = func.coalesce(t.c.dead_since, dead_at)
    if fingerprint is not None:
        since = (
            None if quarantined_at is None else func.coalesce(t.c.quarantined_since, quarantined_at)
        )
        values |= {"document_error": error, "quarantined_since": since, **_known_by(fingerprint)}
    if held_until is not None:
        values |= {"held_until": held_until, "held_by_id": None}
    return _settle(connection, source, next_poll_at, values)


def _answered(one: Fine | Same, now: datetime) -> dict[str, Any]:
    return {
        "row": one.source.id,
        "owner": one.source.owner,
        "address": one.source.url,
        "last_ok_at": now,
        "next_poll_at": one.next_poll_at,
        "held": one.source.held_until,
        **_known_by(one.fingerprint),
        **m.values(one.poll_state),
    }


def _lost(
    connection: Connection, answered: Sequence[Fine | Same], done: int, now: datetime
) -> frozenset[int]:
    if done == len(answered):
        return frozenset()
    kept: set[int] = set()
    for ids in lots(one.source.id for one in answered):
        settled = t.c.source_id.in_(ids), LEASE.owner.is_(None), t.c.last_ok_at == now
        kept |= set(connection.execute(select(t.c.source_id).where(*settled)).scalars())
    return frozenset(one.source.id for one in answered) - kept


def _known_by(fingerprint: BodyFingerprint) -> dict[str, object]:
    return {
        "etag": fingerprint.etag,
        "last_modified": fingerprint.last_modified,
        "body_hash": fingerprint.body_hash,
        "read_as": fingerprint.read_as,
    }


def _settle(
    connection: Connection,
    source: ClaimedSource,
    next_poll_at: datetime,
    values: dict[str, object],
    *,
    held_until: datetime | None = None,
) -> bool:
    """`held_until`: the hold that this answer ends, None: it ends none."""
    then = after_answer(held_until, next_poll_at)
    done = connection.execute(
        update(t).where(_mine(source)).values({**then, **values, **LEASE.given_back})
    )
    return done.rowcount == 1


def _mine(source: ClaimedSource) -> ColumnElement[bool]:
    return LEASE.mine(source.owner, [source.id]) & _stands_at(source.url)


def _stands_at(url: str | BindParameter[str]) -> ColumnElement[bool]:
    """Whether the TOML still has the address that was fetched."""
    return exists().where(s.c.id == t.c.source_id, s.c.url == url)


def _bound(*names: str) -> dict[str, BindParameter[Any]]:
    return {name: bindparam(name, type_=t.c[name].type) for name in names}


def _answer(values: Mapping[str, Any]) -> Update:
    """What every good answer says of a source, and these."""
    return (
        update(t)
        .where(
            t.c.source_id == bindparam("row"),
            LEASE.owner == bindparam("owner"),
            _stands_at(bindparam("address")),
        )
        .values(
            failures=0,
            error=None,
            gone_at=None,
            dead_since=None,
            suggestions=None,
            **LEASE.given_back,
            **after_answer(CLAIMED, NEXT),
            **_bound("last_ok_at", "etag", "last_modified", "body_hash", "read_as"),
            **_bound(*(column.name for column in m.COLUMNS)),
            **values,
        )
    )


_UNCHANGED = Many(lambda _: _answer({"drifting_since": None}))

_FINE = Many(
    lambda _: _answer(
        {
            "document_error": None,
            "quarantined_since": None,
            "first_collected_at": func.coalesce(
                t.c.first_collected_at,
                bindparam("collected_at", type_=t.c.first_collected_at.type),
            ),
        }
        | _bound("entries_last", "entries_beyond", "repairs", "hubs", "hub_topic")
        | _bound(*(column.name for column in lists_.COLUMNS))
    )
)


def _called(_: Connection) -> Update:
    title = func.coalesce(bindparam("said_title", type_=s.c.title.type), s.c.title)
    home = func.coalesce(bindparam("said_home", type_=s.c.home.type), s.c.home)
    other = or_(s.c.title != title, s.c.home.is_distinct_from(home))
    return update(s).where(s.c.id == bindparam("row"), other).values(title=title, home=home)


_CALLED = Many(_called)
