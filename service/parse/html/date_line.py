"""The line of a page that says when a text came out, and little else. Pure.

A date in a sentence ("họp ngày 24/3") is not a date line: what is left of a date line without its
date is a word or two.
"""

from __future__ import annotations

import re

LONGEST = 80
_LONGEST_LOOSE = 110
"""Characters where author, place and section stand beside."""

DATE = re.compile(
    r"(?ix)\d{4}-\d{1,2}-\d{1,2}(T[\d:.+Z-]+)?"
    r"|(?<!\d)\d{1,2}\s?[/.-]\s?\d{1,2}\s?[/.-]\s?\d{2,4}\b|\b\d{4}[/.]\d{1,2}[/.]\d{1,2}\b"
    r"|\b\d{1,2}(st|nd|rd|th)?\.?\s*(tháng|thg|de|th)?\s*[^\W\d_]{1,10}\.?,?\s*(năm|de|del)?\s*\d{4}\b"
    r"|\b[^\W\d_]{3,10}\.?\s\d{1,2}(st|nd|rd|th)?,?\s\d{4}\b"
    r"|\b\d{1,2}\s+(tháng|thg)\s+\d{1,2},?\s+(năm\s+)?\d{4}\b"
    r"|\b(\d+|an?|một)\s+(giây|phút|giờ|ngày|tuần|tháng|năm)\s+trước\b"
    r"|\b(\d+|an?)\s+(second|minute|min|hour|hr|day|week|month|year)s?\s+ago\b"
    r"|\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일]"
)
CLOCK = re.compile(r"\d{1,2}\s?(?::|h|g|giờ)\s?\d{2}", re.IGNORECASE)
_TIME = re.compile(
    r"(?i)\b\d{1,2}\s?[:hg]\s?\d{2}(\s?[:p]\s?\d{2})?\s?([ap]\.?m\b)?|gmt|utc|[+-]\d{1,2}:?\d{2}"
)
_WORDS = re.compile(r"[^\W\d_]+")
_WEEKDAYS = re.compile(
    r"(?i)\bthứ\s+(hai|ba|tư|năm|sáu|bảy|[2-7])\b|\bchủ\s+nhật\b|\bcn\b|\bngày\b|\blúc\b|"
    r"\b(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?\b"
)
_DAY_AND_MONTH = re.compile(r"ngày\s+\d{1,2}\s+tháng\s+\d{1,2}", re.IGNORECASE)
_CLAUSE = re.compile(r"(?:(?<!\S)[^\W\d_A-Z]+\s+){5,}")
_MOST_WORDS, _MOST_WORDS_LOOSE = 4, 9


def is_date_line(text: str, *, loose: bool = False) -> bool:
    """Whether a text says when, and little else.

    `loose`: as at the head of an article, with a second date (of a change), an author and a section
    beside, though no clause.
    """
    if len(text) > (_LONGEST_LOOSE if loose else LONGEST) or not any(map(str.isdigit, text)):
        return False
    rest, found = DATE.subn(" ", _TIME.sub(" ", text))
    if not found:
        rest, found = DATE.subn(" ", text)
        rest = _TIME.sub(" ", rest)
    if not loose:
        return found == 1 and len(words_beside(rest)) <= _MOST_WORDS
    if not found:
        rest, found = _DAY_AND_MONTH.subn(" ", rest)
    few = len(words_beside(rest)) <= _MOST_WORDS_LOOSE
    return found > 0 and few and _CLAUSE.search(rest) is None


def words_beside(text: str) -> list[str]:
    """Its words, but for days of the week and what belongs to a time."""
    return _WORDS.findall(_WEEKDAYS.sub(" ", _TIME.sub(" ", text)))
