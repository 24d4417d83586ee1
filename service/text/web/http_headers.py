"""What response headers say about time and type: pure readings, None for nothing usable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MAX_AGE = re.compile(r"(?:^|[\s,;])(?:max-age)\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that `Retry-After` asks to wait, from a number or a date. Never negative."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,12}", text):
        return float(text)
    at = http_date(text)
    return None if at is None else max(0.0, (at - now).total_seconds())


def http_date(text: str) -> datetime | None:
    """An instant in UTC from an HTTP date."""
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def fresh_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds for which the server calls its answer fresh: Cache-Control's max-age, else Expires.

    What a cache on the way has used up already (Age) is taken off (RFC 9111, 4.2). `headers` has
    lower-case names. no-cache and no-store say nothing about how often to come.
    """
    control = headers.get("cache-control", "")
    match = _MAX_AGE.search(control)
    if match:
        age = headers.get("age", "").strip()
        return max(0.0, float(match[1]) - (float(age) if re.fullmatch(r"\d{1,10}", age) else 0.0))
    if "no-cache" in control or "no-store" in control:
        return None
    expires = http_date(headers["expires"]) if "expires" in headers else None
    if expires is None:
        return None
    said = http_date(headers["date"]) if "date" in headers else None
    return max(0.0, (expires - (said or now)).total_seconds())


def media_type(headers: Mapping[str, str]) -> str:
    """`text/html` of `Text/HTML; charset=utf-8`; "" when nothing is said."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def charset(headers: Mapping[str, str]) -> str | None:
    """The charset that Content-Type names, lower case, None when it names none."""
    match = _CHARSET.search(headers.get("content-type", ""))
    return match[1].lower() if match else None


def conditional(etag: bytes | None, last_modified: bytes | None) -> dict[str, str]:
    """Request headers that ask "only if it changed", byte for byte as the server gave them.

    A validator whose bytes cannot be sent back unchanged is not sent at all.
    """
    headers = {}
    for name, raw in (("If-None-Match", etag), ("If-Modified-Since", last_modified)):
        if not raw:
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if text.strip() == text and not re.search(r"[\x00-\x1f\x7f]", text):
            headers[name] = text
    return headers
