"""TIME on the command line: an instant as people write it, or how long ago. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.config.values import parse_duration

_FORMS = 'write one such as 2026-11-24, 2026-11-24T07:00 or "7d" (so long ago)'


def parse_instant(text: str, zone: str, now: datetime) -> datetime:
    """Aware UTC. ISO 8601, without a zone in `zone`; or a duration back from `now`.

    Raises ValueError for anything else, with what would be right.
    """
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time; {_FORMS}") from None
