"""How a delivery's try ended, and what becomes of those whose owner died in the middle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)

from service.model import DeliveryState
from service.store.audience import merging, suppressions
from service.store.core.arrays import RowUpdate, listed
from service.store.core.column_types import UtcDateTime
from service.store.core.lease import FURTHEST
from service.store.mailing import resending
from service.store.mailing.deliveries import LEASE, in_order, of_digest
from service.store.mailing.release import forget_parts, forget_parts_in, release
from service.store.recalled.mails import put_off_deferred
from service.store.tables import attempt, delivery, subscriber, subscription

ADDRESS_REFUSED = "address_refused"
"""The reason of a suppression that a relay's 5.1.x wrote."""

BEHIND = timedelta(seconds=1)
"""Whoever met a refusal queues so far behind those who wait only because of it."""

PACED = "not tried yet: the rate of its domain (mail.rates) was used up"
"""The answer of a mail that waits because of that."""

_S = DeliveryState
_FROM = {
    # A late reply of its owner, whatever it says, ends the uncertainty.
    # A 250 counts even when it has been planned again, as long as nobody has it in hand.
    # It counts also where a fail-over has forgotten that its body left (docs/decisions/067).
    # One that bears its owner's name while it is put off is made anew (recalled.mails).
    _S.ACCEPTED: (_S.SENDING, _S.UNCERTAIN, _S.PLANNED, _S.CLAIMED, _S.DEFERRED),
    _S.DEFERRED: (_S.CLAIMED, _S.SENDING, _S.UNCERTAIN),
    _S.REJECTED: (_S.CLAIMED, _S.SENDING, _S.UNCERTAIN),
    _S.UNCERTAIN: (_S.SENDING, _S.CLAIMED),
}
_FINAL = frozenset({_S.ACCEPTED, _S.REJECTED})

_LAPSED = (
    select(delivery.c.id, delivery.c.message_id, attempt.c.relay)
    .outerjoin(
        attempt, and_(attempt.c.delivery_id == delivery.c.id, attempt.c.n == delivery.c.tries)
    )
    .where(
        delivery.c.state == _S.SENDING.value,
        LEASE.free(bindparam("now", type_=UtcDateTime), bindparam("furthest", type_=UtcDateTime)),
    )
    .order_by(delivery.c.id)
)


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """How one try ended.

    `answer` is the relay's own words, or ours where it said nothing. `next_try_at` belongs to
    `deferred`. `suppress`: never write to the address again. `untell`: release what it told.
    `held`: an uncertain one that is never planned again by itself.
    """

    delivery_id: int
    state: DeliveryState
    relay: str
    answer: str
    next_try_at: datetime | None = None
    suppress: bool = False
    untell: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A delivery that was being sent when its owner died. `relay` is whom it was handed to."""

    id: int
    message_id: str
    relay: str | None


def settle(
    connection: Connection,
    owner: str,
    now: datetime,
    outcomes: Sequence[DeliveryOutcome],
    *,
    again: bool = False,
    needed: Collection[int] = (),
    besides: Collection[int] = (),
) -> set[int]:
    """Record these outcomes where the row is still the owner's. Returns whose were recorded.

    `again`: what becomes uncertain will be planned again by itself (store.mailing.resending).
    `needed`: segments of other mails that are known to be unsettled. Their parts stay, without a
    look: it goes through all mails of a segment, of which there may be as many as readers.
    `besides`: deliveries that are changed next in the same unit of work, locked with these, in the
    one order in which all lock them.
    """
    segments: dict[int, int] = {}
    for some in _each_once(outcomes):
        segments |= _settle(connection, owner, now, some, besides, again=again)
    done = [one for one in outcomes if one.delivery_id in segments]
    release(connection, [one.delivery_id for one in done if one.untell])
    final = {segments[one.delivery_id] for one in done if one.state in _FINAL}
    forget_parts_in(connection, final - set(needed))
    return set(segments)


def lapsed(connection: Connection, now: datetime) -> list[Lapsed]:
    """Deliveries in `sending` whose owner's lease has run out."""
    rows = connection.execute(_LAPSED, {"now": now, "furthest": now + FURTHEST})
    return [Lapsed(row.id, row.message_id, row.relay) for row in rows]


def settle_lapsed(
    connection: Connection,
    ids: Iterable[int],
    now: datetime,
    state: DeliveryState,
    answer: str,
    *,
    again: bool = False,
) -> int:
    """Say what became of lapsed ones: uncertain, or, where it can be looked up, more than that.

    The owner's name stays on an uncertain one, so that its late 250 still finds it. `again`: it
    will be planned again by itself (store.mailing.resending).
    """
    values: dict[str, Any] = {"state": state.value, "reply": answer, **LEASE.ended}
    if state is _S.UNCERTAIN:
        values |= resending.becomes_uncertain(now, again=again)
    if state is _S.PLANNED:
        values |= LEASE.given_back
    if state in _FINAL:
        values["settled_at"] = now
    gone = connection.execute(
        update(delivery)
        .where(
            in_order(
                delivery.c.id.in_(list(ids)),
                delivery.c.state == _S.SENDING.value,
                LEASE.free(now),
            )
        )
        .values(**values)
        .returning(delivery.c.id)
    )
    found = sorted(gone.scalars())
    if state in _FINAL:
        forget_parts(connection, found)
    return len(found)


def postpone(
    connection: Connection,
    now: datetime,
    until: datetime,
    reason: str,
    digest_name: str | None = None,
) -> int:
    """No relay takes anything: put off all that waits in nobody's hands. Returns how many.

    It counts as a try of each, so that the back-off of all of them grows alike. What was put off
    before for a reason of its own goes behind the others: the next probe is another message.
    """
    own_reason = and_(delivery.c.state == _S.DEFERRED.value, delivery.c.next_try_at > now)
    waiting = or_(
        delivery.c.state == _S.PLANNED.value,
        and_(delivery.c.state == _S.DEFERRED.value, delivery.c.next_try_at < until),
        and_(delivery.c.state == _S.CLAIMED.value, LEASE.free(now)),
    )
    when = case(
        (own_reason, literal(until + BEHIND, UtcDateTime())), else_=literal(until, UtcDateTime())
    )
    put_off = connection.execute(
        update(delivery)
        .where(in_order(waiting, of_digest(digest_name)))
        .values(
            state=_S.DEFERRED.value,
            next_try_at=when,
            reply=reason,
            tries=delivery.c.tries + 1,
            **LEASE.given_back,
        )
    )
    return put_off.rowcount


def wait(connection: Connection, owner: str, until: Mapping[int, datetime]) -> None:
    """Delivery id -> when it goes again: its destination takes no more before. It is no try."""
    when = [(delivery.c.id == one, literal(at, UtcDateTime())) for one, at in until.items()]
    connection.execute(
        update(delivery)
        .where(in_order(LEASE.mine(owner, until), delivery.c.state == _S.CLAIMED.value))
        .values(
            state=_S.DEFERRED.value,
            next_try_at=case(*when, else_=delivery.c.next_try_at),
            reply=PACED,
            **LEASE.given_back,
        )
    )


def are_waiting(connection: Connection, digest_name: str) -> bool:
    """Whether mails of this digest wait for the rate of their domain."""
    paced = exists().where(
        delivery.c.state == _S.DEFERRED.value,
        delivery.c.reply == PACED,
        of_digest(digest_name),
    )
    return bool(connection.scalar(select(paced)))


def _each_once(outcomes: Sequence[DeliveryOutcome]) -> Iterator[list[DeliveryOutcome]]:
    """The same in their order, in rounds in which no delivery stands twice."""
    waiting = list(outcomes)
    while waiting:
        first: dict[int, DeliveryOutcome] = {}
        later = [one for one in waiting if first.setdefault(one.delivery_id, one) is not one]
        yield list(first.values())
        waiting = later


def _settle(
    connection: Connection,
    owner: str,
    now: datetime,
    outcomes: Sequence[DeliveryOutcome],
    besides: Collection[int],
    *,
    again: bool,
) -> dict[int, int]:
    """Each of another delivery. Statements of many rows: one a row took half of a sender's time.

    Returns delivery id -> segment id of those that were recorded.
    """
    ids = sorted({*besides, *(one.delivery_id for one in outcomes)})
    rows = connection.execute(_mine(connection.dialect.name), {"ids": ids, "teller": owner})
    found = {row.id: row for row in rows}
    mine = [
        (one, row)
        for one in outcomes
        if (row := found.get(one.delivery_id)) is not None and _S(row.state) in _FROM[one.state]
    ]
    tries = _note(connection, now, mine)
    for state, is_held in {(one.state, one.held) for one, _ in mine}:
        told = [one for one, _ in mine if (one.state, one.held) == (state, is_held)]
        if state is _S.ACCEPTED:
            taken = [(one.delivery_id, tries[one.delivery_id], one.answer) for one in told]
            _ACCEPTED(connection, taken, at=now)
            continue
        resent = resending.becomes_uncertain(now, again=again and not is_held)
        changed = _becomes(state, now, resent if state is _S.UNCERTAIN else {})
        later = {"later"} if state is _S.DEFERRED else set()
        connection.execute(
            changed,
            [
                {
                    "of": one.delivery_id,
                    "tried": tries[one.delivery_id],
                    "said": one.answer,
                    **dict.fromkeys(later, one.next_try_at),
                }
                for one in told
            ],
        )
        if state is _S.DEFERRED:
            put_off_deferred(connection, [one.delivery_id for one in told], now)
    dead = {row.subscription_id: one.answer for one, row in mine if one.suppress}
    if dead:
        _bar(connection, now, dead)
    return {one.delivery_id: row.segment_id for one, row in mine}


@cache
def _mine(dialect: str) -> Select[Any]:
    """Those of `ids` that bear the owner's name, locked in one order."""
    c = delivery.c
    teller = bindparam("teller", type_=LEASE.owner.type)
    return (
        select(c.id, c.state, c.tries, c.subscription_id, c.segment_id)
        .where(listed(c.id, "ids", dialect), LEASE.owner == teller)
        .order_by(c.id)
        .with_for_update()
    )


_ACCEPTED = RowUpdate(
    delivery,
    ["id"],
    ["tries", "reply"],
    {
        "state": _S.ACCEPTED.value,
        "settled_at": bindparam("at", type_=UtcDateTime),
        **LEASE.ended,
    },
)
"""What most come to, in one statement."""


def _becomes(state: DeliveryState, now: datetime, besides: dict[str, Any]) -> Update:
    """What is written of each delivery that comes to a state; `of`, `tried`, `said` and `later`."""
    values: dict[str, Any] = {
        "state": state.value,
        "tries": bindparam("tried", type_=Integer),
        "reply": bindparam("said", type_=Text),
        **LEASE.ended,
        "settled_at": now if state in _FINAL else None,
        **besides,
    }
    if state is _S.DEFERRED:
        values |= {**LEASE.given_back, "next_try_at": bindparam("later", type_=UtcDateTime)}
    return update(delivery).where(delivery.c.id == bindparam("of", type_=BigInteger)).values(values)


def _note(
    connection: Connection, now: datetime, outcomes: Sequence[tuple[DeliveryOutcome, Any]]
) -> dict[int, int]:
    """Write each answer to its attempt; one that never came to its body gets its row here.

    Returns delivery id -> how often it was tried.
    """
    tries: dict[int, int] = {}
    answered: list[tuple[int, int, str]] = []
    new: list[dict[str, Any]] = []
    for one, row in outcomes:
        begun = _S(row.state) is not _S.CLAIMED
        n = tries[one.delivery_id] = int(row.tries) + (not begun)
        if begun:
            answered.append((one.delivery_id, n, one.answer))
        else:
            told = {"delivery_id": one.delivery_id, "n": n, "tried_at": now}
            new.append({**told, "relay": one.relay, "answer": one.answer})
    _ANSWERED(connection, answered)
    if new:
        connection.execute(insert(attempt), new)
    return tries


_ANSWERED = RowUpdate(attempt, ["delivery_id", "n"], ["answer"], {})


def _bar(connection: Connection, now: datetime, answers: Mapping[int, str]) -> None:
    """Subscription id -> what its address was refused with. In one order, whoever writes them.

    Who has just changed the address is spared: the refused one may be the old one. If it is the new
    one, the next mail is refused as well.
    """
    rows = connection.execute(
        select(subscriber.c.address_key, subscription.c.id, subscription.c.subscriber_id)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .where(subscription.c.id.in_(list(answers)))
        .order_by(subscriber.c.address_key)
    ).all()
    people = {row.subscriber_id for row in rows}
    spared = merging.moved_since(connection, people, now - FURTHEST)
    for row in rows:
        if row.subscriber_id not in spared:
            suppressions.add(connection, row.address_key, ADDRESS_REFUSED, now, answers[row.id])
