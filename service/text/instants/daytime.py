"""The time of day in a date line: "08:01 GMT+7", "8h30", "9:25:00 AM", "5:04 CH", with its zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from service.text.instants import zones

_TIME = (
    r"(?P<h>\d{1,2})(?:"
    r"\s?(?::|h|g|giờ)\s?(?P<mi>\d{1,2})(?!\d)(?:\s?(?:phút|['\u2019\u2032](?!\w)))?"
    r"(?:\s?:\s?(?P<s>\d{1,2})(?!\d))?(?:[.,]\d+)?"
    r"|\.(?P<dotted>\d{2})(?![\d.,]*\d)"  # 08.05, as half of Europe writes
    r"|\s?(?:h|giờ)(?!\w)(?!\s+(?:trước|ago))"  # 8h, lúc 8 giờ
    r")"
    r"(?:\s?(?P<half>AM|PM|a\.m\.|p\.m\.|SA|CH|sáng|trưa|chiều|tối|đêm)(?!\w))?"
    rf"(?:\s*{zones.ZONE})?"
)
_DASH = r"[,;|/@_\u2013\u2014·•∙-]"  # en and em dash among them
_AT = r"(?:vào\s+lúc|lúc|vào|at|um|à|klo|kl\.?|a las|às|alle|ore|om|saat|pukul|o godz\.?)\s*:?\s*"
_BETWEEN = rf"(?:T|:|\s*{_DASH}\s*(?:{_AT})?|\s+(?:{_AT})?\(?)"
_AFTER = re.compile(_BETWEEN + _TIME, re.IGNORECASE)
_BEFORE = re.compile(
    rf"(?<![\d:.]){_TIME}\s*(?:{_DASH}\s*)?"
    r"(?:ngày\s+|(?:thứ\s+\w+|chủ nhật|t\.?[2-7]|cn)[,\s-]\s*)*$",
    re.IGNORECASE,
)
_REACH = 60
"""Characters before a date in which its time may stand."""

_NOON = 12
_MORNING = {"am", "a.m.", "sa", "sáng"}
_AFTERNOON = {"pm", "p.m.", "ch", "chiều", "tối"}
_NIGHT = "đêm"


def around(text: str, start: int, end: int) -> re.Match[str] | None:
    """The time that stands behind the date `text[start:end]`, else the one before it, else None."""
    return _AFTER.match(text, end) or _BEFORE.search(text[max(0, start - _REACH) : start])


def at(
    date: tuple[int, int, int],
    time: re.Match[str] | None,
    home: tzinfo,
    *,
    half: str | None = None,
) -> datetime:
    """Date and time as an aware instant; midnight without a time, `home` without a zone.

    `half`: of the day, where it does not stand behind the time itself ("chiều", "PM").
    Raises ValueError for what no calendar or clock has.
    """
    if time is None:
        return datetime(*date, tzinfo=home)
    day = datetime(*date, tzinfo=zones.read(time["zone"]) or home)
    hour = _hour(int(time["h"]), (time["half"] or half or "").lower())
    minute = int(time["mi"] or time["dotted"] or 0)
    second = min(int(time["s"] or 0), 59)
    if (hour, minute, second) == (24, 0, 0):
        return day + timedelta(days=1)
    return day.replace(hour=hour, minute=minute, second=second)


def _hour(hour: int, half: str) -> int:
    """Some clocks run to 24 and say AM or PM all the same: then the number is right."""
    if half in _AFTERNOON and hour < _NOON:
        return hour + _NOON
    if half == _NIGHT:  # eleven at night, but one in the night
        return hour + _NOON if 6 <= hour < _NOON else hour % _NOON if hour == _NOON else hour  # noqa: PLR2004
    if half == "trưa" and hour < 3:  # noqa: PLR2004 - one or two o'clock, while 11 is before noon
        return hour + _NOON
    return 0 if half in _MORNING and hour == _NOON else hour
