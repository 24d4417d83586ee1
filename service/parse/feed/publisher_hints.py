"""How often a document itself wants to be asked: ttl, skipHours, skipDays, Syndication. Pure.

RSS 2.0 (cyber.harvard.edu/rss/rss.html, skipHoursDays.html) and the RSS 1.0 Syndication module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.model import WEEKDAYS

_DAY_S = 86400
_PERIODS_S = {
    "hourly": 3600,
    "daily": _DAY_S,
    "weekly": 7 * _DAY_S,
    "monthly": 30 * _DAY_S,
    "yearly": 365 * _DAY_S,
}
_HOURS = 24
_BLOCK = re.compile(r"<(skipHours|skipDays)\b[^>]*>(.{0,4000}?)</\1\s*>", re.DOTALL)
_VALUE = re.compile(r"<(?:hour|day)\b[^>]*>\s*(\w{1,9})\s*</", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What a document says of its rhythm.

    `every_s`: seconds between two requests, None = not said. `phase_s`: by how many seconds after
    1970-01-01 UTC, modulo `every_s`, its updates come; None = any time. `skips`: bit h (0-23) for
    an hour and bit 24 + d (Monday = 0) for a day, in GMT, in which nobody need ask.
    """

    every_s: int | None = None
    phase_s: int | None = None
    skips: int = 0


def of(feed: Mapping[str, Any], text: str) -> Rhythm:
    """`feed`: feedparser's; `text`: the document, since feedparser keeps one hour of several."""
    ttl, (every, phase), skips = _ttl_s(feed), _syndicated(feed), _skips(text)
    if ttl and ttl >= (every or 0):  # of two hints the longer one keeps both
        return Rhythm(ttl, None, skips)
    return Rhythm(every, phase, skips)


def _ttl_s(feed: Mapping[str, Any]) -> int | None:
    """RSS 2.0: minutes."""
    ttl = _said(feed, "ttl")
    return int(ttl[:9]) * 60 or None if ttl.isascii() and ttl.isdigit() else None


def _syndicated(feed: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """RSS 1.0's Syndication module: every so many seconds, and the phase of its base."""
    period = _PERIODS_S.get(_said(feed, "sy_updateperiod").lower())
    often = _said(feed, "sy_updatefrequency") or "1"
    if period is None or not (often.isascii() and often.isdigit()) or int(often[:6]) == 0:
        return None, None
    every = max(period // int(often[:6]), 1)
    # Months and years are not a fixed number of seconds: a base says nothing of them here.
    base = _instant(_said(feed, "sy_updatebase")) if period <= 7 * _DAY_S else None
    return every, None if base is None else int(base.timestamp()) % every


def is_skipped(skips: int, at: datetime) -> bool:
    """Whether `at` (in UTC) lies in an hour or on a day that is skipped."""
    return bool(skips >> at.hour & 1 or skips >> (_HOURS + at.weekday()) & 1)


def next_open(skips: int, at: datetime) -> datetime:
    """The first instant from `at` on that is not skipped; `at` itself where all is skipped."""
    if not skips or not is_skipped(skips, at):
        return at
    hour = at.replace(minute=0, second=0, microsecond=0)
    for n in range(1, 8 * _HOURS):
        if not is_skipped(skips, hour + timedelta(hours=n)):
            return hour + timedelta(hours=n)
    return at


def _said(feed: Mapping[str, Any], name: str) -> str:
    return str(feed.get(name) or "").strip()


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _skips(text: str) -> int:
    """Read in the channel's own part only: an article may write about these elements."""
    if "<skip" not in text:
        return 0
    head = text.find("<item")
    tail = text.rfind("</item>")
    own = text if head < 0 else text[:head] + text[max(tail, head) :]
    bits = 0
    for name, inside in _BLOCK.findall(own):
        for value in _VALUE.findall(inside):
            if name == "skipHours" and value.isdecimal() and int(value) <= _HOURS:
                bits |= 1 << int(value) % _HOURS  # 24 is how some write midnight
            elif name == "skipDays" and value.lower() in WEEKDAYS:
                bits |= 1 << (_HOURS + WEEKDAYS.index(value.lower()))
    return bits
