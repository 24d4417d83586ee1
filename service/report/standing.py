"""How a source stands, in one word and in plain words. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from service.store.overview import SourceRow

LATE_AFTER = timedelta(minutes=30)
"""A source whose poll has been due for this long is late: ticks come every few seconds."""

TROUBLE = ("gone", "aside", "failing", "late")
"""The states that an admin is told of, the worst first."""


def state(source: SourceRow, now: datetime) -> str:
    """ok, new, late, failing, aside, gone or paused (CONTRACT: status --json).

    gone: its server says that it is gone for good, and it is asked no more. aside: its document
    killed or hung those who read it, and is not read again as it is.
    """
    if source.is_paused(now):
        return "paused"
    if source.gone_at is not None:
        return "gone"
    if source.aside_since is not None:
        return "aside"
    if source.failures:
        return "failing"
    if now - source.next_poll_at > LATE_AFTER:
        return "late"
    return "new" if source.last_ok_at is None else "ok"


def rests_until(source: SourceRow, now: datetime) -> datetime | None:
    """When it is asked again by itself; None where it is not paused, or until somebody says so."""
    return source.rests_until if source.is_paused(now) and not source.paused else None


def reason(source: SourceRow, now: datetime) -> str:
    """Why it does not stand well and when it last did, or who paused it; "" when it does."""
    match state(source, now):
        case "paused":
            return _rest(source, now)
        case "gone":
            since = f"since {_at(source.gone_at)}, {_last_fine(source)}"
            how = f"asked again at a new url, or after `bantin sources retry {source.name}`"
            return f"{source.error} ({since}; {how})"
        case "aside":
            since = f"since {_at(source.aside_since)}, {_last_fine(source)}"
            how = f"read again once it changes, or after `bantin sources retry {source.name}`"
            return f"{source.error or source.document_error} ({since}; {how})"
        case "failing":
            return f"{source.error} ({_times(source.failures)}, {_last_fine(source)})"
        case "late":
            return f"due since {_at(source.next_poll_at)} ({_last_fine(source)})"
        case _:
            return ""


def _rest(source: SourceRow, now: datetime) -> str:
    if source.paused:
        return "paused in the configuration"
    until = rests_until(source, now)
    end = f" until {_at(until)}" if until else ""
    return f"paused by hand since {_at(source.rests_since)}{end}"


def advice(source: SourceRow) -> str:
    """What the admin may want to do though nothing is wrong; "" where there is nothing."""
    if source.moved_to is None:
        return ""
    return f"moved permanently to {source.moved_to}: change its url in the TOML"


def _last_fine(source: SourceRow) -> str:
    return f"last fine {_at(source.last_ok_at)}" if source.last_ok_at else "never fine so far"


def _times(failures: int) -> str:
    return "once" if failures == 1 else f"{failures} times in a row"


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "?"
