"""When a digest is cut. Pure: the same rule, zone and instant always give the same cut.

Rules are said in civil time of a zone ("Mondays at 07:00"). Each civil time is one instant: in a
DST gap the first instant after the gap, in an overlap its first pass. Cuts therefore never go back
and never stand twice. Immediate and hourly cuts stand on a fixed UTC grid, so that a job that asks
again finds the same cut. What would be cut in a quiet time is cut at its end: since all of it moves
there together, cuts still follow each other.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from service.model import WEEKDAYS, Cadence, CadenceRule, QuietTime
from service.newsletter import holidays
from service.newsletter.holidays import DaysOff
from service.text.instants.quiet import (
    begin_of_quiet,
    change_of_offset,
    end_of_quiet,
    is_quiet,
    is_quiet_at,
)

IMMEDIATE_GRID = timedelta(minutes=5)
"""Immediate cuts stand on these marks of the UTC day: often enough to be "at once" in mail."""

LAST = "last"

_GRIDS: dict[str, timedelta] = {
    Cadence.IMMEDIATE: IMMEDIATE_GRID,
    Cadence.HOURLY: timedelta(hours=1),
}
_MONTHS: dict[str, int] = {Cadence.MONTHLY: 1, Cadence.QUARTERLY: 3, Cadence.HALF_YEARLY: 6}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_CRON_FIELDS = 5
_LOOKED_AT = 60  # cuts, by which a rule is judged: over a year of weekly ones, years of longer ones
_REMEMBERED = 4096  # a hundred thousand subscriptions have a few rules


@lru_cache(_REMEMBERED)
def next_cut(rule: CadenceRule, zone: str, after: datetime) -> datetime:
    """The first cut later than `after`, in UTC. Raises ValueError for a bad rhythm."""
    quiet = _quiet(rule)
    if quiet is None:
        return _next(rule, zone, after)
    place = ZoneInfo(zone)
    if is_quiet_at(quiet, place, after):  # what fell into it before `after` is cut at its end too
        after = begin_of_quiet(quiet, place, after) - _INSTANT
    return end_of_quiet(quiet, place, _next(rule, zone, after))


def _next(rule: CadenceRule, zone: str, after: datetime) -> datetime:
    """The same by the rule alone, without its quiet hours."""
    grid = _GRIDS.get(rule.rhythm)
    if grid is not None:
        return after.astimezone(UTC) - (after - _EPOCH) % grid + grid
    place = ZoneInfo(zone)
    start = holidays.begin(after.astimezone(place).replace(tzinfo=None, fold=0), _days_off(rule))
    return next(
        cut for civil in _civil_after(rule, start) if (cut := instant(civil, place)) > after
    )


@lru_cache(_REMEMBERED)
def previous_cut(rule: CadenceRule, zone: str, before: datetime) -> datetime:
    """The last cut earlier than `before`, in UTC. Raises ValueError for a bad rhythm."""
    quiet, found = _quiet(rule), _previous(rule, zone, before)
    if quiet is None:
        return found
    place = ZoneInfo(zone)
    cut = end_of_quiet(quiet, place, found)
    if cut < before:
        return cut
    found = _previous(rule, zone, begin_of_quiet(quiet, place, found))
    return end_of_quiet(quiet, place, found)


def _previous(rule: CadenceRule, zone: str, before: datetime) -> datetime:
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
    return previous_cut(rule, zone, at + _INSTANT)


def instant(civil: datetime, place: ZoneInfo) -> datetime:
    """The one instant in UTC of a naive civil time."""
    first = civil.replace(tzinfo=place, fold=0).astimezone(UTC)
    second = civil.replace(tzinfo=place, fold=1).astimezone(UTC)
    return first if first <= second else change_of_offset(second, first, place)


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


def falls_into_quiet(rule: CadenceRule) -> bool:
    """Whether all that the rule says falls into its quiet time, so that nothing of it ever holds.

    Not asked of immediate and hourly, which any time that is not quiet has a cut for.
    """
    quiet = rule.quiet
    if quiet is None or rule.rhythm in _GRIDS:
        return False
    plain = replace(rule, holidays=frozenset(), quiet=None)
    civil = islice(_civil(plain, _EPOCH.replace(tzinfo=None), 1), _LOOKED_AT)
    return all(is_quiet(quiet, one) for one in civil)


@lru_cache(_REMEMBERED)
def _quiet(rule: CadenceRule) -> QuietTime | None:
    """When nothing may be cut at all; None: it is never quiet, and days off move cuts by days."""
    if rule.quiet is None:
        return None
    return rule.quiet if rule.rhythm in _GRIDS else replace(rule.quiet, dates=rule.holidays)


@lru_cache(_REMEMBERED)
def _days_off(rule: CadenceRule) -> DaysOff:
    return DaysOff(rule.holidays, rule.quiet.weekdays if rule.quiet else frozenset())


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
    off = _days_off(rule)
    return holidays.in_order(civil, off, falling=falling) if off else civil


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
