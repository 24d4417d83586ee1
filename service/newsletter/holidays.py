"""Days on which a digest is not mailed: its cuts of such a day move to the first day after. Pure.

They are dates (holidays), or days of the week that are quiet. A cut keeps its time of day. What
falls together with a cut of that day is one with it, so that who gets a daily mail has one after
the holidays, not one for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby

_DAY = timedelta(days=1)
_JUST_BEFORE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Days without a mail, by their date or their weekday (Monday is 0)."""

    dates: frozenset[date] = frozenset()
    weekdays: frozenset[int] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day.weekday() in self.weekdays or day in self.dates

    def __bool__(self) -> bool:
        return bool(self.dates or self.weekdays)


@lru_cache
def days(written: tuple[str, ...]) -> frozenset[date]:
    """The days of a list as the TOML has it: "2027-09-02", "2027-02-05/2027-02-11"."""
    found: set[date] = set()
    for one in written:
        first, _, last = one.partition("/")
        span = (date.fromisoformat(first), date.fromisoformat(last or first))
        found.update(map(date.fromordinal, range(span[0].toordinal(), span[1].toordinal() + 1)))
    return frozenset(found)


@lru_cache
def text(holidays: frozenset[date]) -> str:
    """The shortest list that means these days; equal days, equal text."""
    spans: list[list[date]] = []
    for day in sorted(holidays):
        if spans and day - spans[-1][1] == _DAY:
            spans[-1][1] = day
        else:
            spans.append([day, day])
    return ",".join(f"{first}" if first == last else f"{first}/{last}" for first, last in spans)


def read(kept: str) -> frozenset[date]:
    """The days whose `text` this is."""
    return days(tuple(kept.split(",")))


def put_off(civil: datetime, off: DaysOff) -> datetime:
    """The same time on the first day from then on which is none of them."""
    while civil.date() in off:
        civil += _DAY
    return civil


def in_order(
    civil: Iterable[datetime], off: DaysOff, *, falling: bool = False
) -> Iterator[datetime]:
    """Civil times of a rule, rising or `falling`, each put off, in that order again.

    Those of several days may come to stand on one, each time once.
    """
    moved = (put_off(one, off) for one in civil)
    for _, same_day in groupby(moved, key=datetime.date):
        yield from sorted(set(same_day), reverse=falling)


def begin(start: datetime, off: DaysOff) -> datetime:
    """From where civil times must be looked at to find those that are put off beyond `start`."""
    day = start.date()
    while day - _DAY in off:
        day -= _DAY
    if day == start.date() and day not in off:
        return start
    return datetime.combine(day, time()) - _JUST_BEFORE
