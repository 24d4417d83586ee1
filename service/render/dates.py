"""Instants as people of a language write them. Pure: the zone is an argument."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from service.render.words import Words

_UNITS = (
    (60, 1, "admin.seconds"),
    (2 * 3600, 60, "admin.minutes"),
    (2 * 86400, 3600, "admin.hours"),
    (float("inf"), 86400, "admin.days"),
)
"""A span below so many seconds is told in units of so many, by these words."""


def clock(at: datetime, zone: str) -> str:
    """07:00."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def day(at: datetime | date, zone: str, words: Words) -> str:
    """Vietnamese 03/11/2026, English 3 November 2026."""
    local = at.astimezone(ZoneInfo(zone)) if isinstance(at, datetime) else at
    month = words.say(f"date.month.{local.month}")
    return words.say(
        "date.day", d=local.day, dd=f"{local:%d}", mm=f"{local:%m}", month=month, yyyy=local.year
    )


def weekday(at: datetime, zone: str, words: Words) -> str:
    """Vietnamese "thứ Hai", English "Monday"."""
    return words.say(f"date.weekday.{at.astimezone(ZoneInfo(zone)).isoweekday()}")


def moment(at: datetime, zone: str, words: Words) -> str:
    """Vietnamese "07:00 thứ Hai 30/11", English "Monday 30 November, 07:00"."""
    return _sentence("date.moment", at, zone, words)


def full(at: datetime, zone: str, words: Words) -> str:
    """Hour and date with year: "07:00 thứ Hai, 30/11/2026", "Monday 30 November 2026, 07:00"."""
    return _sentence("date.full", at, zone, words)


def _sentence(key: str, at: datetime, zone: str, words: Words) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return words.say(
        key,
        clock=clock(at, zone),
        weekday=weekday(at, zone, words),
        d=local.day,
        dd=f"{local:%d}",
        mm=f"{local:%m}",
        month=words.say(f"date.month.{local.month}"),
        yyyy=local.year,
    )


def span(seconds: float, words: Words) -> str:
    """How long it was, rounded, in one unit: "45 giây", "95 phút", "3 giờ", "4 ngày"."""
    unit_s, key = next((size, key) for below, size, key in _UNITS if seconds < below)
    return words.say(key, n=round(seconds / unit_s))
