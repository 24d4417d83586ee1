"""The two forms in which nearly all feeds write their dates, read at once: RFC 3339 and RFC 822.

tests/text/test_dates.py holds that each is read as the patterns for all forms read it. Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_OFFSET = "([+-])(0[0-9]|1[0-4]):?([0-5][0-9])"
_RFC_3339 = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RFC_822 = re.compile(
    f"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?([0-9]{{1,2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    f"([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) (?:GMT|{_OFFSET})"
)
_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}


def read(text: str) -> datetime | None:
    """The aware instant; None for every other form, and for what no calendar or clock has."""
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text)
        if found := _RFC_822.fullmatch(text):
            return _instant(*found.groups())
    except ValueError:
        pass
    return None


def _instant(*parts: str | None) -> datetime:
    day, month, year, hour, minute, second, sign, hours, minutes = parts
    time = int(hour or 0), int(minute or 0), int(second or 0)
    zone = UTC
    if sign:
        size = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        zone = timezone(size if sign == "+" else -size)
    return datetime(int(year or 0), _NUMBERS[month or ""], int(day or 0), *time, tzinfo=zone)
