"""Dates that count from now: "36 phút trước", "hôm qua 08:30", "3 hours ago"."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from service.text.instants import daytime

_UNITS = {
    "giây second sec s": timedelta(seconds=1),
    "phút minute min p ' \u2019 \u2032": timedelta(minutes=1),
    "giờ tiếng hour hr h": timedelta(hours=1),
    "ngày day d": timedelta(days=1),
    "tuần week": timedelta(weeks=1),
    "tháng month": timedelta(days=30),
    "năm year": timedelta(days=365),
}
_UNIT = {word: size for words, size in _UNITS.items() for word in words.split()}
_NUMBERS = {
    "a": 1.0, "an": 1.0, "một": 1.0, "nửa": 0.5, "half a": 0.5, "half an": 0.5, "vài": 3.0,
    "mấy": 3.0, "một vài": 3.0, "a few": 3.0, "few": 3.0,
}  # fmt: skip
_COUNT = (
    rf"(?:\d{{1,4}}|{'|'.join(sorted(_NUMBERS, key=len)[::-1])})\s*"
    rf"(?:{'|'.join(sorted(_UNIT, key=len)[::-1])})"
)
_COUNTED = rf"{_COUNT}s?(?:(?:\s*,|\s+và|\s+and)?\s*{_COUNT}s?){{0,3}}"
_AGO = re.compile(
    rf"(?<!\w)(?:(?P<before>{_COUNTED})\s+(?:trước|ago)(?:\s+đây)?(?!\w)"
    rf"|cách đây\s+(?:khoảng\s+)?(?P<after>{_COUNTED})(?!\w))",
    re.IGNORECASE,
)
_ONE = re.compile(
    rf"(?P<n>\d{{1,4}}|{'|'.join(sorted(_NUMBERS, key=len)[::-1])})\s*"
    rf"(?P<unit>{'|'.join(sorted(_UNIT, key=len)[::-1])})s?(?!\w)",
    re.IGNORECASE,
)
_DAYS = {
    "hôm nay": 0, "today": 0, "hôm qua": 1, "yesterday": 1, "hôm kia": 2, "hôm trước": 2,
}  # fmt: skip
_PART = r"(?P<part>sáng|trưa|chiều|tối|đêm)"
_DAY = re.compile(
    rf"(?<!\w)(?:{_PART}\s+)?(?:(?P<day>{'|'.join(_DAYS)})|(?<=\s)(?P<short>nay|qua))(?!\w)",
    re.IGNORECASE,
)
_JUST_NOW = re.compile(
    r"(?:vừa xong|mới đây|vừa mới|vừa đăng|vừa xuất bản|ngay bây giờ|just now|now)\.?",
    re.IGNORECASE,
)


def read(text: str, home: tzinfo, now: datetime) -> datetime | None:
    """The instant that a text counted from `now` means, aware; None for another text."""
    if _JUST_NOW.fullmatch(text):
        return now
    if found := _AGO.search(text):
        counted = _ONE.finditer(found["before"] or found["after"])
        return now - sum((_size(one) for one in counted), timedelta())
    if found := _DAY.search(text):
        return _on_day(text, found, home, now)
    return None


def _size(one: re.Match[str]) -> timedelta:
    number = one["n"].lower()
    return (int(number) if number.isdigit() else _NUMBERS[number]) * _UNIT[one["unit"].lower()]


def _on_day(text: str, found: re.Match[str], home: tzinfo, now: datetime) -> datetime | None:
    """Today or a day before; "chiều qua 2:30" says in which half of the day it was."""
    if found["day"] is None and found["part"] is None:
        return None  # "nay" or "qua" alone
    named = found["day"] or found["short"]
    back = 1 if named.lower() == "qua" else _DAYS.get(named.lower(), 0)
    day = now.astimezone(home) - timedelta(days=back)
    time = daytime.around(text, *found.span())
    return daytime.at((day.year, day.month, day.day), time, home, half=found["part"])
