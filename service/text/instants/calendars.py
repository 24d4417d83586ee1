"""Dates of East Asia and Thailand brought to the order and the era that the patterns read. Pure."""

from __future__ import annotations

import re
from datetime import datetime

_EASTERN = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_WEEKDAY_IN_BRACKETS = re.compile(
    "\\s*[(\uff08][日月火水木金土一二三四五六일월화수목금토][)\uff09]"
)
_HALF = re.compile(r"(?P<am>上午|午前|오전|凌晨|早上)|(?P<pm>下午|午後|오후|晚上)")
_CLOCK = re.compile(r"\d{1,2}\s?:\s?\d{2}(?:\s?:\s?\d{2})?")
_DOT_BEFORE_TIME = re.compile(r"(?<=\d)\.\s+(?=\d{1,2}\s?:)")
_FIRST = 1970
_BUDDHIST = 543
"""Years by which the calendar of Thailand is ahead."""


def in_western_order(text: str) -> str:
    """The half of the day behind its time: 2026. 11. 24. 오전 8:05 -> 2026. 11. 24 8:05 AM."""
    if text.isascii() or not _EASTERN.search(text):
        return text
    text = _WEEKDAY_IN_BRACKETS.sub("", text)
    half = _HALF.search(text)
    if half is not None:
        name = "AM" if half["am"] else "PM"
        text = f"{text[: half.start()]} {text[half.end() :].lstrip()}"
        text = _CLOCK.sub(lambda time: f"{time[0]} {name}", text, count=1)
    return _DOT_BEFORE_TIME.sub(" ", text)


def of_this_era(at: datetime, now: datetime) -> datetime:
    """The year 2569 is 2026. Raises ValueError where that year lacks the day."""
    year = at.year - _BUDDHIST
    return at.replace(year=year) if _FIRST < year <= now.year + 1 < at.year else at
