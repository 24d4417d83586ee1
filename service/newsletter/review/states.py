"""When an edition under review goes, and what an editor's act makes of it. Pure.

    waiting ──hold──> held ──approve──> approved ──its hour──> gone
       │                └────release──> released ───at once──> gone
       └── its hour, where no word is required ──────────────> gone

Approved in a quiet time it goes when that ends; released it goes at once all the same. A hold may
come until it is gone. What waits beyond the next cut is overtaken: that edition reaches back to
what this one had to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.model import Cadence, ReviewAct, ReviewState
from service.newsletter.cadence import instant
from service.newsletter.rules import Schedule
from service.text.instants.quiet import end_of_quiet

SHORTEST = timedelta(minutes=5)
"""Less time than this is none to read a mail in."""

LONGEST: Mapping[str, timedelta] = {
    Cadence.DAILY: timedelta(hours=20),
    Cadence.WEEKLY: timedelta(days=6),
    Cadence.MONTHLY: timedelta(days=27),
    Cadence.QUARTERLY: timedelta(days=27),
    Cadence.HALF_YEARLY: timedelta(days=27),
}
"""An edition is frozen behind the one before it; a day may have 23 hours."""

_BECOMES = {
    ReviewAct.HOLD: ReviewState.HELD,
    ReviewAct.APPROVE: ReviewState.APPROVED,
    ReviewAct.RELEASE: ReviewState.RELEASED,
}

SETTLED = frozenset({ReviewState.GONE, ReviewState.OVERTAKEN})

_INSTANT = timedelta(microseconds=1)


def goes(
    state: ReviewState,
    cut_at: datetime,
    at: datetime,
    *,
    required: bool,
    let_go_at: datetime | None = None,
) -> bool:
    """Whether the edition goes now. `at`: now, or the time that was asked for by hand.

    `let_go_at`: what was approved does not go before (`waits_until`).
    """
    if state is ReviewState.WAITING:
        return at >= cut_at and not required
    if state is ReviewState.APPROVED:
        return at >= cut_at and (let_go_at is None or at >= let_go_at)
    return state in (ReviewState.RELEASED, ReviewState.GONE)


def after(state: ReviewState, act: ReviewAct) -> ReviewState:
    """How it stands after the act; one that changes stories or words alone leaves it so."""
    return state if state in SETTLED else _BECOMES.get(act, state)


def let_go_at(
    act: ReviewAct, cut_at: datetime, now: datetime, quiet_until: datetime | None = None
) -> datetime | None:
    """Since when it may go, by an act that changes the state; None: it may not.

    `quiet_until`: see there.
    """
    if act is ReviewAct.APPROVE:
        return max(now, cut_at, quiet_until or now)
    return now if act is ReviewAct.RELEASE else None


def quiet_until(own: Schedule, cut_at: datetime, at: datetime) -> datetime | None:
    """Until when an edition waits that is approved at `at`, in a quiet time; None: it is none.

    After a quiet day it waits for the hour of its cut: a mail at midnight would serve nobody.
    """
    quiet, silence = own.quiet_at(at), own.rule.quiet
    if quiet is None or silence is None:
        return None
    end, place = quiet[1], ZoneInfo(own.zone)
    if (end - _INSTANT).astimezone(place).weekday() not in silence.weekdays:
        return end
    hour = cut_at.astimezone(place).time()
    its_hour = instant(datetime.combine(end.astimezone(place).date(), hour), place)
    return max(end, end_of_quiet(silence, place, its_hour))


def waits_until(
    own: Schedule, cut_at: datetime, let_go_at: datetime | None, now: datetime
) -> datetime | None:
    """Until when an approved edition waits; None: for nothing but its hour.

    `let_go_at` alone does not tell: the clock that it came from may have been wrong, and the quiet
    time may have been taken out since.
    """
    if let_go_at is None or let_go_at <= now:
        return None
    today = now.astimezone(ZoneInfo(own.zone)).date()
    midnight = instant(datetime.combine(today, time()), ZoneInfo(own.zone))
    for at in (now, midnight - _INSTANT):  # a quiet day's mail waits in the morning behind it
        until = quiet_until(own, cut_at, at)
        if until is not None and until > now:
            return min(until, let_go_at)
    return None


def reordered(
    groups: Sequence[Sequence[int]], rest: Sequence[int], act: ReviewAct, story: int
) -> list[int] | None:
    """All stories in their new order; None: the act moves nothing.

    `groups`: those that the mail shows, topic by topic, the lead story first of all; `rest`: the
    others. PIN makes a story the lead, UP and DOWN let it change places within its topic.
    """
    order = [*(one for group in groups for one in group), *rest]
    if act is ReviewAct.PIN:
        if story not in order or order[0] == story:
            return None
        return [story, *(one for one in order if one != story)]
    step = {ReviewAct.UP: -1, ReviewAct.DOWN: 1}.get(act)
    group = next((one for one in groups if story in one), None)
    if step is None or group is None:
        return None
    other = group.index(story) + step
    if not 0 <= other < len(group):
        return None
    here, there = order.index(story), order.index(group[other])
    order[here], order[there] = order[there], order[here]
    return order
