"""Mails that show what is taken back: those on their way wait until they are made anew.

Their segment loses its parts and is marked; nothing can go out before a job has made another one
without the story (`newsletter/recalled/remaking.py`). A mail that a sender has in hand already has
the id of the old segment, and is stopped before its body (`mailing/claims.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from service.model import DeliveryState
from service.store.core.bulk import lots
from service.store.core.column_types import UtcDateTime
from service.store.core.kicks import Kick, kick
from service.store.core.statements import upsert
from service.store.mailing.deliveries import LEASE
from service.store.mailing.release import release
from service.store.tables import (
    correction,
    delivery,
    digest,
    edition,
    segment,
    stale_segment,
    subscription,
    told,
)

REMADE_WITHIN = timedelta(minutes=30)
"""A mail is put off by so much. One that was not made anew by then has no parts to be sent: it is
rejected, and what it was to tell is told by the next edition."""

_S = DeliveryState
_WAITING = tuple(one.value for one in (_S.PLANNED, _S.CLAIMED, _S.DEFERRED))
_OUT = tuple(one.value for one in (_S.SENDING, _S.ACCEPTED, _S.UNCERTAIN, _S.DROPPED))
_NEEDED = (*_WAITING, _S.SENDING.value, _S.UNCERTAIN.value)

PUT_OFF = "put off: it is made anew without what was taken back"
_BEFORE = f"{PUT_OFF}; it waited before: "
_IS_PUT_OFF = and_(
    delivery.c.state == _S.DEFERRED.value,
    func.coalesce(delivery.c.reply, "").startswith(PUT_OFF, autoescape=True),
)


@dataclass(frozen=True, slots=True)
class WithdrawnMails:
    """How many mails were stopped before they went, and how many readers had been told."""

    put_off: int
    told: int


@dataclass(frozen=True, slots=True)
class StaleSegment:
    """A segment to be made anew. `digest`: id in the TOML; both None: it is of no edition.

    `rule`: of one of its subscriptions, by which they have the same next cut.
    """

    id: int
    edition_id: int | None
    digest: str | None
    language: str
    stories: Mapping[str, Any]
    rule: str | None


def withdraw(
    connection: Connection,
    recall_id: int,
    articles: Iterable[int],
    now: datetime,
    alone_at: datetime,
) -> WithdrawnMails:
    """Stop the mails that show one of these, and note whom one has reached, or may have.

    `alone_at`: until when a correction waits for an edition. Call it before the ledger changes.
    """
    put_off, readers = 0, 0
    segments: set[int] = set()
    for some in lots(articles):
        shown = select(told.c.delivery_id).where(told.c.article_id.in_(some), told.c.shown)
        segments |= _locked(connection, shown, _NEEDED)
        ids = _put_off(connection, shown, now)
        put_off += len(ids)
        readers += _note(connection, recall_id, some, alone_at)
        for batch in lots(ids):
            connection.execute(
                delete(told).where(told.c.delivery_id.in_(batch), told.c.article_id.in_(some))
            )
    _mark(connection, segments)
    kick(connection, Kick.SUBSCRIPTIONS)
    return WithdrawnMails(put_off, readers)


def put_off_deferred(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Mails that were leaving at a recall and are to be tried again: not before they are made anew.

    Call it with their rows locked, after they were written as deferred.
    """
    for some in lots(ids):
        asked = {"of": some, "now": now, "until": now + REMADE_WITHIN}
        connection.execute(_PUT_OFF_DEFERRED, asked)


def drop_corrections(connection: Connection, recall_id: int, now: datetime) -> None:
    """It was given back: nobody is told any more, not by mails that wait either."""
    correct_anew(connection, recall_id, now)
    own = correction.c.recall_id == recall_id
    connection.execute(delete(correction).where(own, correction.c.delivery_id.is_(None)))


def correct_anew(connection: Connection, recall_id: int, now: datetime) -> int:
    """The mails on their way that tell of it are made anew. Returns how many."""
    carrying = select(correction.c.delivery_id).where(correction.c.recall_id == recall_id)
    segments = _locked(connection, carrying, _WAITING)
    stopped = _put_off(connection, carrying, now)
    _mark(connection, segments)
    kick(connection, Kick.SUBSCRIPTIONS)
    return len(stopped)


def outdated(connection: Connection, passed: Sequence[Any], made_of: Mapping[int, int]) -> set[int]:
    """Deliveries that are about to leave as they were before something was taken back.

    `passed`: `id` and `segment_id` of rows just marked as sending; `made_of`: delivery id -> the
    segment that its message was made of. These are planned again, to be made of the new one.
    """
    old = {row.id for row in passed if made_of.get(row.id, row.segment_id) != row.segment_id}
    if old:
        again = {"state": _S.PLANNED.value, "tries": delivery.c.tries - 1, **LEASE.given_back}
        connection.execute(update(delivery).where(delivery.c.id.in_(old)).values(again))
    return old


def stale(connection: Connection) -> list[StaleSegment]:
    """The segments to make anew, by edition."""
    rule = (
        select(func.min(subscription.c.rule))
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
        .where(delivery.c.segment_id == segment.c.id)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            segment.c.id,
            segment.c.edition_id,
            digest.c.name,
            segment.c.language,
            segment.c.stories,
            rule,
        )
        .join(stale_segment, stale_segment.c.segment_id == segment.c.id)
        .outerjoin(edition, edition.c.id == segment.c.edition_id)
        .outerjoin(digest, digest.c.id == edition.c.digest_id)
        .order_by(segment.c.edition_id, segment.c.id)
    )
    return [StaleSegment(*row) for row in rows]


def waits(connection: Connection, segment_id: int) -> bool:
    """Whether it is still to be made anew. Others wait for the answer of who asks.

    Its mails are locked with it: segments come after deliveries, for all who write both.
    """
    own = stale_segment.c.segment_id == segment_id
    if connection.scalar(select(own).where(own).with_for_update()) is None:
        return False
    mine = delivery.c.segment_id == segment_id, delivery.c.state.in_(_NEEDED)
    ids = select(delivery.c.id).where(*mine).order_by(delivery.c.id)
    connection.execute(ids.with_for_update()).all()
    return True


def made_anew(connection: Connection, old: int, new: int, now: datetime) -> int:
    """Its mails go out by the new one. Returns how many are planned again.

    Those that had to wait for another reason, by their back-off or longer, go on waiting.
    """
    mine = delivery.c.segment_id == old
    connection.execute(
        update(delivery)
        .where(mine, _IS_PUT_OFF, delivery.c.back_off_until > now)
        .values(
            segment_id=new,
            next_try_at=delivery.c.back_off_until,
            back_off_until=None,
            reply=func.substr(delivery.c.reply, len(_BEFORE) + 1),
        )
    )
    planned = connection.execute(
        update(delivery)
        .where(mine, _IS_PUT_OFF)
        .values(
            segment_id=new,
            state=_S.PLANNED.value,
            next_try_at=now,
            back_off_until=None,
            reply=None,
        )
    ).rowcount
    connection.execute(
        update(delivery).where(mine, delivery.c.state.in_(_NEEDED)).values(segment_id=new)
    )
    _forget(connection, old)
    kick(connection, Kick.MAIL)
    return planned


def given_up(connection: Connection, old: int, now: datetime) -> int:
    """Nothing is left to send: its mails are suppressed, and what they counted is released.

    An uncertain one is held, and one that was planned again is uncertain again: it is never sent
    again. What a mail was to correct besides waits for another one.
    """
    mine = delivery.c.segment_id == old
    waiting = and_(mine, delivery.c.state.in_((_S.DEFERRED.value, _S.PLANNED.value)))
    connection.execute(
        update(delivery)
        .where(waiting, delivery.c.resends > 0)
        .values(state=_S.UNCERTAIN.value, reply="recalled; it may have arrived before")
    )
    gone = connection.execute(
        update(delivery)
        .where(waiting)
        .values(state=_S.SUPPRESSED.value, settled_at=now, reply="what it was to tell is recalled")
        .returning(delivery.c.id)
    )
    ids = sorted(gone.scalars())
    connection.execute(
        update(delivery).where(mine, delivery.c.state == _S.UNCERTAIN.value).values(resend_at=None)
    )
    for some in lots(ids):
        release(connection, some)
        untold = update(correction).where(correction.c.delivery_id.in_(some))
        connection.execute(untold.values(delivery_id=None))
    _forget(connection, old)
    return len(ids)


def _locked(connection: Connection, deliveries: Select[Any], states: tuple[str, ...]) -> set[int]:
    """The segments of those in these states. Senders lock deliveries in this order, segments last.

    So do we: call `_mark` when no more deliveries are to be changed.
    """
    rows = (
        select(delivery.c.segment_id)
        .where(delivery.c.id.in_(deliveries), delivery.c.state.in_(states))
        .order_by(delivery.c.id)
    )
    return set(connection.scalars(rows.with_for_update()))


def _put_off(connection: Connection, deliveries: Select[Any], now: datetime) -> list[int]:
    """Those that wait are in nobody's hands until they are made anew. Returns which."""
    asked = {"now": now, "until": now + REMADE_WITHIN}
    return sorted(connection.execute(_putting_off(deliveries), asked).scalars())


def _putting_off(deliveries: Select[Any]) -> ReturningUpdate[int]:
    now, until = bindparam("now", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)
    deferred = delivery.c.state == _S.DEFERRED.value
    longer = and_(deferred, delivery.c.next_try_at > until, ~_IS_PUT_OFF)
    waits = and_(deferred, delivery.c.next_try_at > now)
    return (
        update(delivery)
        .where(delivery.c.id.in_(deliveries), delivery.c.state.in_(_WAITING))
        .values(
            state=_S.DEFERRED.value,
            next_try_at=case((longer, delivery.c.next_try_at), else_=until),
            reply=case(
                (or_(longer, _IS_PUT_OFF), delivery.c.reply),
                (waits, literal(_BEFORE).concat(func.coalesce(delivery.c.reply, ""))),
                else_=PUT_OFF,
            ),
            back_off_until=case(
                (longer, null()),
                (_IS_PUT_OFF, delivery.c.back_off_until),
                (waits, delivery.c.next_try_at),
                else_=null(),
            ),
            **LEASE.ended,
        )
        .returning(delivery.c.id)
    )


_PUT_OFF_DEFERRED = _putting_off(
    select(delivery.c.id).where(
        delivery.c.id.in_(bindparam("of", expanding=True)),
        exists().where(stale_segment.c.segment_id == delivery.c.segment_id),
    )
)
"""Made once: all that is to be tried again asks."""


def _mark(connection: Connection, segments: set[int]) -> None:
    for some in lots(sorted(segments)):
        connection.execute(
            upsert(connection, stale_segment).on_conflict_do_nothing(),
            [{"segment_id": one} for one in some],
        )
        lock = select(segment.c.id).where(segment.c.id.in_(some)).order_by(segment.c.id)
        connection.execute(lock.with_for_update()).all()
        connection.execute(update(segment).where(segment.c.id.in_(some)).values(parts=null()))


def _forget(connection: Connection, segment_id: int) -> None:
    own = stale_segment.c.segment_id == segment_id
    connection.execute(delete(stale_segment).where(own))


def _note(connection: Connection, recall_id: int, articles: list[int], alone_at: datetime) -> int:
    """Each reader whom a mail has told, once. Returns how many are new."""
    readers = (
        select(
            told.c.subscriber_id,
            literal(recall_id),
            func.min(delivery.c.subscription_id),
            literal(alone_at, UtcDateTime()),
        )
        .join(delivery, delivery.c.id == told.c.delivery_id)
        .where(told.c.article_id.in_(articles), told.c.shown, delivery.c.state.in_(_OUT))
        .group_by(told.c.subscriber_id)
        .order_by(told.c.subscriber_id)  # a new row locks its reader: in the order of a release
    )
    columns = ["subscriber_id", "recall_id", "subscription_id", "alone_at"]
    noted = select(func.count()).where(correction.c.recall_id == recall_id)
    before = connection.scalar(noted) or 0
    adding = upsert(connection, correction).from_select(columns, readers)
    connection.execute(adding.on_conflict_do_nothing())
    return (connection.scalar(noted) or 0) - before
