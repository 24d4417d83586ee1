"""When a source is asked again: pure, with randomness as an argument.

After an answer: by the source's own rhythm, between the floor and the ceiling, longer while it is
silent for longer than usual. After a failure: longer each time, never for ever. What a server or a
document asks for (max-age, ttl, skipHours, Retry-After) is never undercut.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.collect.schedule.publish_rate import PublishRate
from service.parse.feed import publisher_hints

GROWTH = 1.25
"""Of the interval after each answer without news, once the silence is longer than usual."""

SPREAD = 0.1
"""How far chance stretches a wait, so that sources that once met do not meet for ever."""

FIRST_SPREAD = 1.0
"""The same after the first answer: sources that were added together part at once."""

FAILURE_SPREAD = 0.3
"""The same after a failure: those who failed together come back apart."""

HOUR_S = 3600.0
"""The public rule for feed readers: not more often, unless more often is asked for or has a use."""

HINTS_S = 86400.0
"""How long a hint to rest is honoured beyond the ceiling: a max-age of a year is a slip."""

PLEAS_S = 2 * 86400.0
"""The same of a 429, whose max-age is a plea for rest: 48 hours of it are met in the wild."""

LONGEST_RETRY = timedelta(days=28)
"""A Retry-After beyond this is a slip of a keyboard, not a request."""

LONGEST_HOLD = timedelta(days=7)
"""The same for the other sources of the site, which were not asked themselves."""


def longest_wait(ceiling: timedelta) -> timedelta:
    """How far ahead a source's next poll can ever lie; `ceiling`: its `interval.max`."""
    asked_for = (ceiling + timedelta(seconds=PLEAS_S)) * (1 + FAILURE_SPREAD)
    return max(asked_for, LONGEST_RETRY) + timedelta(days=8)  # skipDays leaves out a week at most


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often a source may be asked: the configuration's `interval.min` and `interval.max`."""

    floor: timedelta
    ceiling: timedelta


@dataclass(frozen=True, slots=True)
class PublisherHint:
    """What the publisher asks for, in seconds; None = not said.

    `fresh_s`: for how long the server calls its answer fresh. `every_s`, `phase_s`, `skips`: the
    document's own words, as in `publisher_hints.Rhythm`.
    """

    fresh_s: float | None = None
    every_s: int | None = None
    phase_s: int | None = None
    skips: int = 0


@dataclass(frozen=True, slots=True)
class Next:
    """When to ask again, and the interval to go on from, in seconds."""

    at: datetime
    interval_s: int


def after_answer(
    now: datetime,
    bounds: Bounds,
    rate: PublishRate,
    hint: PublisherHint,
    *,
    interval_s: int | None,
    news: bool,
    costly: bool,
    early: bool = False,
    random: float,
    pushed: bool = False,
) -> Next:
    """After a document or "not modified".

    `interval_s`: the last interval, None = there was none. `costly`: the server sends the whole
    document each time, changed or not. `early`: a person asked before it was due, which says
    nothing of how silent it is. `pushed`: a hub brings the news, so the source is asked at the
    ceiling alone; the interval goes on for when it does not. `random` in [0, 1).
    """
    floor, ceiling = bounds.floor.total_seconds(), bounds.ceiling.total_seconds()
    interval = _usual(rate, floor)
    if interval_s is not None and not news and not rate.holds(now):
        interval = max(interval, interval_s * (1.0 if early or pushed else GROWTH))
    least = max(floor, HOUR_S) if costly else floor
    interval = min(max(interval, least), max(floor, ceiling))
    spread = FIRST_SPREAD if interval_s is None else SPREAD
    rhythm = max(floor, ceiling) if pushed else interval
    wait = _stretched(max(rhythm, _rest(hint, ceiling)), spread, random)
    at = now + timedelta(seconds=wait)
    if not pushed and hint.every_s and hint.phase_s is not None:
        # Where its own hours are rarer than we would come, none of them is passed over.
        soonest = floor if hint.every_s > interval else interval
        soonest = max(soonest, min(hint.fresh_s or 0.0, max(ceiling, HINTS_S)))
        at = _on_grid(now, soonest, hint.every_s, hint.phase_s, ceiling, random) or at
    return Next(_awake(hint.skips, at, random), round(interval))


def after_failure(
    now: datetime,
    bounds: Bounds,
    *,
    failures: int,
    interval_s: int | None,
    retry_after_s: float | None,
    fresh_s: float | None,
    too_many: bool,
    skips: int = 0,
    random: float,
) -> datetime:
    """After the `failures`-th failure in a row (1 = the first).

    The wait doubles up to the ceiling and stays there: a source that comes back after a year is
    found again. It begins at the floor, or, up to an hour, at the last interval: trouble is no
    reason to ask more often. `retry_after_s` may push it beyond the ceiling, never forward; so may
    `fresh_s`, the error's own max-age, for a day or, of a 429, two. `too_many`: the server said
    429. `skips`: as in `PublisherHint`; the hours that the document skips are not for trying again
    either.
    """
    floor, ceiling = bounds.floor.total_seconds(), bounds.ceiling.total_seconds()
    first = max(floor, min(interval_s or 0.0, HOUR_S), HOUR_S if too_many else 0.0)
    wait = min(first * 2.0 ** min(max(failures - 1, 0), 32), max(first, ceiling))
    asked = min(retry_after_s or 0.0, LONGEST_RETRY.total_seconds())
    fresh = min(fresh_s or 0.0, max(ceiling, PLEAS_S if too_many else HINTS_S))
    wait = _stretched(max(wait, asked, fresh), FAILURE_SPREAD, random)
    return _awake(skips, now + timedelta(seconds=wait), random)


def held_until(now: datetime, retry_after_s: float | None) -> datetime:
    """The instant until which the whole site is left alone after a 429 of one of its sources."""
    asked = timedelta(seconds=HOUR_S if retry_after_s is None else min(retry_after_s, 1e9))
    return now + min(asked, LONGEST_HOLD)


def shifted(
    now: datetime, until: datetime, due_at: datetime, crowd_s: float, random: float
) -> datetime:
    """When a source of a held site is asked that was due at `due_at`, before `until`.

    The plan moves as a whole: what lay apart stays apart. All is spread over `crowd_s` seconds
    besides, for what was due already.
    """
    return until + (max(due_at, now) - now) + timedelta(seconds=crowd_s * random)


def _usual(rate: PublishRate, floor: float) -> float:
    """Half the usual gap between news, but an hour where that is enough, an eighth of a long one.

    So daily news are at most three hours late, and a source with news each hour is asked twice.
    """
    if rate.usual_gap_s is None:
        return max(floor, HOUR_S)
    return max(min(rate.usual_gap_s / 2, HOUR_S), rate.usual_gap_s / 8)


def _rest(hint: PublisherHint, ceiling: float) -> float:
    """How long the publisher wants to be left alone at least, in seconds."""
    every = 0.0 if hint.phase_s is not None else float(hint.every_s or 0)
    return min(max(hint.fresh_s or 0.0, every), max(ceiling, HINTS_S))


def _on_grid(
    now: datetime, soonest: float, every: int, phase: int, ceiling: float, random: float
) -> datetime | None:
    """Just after the first of the source's own hours that lies `soonest` seconds ahead.

    None where that is farther than any hint is honoured.
    """
    ahead = (phase - now.timestamp() - soonest) % every
    if ahead > max(ceiling, HINTS_S):
        return None
    return now + timedelta(seconds=soonest + ahead + SPREAD * random * min(every, HOUR_S))


def _awake(skips: int, at: datetime, random: float) -> datetime:
    """Moved out of the hours that the document skips, and not on the stroke of the next one."""
    free = publisher_hints.next_open(skips, at)
    return at if free == at else free + timedelta(seconds=SPREAD * random * HOUR_S)


def _stretched(seconds: float, spread: float, random: float) -> float:
    """Only ever longer: a floor that chance may undercut is none."""
    return seconds * (1 + spread * random)
