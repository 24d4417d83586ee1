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
from datetime import datetime, timedelta

from service.model import Cadence, ReviewAct, ReviewState

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


def goes(
    state: ReviewState,
    cut_at: datetime,
    at: datetime,
    *,
    required: bool,
    let_go_at: datetime | None = None,
) -> bool:
    """Whether the edition goes now. `at`: now, or the time that was asked for by hand.

    `let_go_at`: see there; what was approved does not go before.
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

    `quiet_until`: it is a quiet time of the digest until then.
    """
    if act is ReviewAct.APPROVE:
        return max(now, cut_at, quiet_until or now)
    return now if act is ReviewAct.RELEASE else None


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
