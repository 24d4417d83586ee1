"""When a digest is cut. Pure: the same rule, zone and instant always give the same cut.

Rules are said in civil time of a zone ("Mondays at 07:00"). Each civil time is one instant: in a
DST gap the first instant after the gap, in an overlap its first pass. Cuts therefore never go back
and never stand twice. Immediate and hourly cuts stand on a fixed UTC grid, so that a job that asks
again finds the same cut.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from service.model import Cadence, CadenceRule
from service.newsletter import holidays

IMMEDIATE_GRID = timedelta(minutes=5)
"""Immediate cuts stand on these marks of the UTC day: often enough to be "at once" in mail."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LAST = "last"

_GRIDS: dict[str, timedelta] = {
    Cadence.IMMEDIATE: IMMEDIATE_GRID,
    Cadence.HOURLY: timedelta(hours=1),
}
_MONTHS: dict[str, int] = {Cadence.MONTHLY: 1, Cadence.QUARTERLY: 3, Cadence.HALF_YEARLY: 6}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CRON_FIELDS = 5
_REMEMBERED = 4096  # a hundred thousand subscriptions have a few rules


@lru_cache(_REMEMBERED)
def next_cut(rule: CadenceRule, zone: str, after: datetime) -> datetime:
    """The first cut later than `after`, in UTC. Raises ValueError for a bad rhythm."""
    grid = _GRIDS.get(rule.rhythm)
    if grid is not None:
        return after.astimezone(UTC) - (after - _EPOCH) % grid + grid
    place = ZoneInfo(zone)
    start = holidays.begin(after.astimezone(place).replace(tzinfo=None, fold=0), rule.holidays)
    return next(
        cut for civil in _civil_after(rule, start) if (cut := instant(civil, place)) > after
    )


@lru_cache(_REMEMBERED)
def previous_cut(rule: CadenceRule, zone: str, before: datetime) -> datetime:
    """The last cut earlier than `before`, in UTC. Raises ValueError for a bad rhythm."""
    grid = _GRIDS.get(rule.rhythm)
    if grid is not None:
        past = (before - _EPOCH) % grid
        return before.astimezone(UTC) - (past or grid)
    place = ZoneInfo(zone)
    local = before.astimezone(place)
    # In the second pass of an overlap civil times ahead of the clock have been as well.
    ahead = timedelta() if local.fold == 0 else _overlap(local)
    start = local.replace(tzinfo=None, fold=0) + ahead
    return next(
        cut for civil in _civil_before(rule, start) if (cut := instant(civil, place)) < before
    )


def latest_cut(rule: CadenceRule, zone: str, at: datetime) -> datetime:
    """The last cut that is past at `at`, a cut at that very instant included."""
    return previous_cut(rule, zone, at + timedelta(microseconds=1))


def instant(civil: datetime, place: ZoneInfo) -> datetime:
    """The one instant in UTC of a naive civil time."""
    first = civil.replace(tzinfo=place, fold=0).astimezone(UTC)
    second = civil.replace(tzinfo=place, fold=1).astimezone(UTC)
    return first if first <= second else _end_of_gap(second, first, place)


def is_cron(rhythm: str) -> bool:
    """True for a cron line, False for one of the named cadences."""
    return rhythm not in frozenset(Cadence)


def is_zoned(rhythm: str) -> bool:
    """False for immediate and hourly: their cuts are the same everywhere."""
    return rhythm not in _GRIDS


@cache
def check_cron(line: str) -> None:
    """Raises ValueError for a line that cron would not take, or that never comes."""
    if len(line.split()) != _CRON_FIELDS:
        raise ValueError("a cron line has 5 fields: minute, hour, day of month, month, weekday")
    try:
        comes = next(iter(CronSim(line, datetime(2000, 1, 1))), None)  # noqa: DTZ001 - civil time
    except CronSimError as error:
        raise ValueError(str(error).lower()) from error
    if comes is None:
        raise ValueError("no day is ever like that")


def _end_of_gap(low: datetime, high: datetime, place: ZoneInfo) -> datetime:
    """The first instant after the change of offset in (low, high]."""
    before = low.astimezone(place).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(place).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _overlap(local: datetime) -> timedelta:
    earlier, later = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    assert earlier is not None
    assert later is not None
    return earlier - later


def _civil_after(rule: CadenceRule, start: datetime) -> Iterator[datetime]:
    """Civil times of the rule, rising, from about `start` on: the caller drops what is too early.

    A period is looked at from one before: its day may have been cut to the month's end.
    """
    return _put_off(rule, _civil(rule, start, 1), falling=False)


def _civil_before(rule: CadenceRule, start: datetime) -> Iterator[datetime]:
    """The same, falling."""
    return _put_off(rule, _civil(rule, start, -1), falling=True)


def _put_off(rule: CadenceRule, civil: Iterator[datetime], *, falling: bool) -> Iterator[datetime]:
    if not rule.holidays:
        return civil
    return holidays.in_order(civil, rule.holidays, falling=falling)


def _civil(rule: CadenceRule, start: datetime, step: int) -> Iterator[datetime]:
    if is_cron(rule.rhythm):
        return _cron(rule.rhythm, start, reverse=step < 0)
    return (datetime.combine(day, rule.at) for day in _days(rule, start.date(), step))


def _cron(line: str, start: datetime, *, reverse: bool) -> Iterator[datetime]:
    check_cron(line)
    return iter(CronSim(line, start, reverse=reverse))


def _days(rule: CadenceRule, start: date, step: int) -> Iterator[date]:
    if rule.rhythm in _MONTHS:
        return _month_days(rule.day or "1", _MONTHS[rule.rhythm], start, step)
    if rule.rhythm == Cadence.WEEKLY:
        wanted = WEEKDAYS.index(rule.day or WEEKDAYS[0])
        first = start + timedelta(days=(wanted - start.weekday()) % 7 - 7 * (step > 0))
        return _every(first, timedelta(days=7 * step))
    return _every(start - timedelta(days=step), timedelta(days=step))


def _every(day: date, step: timedelta) -> Iterator[date]:
    while True:
        yield day
        day += step


def _month_days(day: str, months: int, start: date, step: int) -> Iterator[date]:
    """The day of every period's first month; day 31 is the month's last."""
    number = (start.year * 12 + start.month - 1) // months - step
    while True:
        year, month = divmod(number * months, 12)
        last = monthrange(year, month + 1)[1]
        yield date(year, month + 1, last if day == LAST else min(int(day), last))
        number += step
