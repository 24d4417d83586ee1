"""When a source is asked again: pure, with the dice as an argument.

After an answer: between the floor and the ceiling, longer while nothing new comes. After a failure:
longer each time, never for ever. What a server asks for (max-age, Retry-After) is never undercut.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

GROWTH = 1.25
"""Of the interval after an answer without news: it settles near a fifth of the silence."""

SHRINK = 0.5
"""Of the interval after news."""

SPREAD = 0.1
"""How far chance stretches a wait, so that sources that once met do not meet for ever."""

LONGEST_RETRY = timedelta(days=28)
"""A Retry-After beyond this is a slip of a keyboard, not a wish."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a source may be asked: the configuration's `interval.min` and `interval.max`."""

    floor: timedelta
    ceiling: timedelta


@dataclass(frozen=True, slots=True)
class Next:
    """When to ask again, and the interval to go on from, in seconds."""

    at: datetime
    interval_s: int


def after_answer(
    now: datetime,
    rhythm: Rhythm,
    *,
    interval_s: int | None,
    news: bool,
    fresh_s: float | None,
    dice: float,
) -> Next:
    """After a document or "not modified".

    `interval_s`: the last interval, None = there was none. `fresh_s`: for how long the server calls
    its answer fresh, None = not said; it is honoured up to the ceiling, since a year of it would
    be death. `dice` in [0, 1).
    """
    floor, ceiling = rhythm.floor.total_seconds(), rhythm.ceiling.total_seconds()
    last = floor if interval_s is None else float(interval_s)
    interval = min(max(last * (SHRINK if news else GROWTH), floor), max(floor, ceiling))
    wait = max(interval, min(fresh_s or 0.0, ceiling))
    return Next(now + timedelta(seconds=_stretched(wait, dice)), round(interval))


def after_failure(
    now: datetime, rhythm: Rhythm, *, failures: int, retry_after_s: float | None, dice: float
) -> datetime:
    """After the `failures`-th failure in a row (1 = the first).

    The wait doubles from the floor up to the ceiling and stays there: a source that comes back
    after a year is found again. `retry_after_s` may push it beyond the ceiling, never forward.
    """
    floor, ceiling = rhythm.floor.total_seconds(), rhythm.ceiling.total_seconds()
    doublings = min(max(failures - 1, 0), 32)
    wait = min(floor * 2**doublings, max(floor, ceiling))
    asked = min(retry_after_s or 0.0, LONGEST_RETRY.total_seconds())
    return now + timedelta(seconds=_stretched(max(wait, asked), dice))


def _stretched(seconds: float, dice: float) -> float:
    """Only ever longer: a floor that chance may undercut is none."""
    return seconds * (1 + SPREAD * dice)
