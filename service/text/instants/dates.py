"""What a date in a feed or on a page means, as an instant in UTC.

Fast patterns for the forms that are really published stand first; `dateparser` is asked last and
imported only then. A time without a zone is read in the zone of its source.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from service.text.fold import nfc
from service.text.instants import ago, calendars, daytime, exact_dates, months, zones

LONGEST = 150
"""Characters; what is longer is prose and no date line."""

_LOOK_AT = 1000
"""Characters that are looked at, before blanks are counted as one."""

EPOCH_YEAR = 1970
"""Dates up to this year are a computer's way to say that it does not know."""


def _numbered(*names: str) -> dict[str, int]:
    return {name: number for number, all_ in enumerate(names, 1) for name in all_.split(",")}


_MONTHS = _numbered(
    "jan,january", "feb,february", "mar,march", "apr,april", "may", "jun,june", "jul,july",
    "aug,august", "sep,sept,september", "oct,october", "nov,november", "dec,december",
)  # fmt: skip
_VI_MONTHS = _numbered(
    "một,giêng", "hai", "ba", "tư,bốn", "năm", "sáu", "bảy,bẩy", "tám", "chín", "mười",
    "mười một", "mười hai,chạp",
)  # fmt: skip


def _any_of(names: dict[str, int]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(
        text.replace("MONTH", rf"(?P<month>{_any_of(_MONTHS)})\.?")
        .replace("THÁNG", rf"(?:tháng\s+|thg?\.?\s*)(?P<month>\d{{1,2}}|{_any_of(_VI_MONTHS)})")
        .replace("DAY", r"(?P<d>\d{1,2})(?:st|nd|rd|th)?")
        .replace("YEAR", r"(?P<y>\d{4})(?!\d)"),
        re.IGNORECASE,
    )


_WITH_MONTHS = (
    # 08 Feb 2019 · 27 Jan 24 · 7-Mar-2026
    (_pattern(r"(?<![\d:])DAY[\s.-]+MONTH,?[\s-]+(?P<y>\d{4}(?!\d)|\d{2}(?![\d:]))"), _MONTHS),
    # March 7, 2026
    (_pattern(r"(?<!\w)MONTH\s+DAY,?\s+YEAR"), _MONTHS),
    # 7 tháng 3 năm 2026 · 7 Tháng Ba, 2026 · 7 Th3 2026 · 7 thg 3, 2026
    (_pattern(r"(?<!\d)DAY\s+THÁNG(?:,?\s+năm\s+|,?\s+)YEAR"), _VI_MONTHS),
    # Tháng Ba 7, 2026
    (_pattern(r"(?<!\w)THÁNG\s+DAY,\s+YEAR"), _VI_MONTHS),
)
# Thu Jan  1 10:00:00 2004 · Tue Nov 24 08:05:00 +0000 2026
_ASCTIME = _pattern(
    r"(?<!\w)MONTH\s+DAY(?=(?P<time>\s+[\d:]{4,8}(?:\s+(?:[A-Z]{3,4}|[+-]\d{4}))?)\s+YEAR)"
)
# 24 ноя 2026 · 24 de noviembre de 2026 · 24. marraskuuta 2026: the month in any language
_DAY_FIRST = re.compile(
    r"(?<![\d:])(?P<d>\d{1,2})\.?[\s-]+(?:de\s+)?(?P<month>[^\W\d_]{3,12})\.?,?[\s-]+(?:del?\s+)?"
    r"(?P<y>\d{4})(?!\d)"
)
# 2026. november 24.
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<y>\d{4})\.?\s+(?P<month>[^\W\d_]{3,12})\.?\s+(?P<d>\d{1,2})(?!\d)\.?"
)
_ISO = re.compile(r"(?<!\d)(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?!\d)")
_COMPACT = re.compile(
    r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?(?:\.\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?<![\d/.-])(?P<a>\d{4}|\d{1,2})(?P<sep>\s?[/.-]\s?)(?P<b>\d{1,2})(?P=sep)"
    r"(?P<c>\d{4}|\d{2})(?![\d/-])"
)
_DAY_AND_MONTH = re.compile(r"(?<![\w/.,:-])(?P<a>\d{1,2})\s?[/-]\s?(?P<b>\d{1,2})(?![\w/.,:-]*\d)")
_AROUND_A_DATE = re.compile(
    r"(?:thứ\s+(?:hai|ba|tư|năm|sáu|bảy|bẩy|[2-7])|chủ\s?nhật|t\.?[2-7]|cn|ngày|mùng|mồng|lúc|vào|"
    r"đăng|cập nhật|xuất bản|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|at|on|[\W_])*",
    re.IGNORECASE,
)
_SKEW = timedelta(hours=1)
"""By which a publisher's clock may be ahead of ours."""

_RUN_OF_DIGITS = re.compile(r"\d+")
_LONGEST_TO_ASK = 100
_WORLD = ("en", "vi", "fr", "de", "es", "pt", "it", "nl", "ru", "zh", "ja", "ko", "id", "th")
_NOTHING_BUT_A_DATE = 45
"""Characters."""

_STAMP = re.compile(r"(?:/Date\()?(\d{10})(?:\d{3})?(?:(?:[+-]\d{4})?\)/)?")
"""Seconds or milliseconds since 1970, as numbers or as .NET writes them."""


def parse(
    text: str, zone: str, order: str | None, now: datetime, language: str | None = None
) -> datetime | None:
    """The instant that a date line means, aware and in UTC; None where it says none.

    `zone`: IANA name of the source's zone, for what carries no zone itself ("" = UTC). `order`: how
    the source writes bare numbers, "dmy", "mdy" or "ymd"; None = day first, unless that is not a
    date. `now`: what "3 giờ trước" counts from. `language` steers only the slow last resort.
    """
    text = " ".join(nfc(text.strip()[:_LOOK_AT]).split())
    if not text or len(text) > LONGEST:
        return None
    try:
        found = exact_dates.read(text)
        if found is None:
            home = zones.named(zone) or UTC
            found = _read(calendars.in_western_order(text), home, order, now, language)
            if found is None:
                found = _ask_dateparser(text, home, order, now, language)
        found = calendars.of_this_era(found, now).astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None
    return found if found and found.year > EPOCH_YEAR else None


def _read(
    text: str, home: tzinfo, order: str | None, now: datetime, language: str | None
) -> datetime | None:
    """Reads a date by the fast patterns. Raises ValueError for a date that no calendar has."""
    return (
        _by_machine(text, home)
        or _by_month_name(text, home, now)
        or _by_foreign_month(text, home, language)
        or _by_numbers(text, home, order, now)
        or _by_day_and_month(text, home, order, now)
        or ago.read(text, home, now)
    )


def _by_machine(text: str, home: tzinfo) -> datetime | None:
    if stamp := _STAMP.fullmatch(text):
        return datetime.fromtimestamp(int(stamp[1]), UTC)
    if found := _ISO.search(text):
        date = int(found["y"]), int(found["m"]), int(found["d"])
        return daytime.at(date, daytime.around(text, *found.span()), home)
    if found := _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        zone = zones.read(found[7]) or home
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    return None


def _by_month_name(text: str, home: tzinfo, now: datetime) -> datetime | None:
    if found := _ASCTIME.search(text):
        time = daytime.around(f"{found['time']} ", 0, 0)
        return daytime.at(_date(found, _MONTHS, now), time, home)
    for pattern, names in _WITH_MONTHS:
        if found := pattern.search(text):
            time = daytime.around(text, *found.span())
            return daytime.at(_date(found, names, now), time, home)
    return None


def _by_foreign_month(text: str, home: tzinfo, language: str | None) -> datetime | None:
    """Where nobody says in which language, only of what is nothing but a date."""
    if not language and len(text) > _NOTHING_BUT_A_DATE:
        return None
    for pattern in (_DAY_FIRST, _YEAR_FIRST):
        found = pattern.search(text)
        month = months.number(found["month"], language) if found else None
        if found and month:
            time = daytime.around(text, *found.span())
            return daytime.at((int(found["y"]), month, int(found["d"])), time, home)
    return None


def _by_numbers(text: str, home: tzinfo, order: str | None, now: datetime) -> datetime | None:
    found = _NUMBERS.search(text)
    if found is None:
        return None
    time = daytime.around(text, *found.span())
    return daytime.at(_date_of_numbers(found, order, now), time, home)


def _by_day_and_month(text: str, home: tzinfo, order: str | None, now: datetime) -> datetime | None:
    """The last such day, where all around it belongs to a date: "3-1" stands in prose as well."""
    found = _DAY_AND_MONTH.search(text)
    if found is None:
        return None
    time = daytime.around(text, *found.span())
    rest = text[: found.start()] + "\0" + text[found.end() :]
    if not _AROUND_A_DATE.fullmatch(rest.replace(time[0], " ") if time else rest):
        return None
    day, month = (int(found["b"]), int(found["a"])) if order == "mdy" else map(int, found.groups())
    if month > 12 >= day:  # noqa: PLR2004 - only the other order makes a date of it
        day, month = month, day
    for year in range(now.year, now.year - 5, -1):  # 29/2 may be four years ago
        with suppress(ValueError):
            at = daytime.at((year, month, day), time, home)
            if at <= now + _SKEW:
                return at
    return None


def _date(found: re.Match[str], months: dict[str, int], now: datetime) -> tuple[int, int, int]:
    name = found["month"].lower()
    return _year(found["y"], now), months.get(name) or int(name), int(found["d"])


def _year(digits: str, now: datetime) -> int:
    """Two digits are of this century, unless that lies ahead."""
    if len(digits) == 4:  # noqa: PLR2004 - a year in full
        return int(digits)
    year = 2000 + int(digits)
    return year if year <= now.year + 1 else year - 100


def _date_of_numbers(
    found: re.Match[str], order: str | None, now: datetime
) -> tuple[int, int, int]:
    a, b, c = found["a"], found["b"], found["c"]
    if len(a) == 4 or (order == "ymd" and len(c) == 2):  # noqa: PLR2004 - the year stands first
        return _year(a, now), int(b), int(c)
    day, month = (int(b), int(a)) if order == "mdy" else (int(a), int(b))
    if month > 12 >= day:  # noqa: PLR2004 - only the other order makes a date of it
        day, month = month, day
    return _year(c, now), month, day


def _ask_dateparser(
    text: str, home: tzinfo, order: str | None, now: datetime, language: str | None
) -> datetime | None:
    """The last resort: some milliseconds, 140 the first time. Only for what has a digit in it.

    A document may bring a hundred thousand lines that nobody can read, so that a line is asked
    about only if its form, with other digits, was not found to be none.
    """
    if len(text) > _LONGEST_TO_ASK or not any(character.isdigit() for character in text):
        return None
    languages = _languages(language)
    base = now.astimezone(home).replace(tzinfo=None)
    if not _has_a_meaning(_RUN_OF_DIGITS.sub(_other_digits, text), order, languages):
        return None
    found = _dateparser(text, order, base, languages)
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=home)


def _languages(language: str | None) -> tuple[str, ...]:
    """The source's and English; where nothing is known, those in which most outlets write."""
    primary = (language or "").partition("-")[0].lower()
    return tuple(dict.fromkeys((primary, "en"))) if primary else _WORLD


def _other_digits(run: re.Match[str]) -> str:
    return {1: "1", 2: "10", 4: "2010"}.get(len(run[0]), "2" * len(run[0]))


@lru_cache(maxsize=4096)
def _has_a_meaning(form: str, order: str | None, languages: tuple[str, ...]) -> bool:
    base = datetime(2010, 10, 10)  # noqa: DTZ001 - dateparser wants it naive
    return _dateparser(form, order, base, languages) is not None


def _dateparser(
    text: str, order: str | None, base: datetime, languages: tuple[str, ...]
) -> datetime | None:
    import dateparser  # noqa: PLC0415 - slow to import and seldom needed

    try:
        found = dateparser.parse(
            text,
            languages=list(languages),
            settings={
                "DATE_ORDER": (order or "dmy").upper(),
                "RELATIVE_BASE": base,
                "PREFER_DATES_FROM": "past",
                "REQUIRE_PARTS": ["day", "month"],
            },
        )
    except ValueError:  # a language that dateparser does not know
        return None
    return found if isinstance(found, datetime) else None
