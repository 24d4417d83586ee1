"""When an article's page that could not be had is asked for again, and when no more. Pure.

Its entry waits for it, so this ends soon: after an hour the entry is taken as its list told it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

from service.collect.schedule import next_poll
from service.errors import (
    BantinError,
    FetchError,
    ForbiddenAddressError,
    HttpError,
    ParseError,
    RobotsError,
    TooLargeError,
)

WAITS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=40))
"""Between the tries; after the last one it is given up."""

OVERDUE = timedelta(hours=6)
"""What has not had its turn for so long, as at a slow site, is given up without one."""

_FOR_NOW = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


def again_at(error: BantinError, tries: int, now: datetime, random: float) -> datetime | None:
    """When to try again after this many tries in vain before; None: never.

    `random`: in [0, 1); waits are up to a quarter longer. Retry-After is never undercut.
    """
    if is_for_good(error) or tries >= len(WAITS):
        return None
    at = now + WAITS[tries] * (1 + random / 4)
    asked = error.retry_after_s if isinstance(error, HttpError) else None
    return at if asked is None else max(at, next_poll.held_until(now, asked))


def is_for_good(error: BantinError) -> bool:
    """Whether the same would come of asking once more."""
    if isinstance(error, RobotsError):
        return not error.for_now
    if isinstance(error, HttpError):
        ours = HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return ours and error.status not in _FOR_NOW
    if isinstance(error, FetchError):
        return isinstance(error, (ForbiddenAddressError, TooLargeError))
    return isinstance(error, ParseError)
