"""The windows of subscriptions: what is due, how far each has been told, moving that on.

A window belongs to a subscription, not to a digest: whoever changes hour, zone or cadence goes on
from where they were (docs/decisions/018). Write inside `store.ledger()`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)

from service.model import OPEN_STATES, DeliveryKind
from service.store.audience.cut_times import PEOPLE, READING
from service.store.core.arrays import RowUpdate, each_by_itself, rows_of
from service.store.core.bulk import among_given
from service.store.mailing import deliveries
from service.store.tables import delivery, digest, subscriber, subscription, suppression

_OTHER = subscription.alias("other")
_BARRED = exists().where(suppression.c.address_key == subscriber.c.address_key)

_WINDOW = (
    subscription.c.id,
    subscription.c.subscriber_id,
    subscription.c.digest_id,
    subscriber.c.language,
    subscription.c.rule,
    # As text, which many have in common: to read it took longer than all else of a row.
    cast(subscription.c.topics, Text).label("topics"),
    subscription.c.starts_at,
    subscription.c.covered_to,
    subscription.c.next_cut_at,
    subscription.c.paused_until,
    or_(_BARRED, subscriber.c.address.is_(None)).label("barred"),
)
_WINDOWS = (
    select(*_WINDOW)
    .select_from(PEOPLE)
    .where(READING, subscription.c.rule.is_not(None), subscription.c.next_cut_at.is_not(None))
)
_ON_SQLITE = _WINDOWS.where(among_given(subscription.c.id, "ids", "sqlite")).order_by(
    subscription.c.id
)
# Each plan asks for each digest, due or not: to build these took longer than their answers.
_DUE = and_(
    subscription.c.digest_id == bindparam("of"),
    READING,
    subscription.c.rule.is_not(None),
    subscription.c.next_cut_at <= bindparam("due_by"),
)
_BY_RULE = subscription.c.rule.in_(bindparam("its_rules", expanding=True))
_DUE_RULES = select(subscription.c.rule).where(_DUE).distinct().order_by("rule")
_DUE_IDS = (
    select(subscription.c.id)
    .where(_DUE, _BY_RULE, subscription.c.id > bindparam("behind"))
    .order_by(subscription.c.id)
    .limit(bindparam("most"))
)


def _of_scope() -> ColumnElement[bool]:
    """The other is of the same person and scope, or the same one: a release reaches back in all."""
    own = select(digest.c.scope).where(digest.c.id == bindparam("of")).scalar_subquery()
    return and_(
        _OTHER.c.subscriber_id == subscription.c.subscriber_id,
        _OTHER.c.digest_id.in_(select(digest.c.id).where(digest.c.scope == own)),
    )


def _is_open(of: FromClause = subscription) -> ColumnElement[bool]:
    """An edition or a welcome still on its way (the same as `deliveries.open_among`)."""
    return and_(
        delivery.c.subscription_id == of.c.id,
        delivery.c.kind.in_([DeliveryKind.EDITION.value, DeliveryKind.WELCOME.value]),
        delivery.c.state.in_(sorted(state.value for state in OPEN_STATES)),
    )


def _reach(*, waits: bool) -> Select[datetime]:
    begins = subscription.c.starts_at
    reached = case(
        (subscription.c.covered_to > begins, subscription.c.covered_to),
        else_=begins,
    )
    until = subscription.c.paused_until
    paused = and_(until.is_not(None), until > bindparam("cut"))
    people: FromClause = PEOPLE
    if waits:
        people = PEOPLE.join(_OTHER, _of_scope()).outerjoin(delivery, _is_open(_OTHER))
        back = case((delivery.c.covers_from < reached, delivery.c.covers_from), else_=reached)
        reached = case((back > begins, back), else_=begins)
    return (
        select(func.min(reached, type_=begins.type))
        .select_from(people)
        .where(_DUE, _BY_RULE, ~paused, ~_BARRED, true() if waits else ~exists().where(_is_open()))
    )


_REACH = {waits: _reach(waits=waits) for waits in (False, True)}
_MOVE = RowUpdate(subscription, ["id"], ["starts_at", "covered_to", "next_cut_at"], {})


@dataclass(frozen=True, slots=True)
class Window:
    """A subscription as planning sees it.

    `reached` is how far it has been told: max(starts_at, covered_to). `topics` None: the digest's
    own. `barred`: its address is suppressed or forgotten. `open`: an earlier mail is still on its
    way. `served`: it has a mail of this edition already.
    """

    id: int
    subscriber_id: int
    digest_id: int
    language: str | None
    rule: str
    topics: tuple[str, ...] | None
    starts_at: datetime
    covered_to: datetime
    next_cut_at: datetime
    paused_until: datetime | None
    barred: bool = False
    open: bool = False
    served: bool = False

    @property
    def reached(self) -> datetime:
        return max(self.starts_at, self.covered_to)


@dataclass(frozen=True, slots=True)
class WindowMove:
    """Where a window stands after a cut."""

    id: int
    starts_at: datetime
    covered_to: datetime
    next_cut_at: datetime


def due_rules(connection: Connection, digest_id: int, at: datetime) -> list[str]:
    """The rules of those whose cut has come."""
    rows = connection.execute(_DUE_RULES, {"of": digest_id, "due_by": at})
    return [row.rule for row in rows]


def reach(
    connection: Connection,
    digest_id: int,
    rules: Iterable[str],
    at: datetime,
    cut_at: datetime,
    *,
    waits: bool = False,
) -> datetime | None:
    """How far back an edition must go for those due: their least `reached`. None: nobody is.

    Left out are those whom this edition will not be sent to: paused, suppressed, or with a mail
    still on its way. `waits`: it goes later, when such a mail, or one of another digest of its
    scope, may have come to nothing, and must reach back to what that told.
    """
    asked = {"of": digest_id, "due_by": at, "its_rules": list(rules), "cut": cut_at}
    found: datetime | None = connection.execute(_REACH[waits], asked).scalar()
    return found


def due(
    connection: Connection,
    digest_id: int,
    rules: Iterable[str],
    at: datetime,
    *,
    after: int,
    limit: int,
) -> list[int]:
    """The next `limit` subscriptions due, by id, behind the one with the id `after`."""
    asked = {"of": digest_id, "due_by": at, "its_rules": list(rules), "behind": after}
    return list(connection.execute(_DUE_IDS, {**asked, "most": limit}).scalars())


def load(
    connection: Connection, ids: Sequence[int], edition_id: int, *, lock: bool = False
) -> list[Window]:
    """The windows with these ids that somebody reads and that wait for a cut, by id.

    `lock`: their subscribers are locked first, so that two plans, or a plan and a release, of one
    person follow each other (SQLite has one writer anyway).
    """
    if connection.dialect.name != "sqlite":
        if lock:
            _lock_people(connection, ids)
        asked = rows_of(ids)
        windows = _WINDOWS.where(subscription.c.id == asked.c.id)
        found = windows.offset(literal_column("0")).lateral("found")
        windows = select(*found.c).select_from(asked.join(found, true())).order_by(found.c.id)
        rows = connection.execute(windows).all()
    else:
        rows = connection.execute(_ON_SQLITE, {"ids": list(ids)}).all()
    waiting, served = deliveries.open_and_served(connection, ids, edition_id)
    return [_window(row, waiting, served) for row in rows]


def _lock_people(connection: Connection, ids: Sequence[int]) -> None:
    """Those who have these subscriptions, by their own ids."""
    asked = rows_of(ids)
    theirs = select(subscription.c.subscriber_id).where(subscription.c.id == asked.c.id)
    people = (
        select(column("subscriber_id"))
        .select_from(each_by_itself(asked, theirs))
        .order_by("subscriber_id")
        .subquery("people")
    )
    locked = select(subscriber.c.id).where(subscriber.c.id == people.c.subscriber_id)
    each = each_by_itself(people, locked.with_for_update(), "locked")
    connection.execute(select(literal_column("locked.id")).select_from(each)).all()


def move(connection: Connection, moves: Sequence[WindowMove]) -> None:
    """Write where these windows stand now."""
    _MOVE(connection, [(one.id, one.starts_at, one.covered_to, one.next_cut_at) for one in moves])


def first_reader_since(connection: Connection, digest_id: int) -> datetime | None:
    """Since when anybody has read this digest; None: nobody ever has.

    By where windows begin, which a pause moves on: then a welcome tells a little less.
    """
    return connection.execute(
        select(func.min(subscription.c.starts_at)).where(subscription.c.digest_id == digest_id)
    ).scalar()


def welcomes_due(connection: Connection) -> list[tuple[int, str]]:
    """(Subscription, digest) that a welcome has not been decided for, in the order of sign-up."""
    rows = connection.execute(
        select(subscription.c.id, digest.c.name)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .where(subscription.c.welcome_due.is_(True), READING)
        .order_by(subscription.c.id)
    )
    return [(row.id, row.name) for row in rows]


def welcomed(connection: Connection, subscription_id: int) -> bool:
    """Take the mark off. False: somebody else has done it meanwhile."""
    done = connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id, subscription.c.welcome_due.is_(True))
        .values(welcome_due=False)
    )
    return done.rowcount > 0


def _window(row: Row[Any], waiting: set[int], served: set[int]) -> Window:
    one, person, digest_id, language, rule, topics, starts_at, covered_to, cut, paused, barred = (
        tuple(row)
    )
    return Window(
        id=one,
        subscriber_id=person,
        digest_id=digest_id,
        language=language,
        rule=rule,
        topics=_topics(topics),
        starts_at=starts_at,
        covered_to=covered_to or starts_at,
        next_cut_at=cut,
        paused_until=paused,
        barred=bool(barred),
        open=one in waiting,
        served=one in served,
    )


@lru_cache(maxsize=20_000)
def _topics(kept: str | None) -> tuple[str, ...] | None:
    """Who chose five of twenty has one of 15,504 lists."""
    read = None if kept is None else json.loads(kept)
    return None if read is None else tuple(read)
