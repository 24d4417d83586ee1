"""When the clock on somebody's wall shows a time at which they want no mail. Pure.

Whether it is quiet is a question to the clock of a zone, so an hour that comes twice is quiet
twice, and one that does not exist is not at all. Instants are aware, answers are in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.model import WEEKDAYS, QuietTime

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_WEEKDAYS = tuple(name[:3] for name in WEEKDAYS)


def is_quiet(quiet: QuietTime, civil: datetime) -> bool:
    """Whether it is quiet when the clock shows this. The end of the hours is not quiet any more."""
    if civil.weekday() in quiet.weekdays or civil.date() in quiet.dates:
        return True
    if quiet.hours is None:
        return False
    begin, end = quiet.hours
    clock = civil.time()
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def is_quiet_at(quiet: QuietTime, place: ZoneInfo, at: datetime) -> bool:
    """Whether it is quiet at this instant in this zone."""
    return is_quiet(quiet, _clock(at, place))


def end_of_quiet(quiet: QuietTime, place: ZoneInfo, at: datetime) -> datetime:
    """The first instant from `at` on that is not quiet: `at` itself, where it is none.

    Never ends for somebody who has quiet every day of the week.
    """
    at = at.astimezone(UTC)
    while is_quiet_at(quiet, place, at):
        at = _next_change(quiet, place, at)
    return at


def begin_of_quiet(quiet: QuietTime, place: ZoneInfo, at: datetime) -> datetime:
    """The first instant of the quiet time that `at` lies in."""
    begin = _last_change(quiet, place, at.astimezone(UTC))
    while is_quiet_at(quiet, place, begin - _TICK):
        begin = _last_change(quiet, place, begin - _TICK)
    return begin


def next_quiet(quiet: QuietTime, place: ZoneInfo, at: datetime) -> tuple[datetime, datetime]:
    """When it is quiet next, from and until; `at` may lie in it. It must be quiet at some time."""
    begin = at.astimezone(UTC)
    while not is_quiet_at(quiet, place, begin):
        begin = _next_change(quiet, place, begin)
    return begin_of_quiet(quiet, place, begin), end_of_quiet(quiet, place, begin)


def change_of_offset(low: datetime, high: datetime, place: ZoneInfo) -> datetime:
    """The first instant after the one change of a zone's offset that lies in (low, high]."""
    before = low.astimezone(place).utcoffset()
    low = low.replace(microsecond=0)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(place).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def text(quiet: QuietTime) -> str:
    """What tells quiet times apart: "22:00-06:00,sat,sun". Equal times, equal text."""
    hours = [] if quiet.hours is None else ["-".join(f"{one:%H:%M}" for one in quiet.hours)]
    return ",".join([*hours, *(_WEEKDAYS[one] for one in sorted(quiet.weekdays))])


def read(kept: str) -> QuietTime:
    """The quiet time whose `text` this is. Raises ValueError for what is none."""
    hours: tuple[time, time] | None = None
    weekdays = set()
    for one in kept.split(","):
        if one in _WEEKDAYS:
            weekdays.add(_WEEKDAYS.index(one))
        else:
            begin, _, end = one.partition("-")
            hours = (time.fromisoformat(begin), time.fromisoformat(end))
    return QuietTime(hours, frozenset(weekdays))


def _clock(at: datetime, place: ZoneInfo) -> datetime:
    return at.astimezone(place).replace(tzinfo=None, fold=0)


def _next_change(quiet: QuietTime, place: ZoneInfo, at: datetime) -> datetime:
    """Where it may be otherwise than at `at`: at a bound of the hours, of a day, or of an offset.

    Hours and days are added on the clock of the wall, which may itself be set in between.
    """
    civil = _clock(at, place)
    bounds = (datetime.combine(civil.date(), one) for one in _times(quiet))
    ahead = min(one if one > civil else one + _DAY for one in bounds) - civil
    found = at + ahead
    if found.astimezone(place).utcoffset() == at.astimezone(place).utcoffset():
        return found
    return change_of_offset(at, found.replace(microsecond=0) + timedelta(seconds=1), place)


def _last_change(quiet: QuietTime, place: ZoneInfo, at: datetime) -> datetime:
    """Since when it has been as it is at `at`, as far as bounds tell."""
    civil = _clock(at, place)
    bounds = (datetime.combine(civil.date(), one) for one in _times(quiet))
    since = civil - max(one if one <= civil else one - _DAY for one in bounds)
    found = at - since
    if found.astimezone(place).utcoffset() == at.astimezone(place).utcoffset():
        return found
    return change_of_offset(found, at, place)


def _times(quiet: QuietTime) -> tuple[time, ...]:
    return (time(), *(quiet.hours or ()))
