"""Dates that count from now: "36 phút trước", "hôm qua 08:30", "3 hours ago"."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from service.text import daytime

_UNITS = {
    "giây second sec": timedelta(seconds=1),
    "phút minute min": timedelta(minutes=1),
    "giờ tiếng hour hr": timedelta(hours=1),
    "ngày day": timedelta(days=1),
    "tuần week": timedelta(weeks=1),
    "tháng month": timedelta(days=30),
    "năm year": timedelta(days=365),
}
_UNIT = {word: size for words, size in _UNITS.items() for word in words.split()}
_AGO = re.compile(
    rf"(?<!\w)(?P<n>\d{{1,4}}|an?|một)\s*(?P<unit>{'|'.join(sorted(_UNIT, key=len)[::-1])})s?"
    r"\s+(?:trước|ago)(?!\w)",
    re.IGNORECASE,
)
_DAYS = {"hôm nay": 0, "today": 0, "hôm qua": 1, "yesterday": 1, "hôm kia": 2}
_DAY = re.compile(rf"(?<!\w)(?:{'|'.join(_DAYS)})(?!\w)", re.IGNORECASE)
_JUST_NOW = re.compile(r"(?:vừa xong|mới đây|vừa mới|just now)\.?", re.IGNORECASE)


def read(text: str, home: tzinfo, now: datetime) -> datetime | None:
    """The instant that a text counted from `now` means, aware; None for another text."""
    if _JUST_NOW.fullmatch(text):
        return now
    if found := _AGO.search(text):
        number = int(found["n"]) if found["n"].isdigit() else 1
        return now - number * _UNIT[found["unit"].lower()]
    if found := _DAY.search(text):
        day = now.astimezone(home) - timedelta(days=_DAYS[found[0].lower()])
        time = daytime.around(text, *found.span())
        return daytime.at((day.year, day.month, day.day), time, home)
    return None
