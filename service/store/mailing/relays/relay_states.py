"""How each relay fares, as the last message that it was offered showed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from service.model import DeliveryState
from service.store.core.statements import upsert_for
from service.store.mailing.deliveries import in_order
from service.store.tables import attempt, delivery, relay

NOT_TRIED = "not tried, for others at its domain were put off: "
"""How the answer of a mail begins which waits because its domain puts mail off."""

ABOUT_ITSELF = ("rcpt: ", "data: ", "body: ", NOT_TRIED)
"""How an answer begins that is about this recipient or this message (docs/decisions/001);
any other is about the relay."""

_STATUS = re.compile(r"(?:rcpt|data|body): \d{3} \d\.\d{1,3}\.\d{1,3}(?= )")
"""Stage, code and enhanced status (RFC 3463) of an answer."""


@dataclass(frozen=True, slots=True)
class RelayState:
    """`failing_since` None: it takes mail. `answer`: its last words, or why there were none.

    `next_try_at`: when it is probed next; None where it does not fail.
    """

    name: str
    failing_since: datetime | None
    answer: str
    answered_at: datetime
    next_try_at: datetime | None


def note_failure(
    connection: Connection, name: str, now: datetime, answer: str, next_try_at: datetime | None
) -> None:
    """It takes nothing from us, and said why. Since when is kept from its first failure on."""
    since = connection.scalar(select(relay.c.failing_since).where(relay.c.name == name))
    _write(
        connection,
        RelayState(name, since or now, answer, now, next_try_at),
    )


def note_success(connection: Connection, name: str, now: datetime, answer: str) -> None:
    """It has taken a message."""
    _write(connection, RelayState(name, None, answer, now, None))


def retry_now(
    connection: Connection, name: str, now: datetime, wait: Callable[[int], timedelta]
) -> int:
    """Make due what was put off because of this relay's failure. Returns how many are due now.

    For when it is known to take mail again, whatever it said to each of them while it failed. What
    was put off for a reason of its own keeps its hour; where the failure has moved it since, it
    gets back its hour and its reason. `wait`: the longest back-off after so many tries.
    """
    answer = connection.scalar(
        select(relay.c.answer).where(relay.c.name == name, relay.c.failing_since.is_not(None))
    )
    if answer is None:
        return 0
    waiting = and_(delivery.c.state == DeliveryState.DEFERRED.value, delivery.c.next_try_at > now)
    named = or_(
        delivery.c.reply.startswith(f"{name}: ", autoescape=True),
        delivery.c.reply.contains(f"; {name}: ", autoescape=True),
    )
    met = and_(attempt.c.relay == name, _failed(answer))
    own = and_(waiting, named, _about_itself(), not_(met))
    due = _give_back(connection, own, now, wait)
    because = and_(waiting, or_(_last_try(met), and_(not_(_last_try()), named)))
    changed = connection.execute(update(delivery).where(in_order(because)).values(next_try_at=now))
    return due + changed.rowcount


def _give_back(
    connection: Connection,
    own: ColumnElement[bool],
    now: datetime,
    wait: Callable[[int], timedelta],
) -> int:
    """What was put off after its last attempt stands again as that left it, if it was `own`.

    Returns how many are due by that.
    """
    later = attempt.alias("later")
    last = select(func.max(later.c.n)).where(later.c.delivery_id == delivery.c.id)
    rows = connection.execute(
        select(
            delivery.c.id, delivery.c.next_try_at, attempt.c.n, attempt.c.tried_at, attempt.c.answer
        )
        .select_from(delivery)
        .join(attempt, attempt.c.delivery_id == delivery.c.id)
        .where(
            own,
            attempt.c.n < delivery.c.tries,
            attempt.c.n == last.correlate(delivery).scalar_subquery(),
        )
        .order_by(delivery.c.id)
    )
    stand = [
        {
            "of": row.id,
            "hour": max(now, min(row.tried_at + wait(row.n - 1), row.next_try_at)),
            "said": row.answer,
            "n": row.n,
        }
        for row in rows
    ]
    if stand:
        connection.execute(
            update(delivery)
            .where(delivery.c.id == bindparam("of"))
            .values(next_try_at=bindparam("hour"), reply=bindparam("said"), tries=bindparam("n")),
            stand,
        )
    return sum(one["hour"] <= now for one in stand)


def states(connection: Connection, names: Sequence[str]) -> list[RelayState]:
    """States of the named relays, in their order; one that was never offered a mail is left out."""
    rows = connection.execute(select(relay).where(relay.c.name.in_(names)))
    found = {row.name: RelayState(**row._asdict()) for row in rows}
    return [found[name] for name in names if name in found]


def waiting(connection: Connection, now: datetime) -> int:
    """How many mails should have gone out by now, or would have but for a relay's failure.

    What was put off for its own recipient's or content's sake counts once its hour has come.
    """
    unsettled = (DeliveryState.PLANNED.value, DeliveryState.DEFERRED.value)
    failing = connection.execute(select(relay).where(relay.c.failing_since.is_not(None)))
    failed = [_last_try(attempt.c.relay == one.name, _failed(one.answer)) for one in failing]
    put_off = and_(
        delivery.c.state == DeliveryState.DEFERRED.value,
        or_(not_(_last_try(_about_itself())), *failed),
    )
    due = and_(delivery.c.state.in_(unsettled), delivery.c.next_try_at <= now)
    counted = select(func.count()).select_from(delivery).where(or_(put_off, due))
    return connection.scalar(counted) or 0


def _last_try(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether its last try was its own and met these conditions.

    Where all were put off together, that counts as a try of each and leaves no attempt.
    """
    return exists().where(
        attempt.c.delivery_id == delivery.c.id, attempt.c.n == delivery.c.tries, *conditions
    )


def _failed(answer: str) -> ColumnElement[bool]:
    """Whether an attempt met the relay's failure, whose last words are `answer`.

    Several readers in a row may have met it at their own addresses: then who was told the same
    status has met it too, in whatever words.
    """
    status = _STATUS.match(answer)
    alike = [attempt.c.answer.startswith(f"{status[0]} ", autoescape=True)] if status else []
    return or_(not_(_about_itself()), attempt.c.answer == answer, *alike)


def _about_itself() -> ColumnElement[bool]:
    return or_(*(attempt.c.answer.startswith(one, autoescape=True) for one in ABOUT_ITSELF))


def _write(connection: Connection, state: RelayState) -> None:
    connection.execute(_writing(connection.dialect.name), asdict(state))


@cache
def _writing(dialect: str) -> Insert:
    """Each run of mail notes that a relay takes some."""
    noted = upsert_for(dialect, relay)
    names = ("failing_since", "answer", "answered_at", "next_try_at")
    changed = {name: noted.excluded[name] for name in names}
    return noted.on_conflict_do_update(index_elements=["name"], set_=changed)
