"""Finds whether a document writes day or month first in bare numbers: one fact for all of it.

One line such as "10/2/2026" says nothing. The lines of a document together mostly do: one of them
has a day beyond 12, or names its weekday; one would lie ahead; the newest is of today in one order
only; they are close together in one order only; or the computer that wrote them shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from service.text.instants import dates, zones

_BARE = re.compile(
    r"(?<![\d/.-])(?P<a>\d{1,2})\s?(?P<sep>[/.-])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?(?P<y>\d{4})(?!\d)"
)
_WEEKDAYS = {
    "thứ hai": 0, "thứ 2": 0, "t2": 0, "mon": 0, "thứ ba": 1, "thứ 3": 1, "t3": 1, "tue": 1,
    "thứ tư": 2, "thứ 4": 2, "t4": 2, "wed": 2, "thứ năm": 3, "thứ 5": 3, "t5": 3, "thu": 3,
    "thứ sáu": 4, "thứ 6": 4, "t6": 4, "fri": 4, "thứ bảy": 5, "thứ 7": 5, "t7": 5, "sat": 5,
    "chủ nhật": 6, "cn": 6, "sun": 6,
}  # fmt: skip
_WEEKDAY = re.compile(
    r"(?<!\w)(?:(?P<vi>thứ \w+|t[2-7]|chủ nhật|cn)(?!\w)"
    r"|(?P<en>mon|tue|wed|thu|fri|sat|sun)[a-z]*)",
    re.IGNORECASE,
)
# M/d/yyyy h:mm:ss tt: how .NET writes dates where nobody told it where it is.
_MACHINE = re.compile(r"(?!0)\d{1,2}/(?!0)\d{1,2}/\d{4} (?!0)\d{1,2}:\d\d:\d\d [AP]M")

_SAME, _DIFFERENT = "same", "different"
_OTHER = {"dmy": "mdy", "mdy": "dmy"}

_AHEAD = timedelta(days=1)
_FRESH = timedelta(days=3)
_STALE = timedelta(days=20)
_FEW = 3
_CLOSER = 4

_MONTH_FIRST = {"en-us", "en-ph", "es-us", "es-pr"}
_YEAR_FIRST = {"zh", "ja", "ko", "hu", "mn"}


@dataclass(frozen=True, slots=True)
class _AmbiguousDate:
    """A date in both orders; None = that order makes no date of it."""

    dmy: date | None
    mdy: date | None
    weekday: int | None
    machine: bool


def order_of(
    lines: Iterable[str], now: datetime, *, language: str | None = None, zone: str = ""
) -> str | None:
    """The order, "dmy", "mdy" or "ymd"; None where all are alike or it cannot be told.

    `lines`: the date lines of one document, as they are written; `now`: aware. `language` and
    `zone` (IANA) of the source decide where the lines do not, and an American language only in an
    American zone: many programs claim en-US.
    """
    found = [line for line in map(_line, lines) if line is not None]
    if not found:
        return None
    today = now.date()
    return (
        _one(map(_surely, found))
        or _one(_by_what_lies_ahead(line, today) for line in found)
        or _by_today(found, today)
        or _by_closeness(found)
        or ("mdy" if all(line.machine for line in found) else None)
        or _by_language(language or "", zone)
    )


def orders_of(
    pairs: Iterable[tuple[str, str]], now: datetime, *, language: str | None = None, zone: str = ""
) -> tuple[str | None, str | None]:
    """The orders of what machines are told and of what people see, which may be two.

    `pairs`: of each entry what its attributes say and what its text says, "" = nothing. Where both
    say it in bare numbers they mean one day, so that the order of one follows from the other's.
    """
    pairs = list(pairs)
    told = order_of((one for one, _ in pairs), now, language=language, zone=zone)
    shown = order_of((other for _, other in pairs), now, language=language, zone=zone)
    by_words = _one(_by_another(one, other, now, zone) for one, other in pairs)
    if by_words is not None:
        return by_words, shown
    alike = _one(_are_alike(one, other) for one, other in pairs)
    if alike is None or (told and shown and (told == shown) == (alike == _SAME)):
        return told, shown
    if alike == _SAME:
        return shown or told, shown or told
    sure = _one(map(_surely, filter(None, (_line(one) for one, _ in pairs))))
    if sure is None and (shown is None or told == shown):
        sure = told if told and shown is None else "mdy"  # people are told the day first
    told = sure or _OTHER.get(shown or "dmy")
    return told, _OTHER.get(told or "mdy")


def _by_another(one: str, other: str, now: datetime, zone: str) -> str | None:
    """The order of `one`, where `other` says its day in a way that has but one meaning."""
    line = _line(one)
    if line is None or not other or _BARE.search(other):
        return None
    at = dates.parse(other, zone, None, now)
    day = at.astimezone(zones.named(zone) or UTC).date() if at else None
    return {line.dmy: "dmy", line.mdy: "mdy"}.get(day) if day else None


def _are_alike(one: str, other: str) -> str | None:
    """Whether two lines of one day have one order, or two; None where it cannot be told."""
    told, shown = _line(one), _line(other)
    if told is None or shown is None:
        return None
    if (told.dmy, told.mdy) == (shown.dmy, shown.mdy):
        return _SAME
    crossed = {told.dmy, told.mdy} == {shown.dmy, shown.mdy}
    return _DIFFERENT if crossed and told.dmy == shown.mdy else None


def _line(text: str) -> _AmbiguousDate | None:
    found = _BARE.search(text)
    if found is None:
        return None
    a, b, year = int(found["a"]), int(found["b"]), int(found["y"])
    line = _AmbiguousDate(
        _date(year, b, a), _date(year, a, b), _weekday(text), bool(_MACHINE.fullmatch(text.strip()))
    )
    return line if line.dmy != line.mdy else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _weekday(text: str) -> int | None:
    found = _WEEKDAY.search(text)
    if found is None:
        return None
    return _WEEKDAYS.get((found["vi"] or found["en"]).lower())


def _one(votes: Iterable[str | None]) -> str | None:
    """What all who know say; None where they differ."""
    said = {vote for vote in votes if vote}
    return said.pop() if len(said) == 1 else None


def _surely(line: _AmbiguousDate) -> str | None:
    if line.dmy is None or line.mdy is None:
        return "mdy" if line.dmy is None else "dmy"
    if line.weekday is None or line.dmy.weekday() == line.mdy.weekday():
        return None
    return {line.dmy.weekday(): "dmy", line.mdy.weekday(): "mdy"}.get(line.weekday)


def _by_what_lies_ahead(line: _AmbiguousDate, today: date) -> str | None:
    if line.dmy is None or line.mdy is None:
        return None
    dmy_ahead, mdy_ahead = line.dmy > today + _AHEAD, line.mdy > today + _AHEAD
    return None if dmy_ahead == mdy_ahead else "mdy" if dmy_ahead else "dmy"


def _both(lines: list[_AmbiguousDate]) -> tuple[set[date], set[date]]:
    dmy = {line.dmy for line in lines if line.dmy}
    return dmy, {line.mdy for line in lines if line.mdy}


def _by_today(lines: list[_AmbiguousDate], today: date) -> str | None:
    """What is alive has news of these days."""
    dmy, mdy = (abs(today - max(dates)) if dates else None for dates in _both(lines))
    if dmy is None or mdy is None:
        return None
    if min(dmy, mdy) > _FRESH or max(dmy, mdy) < _STALE:
        return None
    return "dmy" if dmy < mdy else "mdy"


def _by_closeness(lines: list[_AmbiguousDate]) -> str | None:
    """Days in a row turn into months in a row where they are read the wrong way."""
    dmy, mdy = _both(lines)
    if min(len(dmy), len(mdy)) < _FEW:
        return None
    short, long = max(dmy) - min(dmy), max(mdy) - min(mdy)
    if short * _CLOSER < long:
        return "dmy"
    return "mdy" if long * _CLOSER < short else None


def _by_language(language: str, zone: str) -> str | None:
    tag = language.lower()
    if tag in _MONTH_FIRST and zone.startswith(("America/", "US/", "Pacific/Honolulu")):
        return "mdy"
    return "ymd" if tag.partition("-")[0] in _YEAR_FIRST else None
