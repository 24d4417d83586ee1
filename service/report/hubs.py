"""How a source's subscription at a hub stands, in one word and in plain words. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from urllib.parse import urlsplit

from service.store.subscribed import HubRow


def state(hub: HubRow, now: datetime) -> str:
    """alive, silent, asked, refused or failing (CONTRACT: status --json, `websub`).

    silent: alive, but a poll found news that it had not brought. asked: not confirmed so far.
    """
    if hub.alive_since is not None and hub.lease_ends is not None and hub.lease_ends > now:
        return "silent" if hub.missed_at is not None else "alive"
    if hub.refused_at is not None:
        return "refused"
    return "failing" if hub.error is not None else "asked"


def words(hub: HubRow | None, now: datetime, zone: tzinfo = UTC) -> str:
    """`hub.example brings its news until 2026-12-04 08:00Z (12 deliveries, …)`; "": no hub.

    `zone`: of the instants in it.
    """
    if hub is None:
        return ""
    again, missed = _at(hub.next_try_at, zone), _at(hub.missed_at, zone)
    said = {
        "alive": f"brings its news until {_at(hub.lease_ends, zone)} ({_deliveries(hub, zone)})",
        "silent": f"did not bring what a poll found {missed}; polled as without a hub",
        "refused": f"does not: {hub.error} (asked once more {again}); polled",
        "failing": f"cannot be asked: {hub.error} (tried again {again}); polled",
        "asked": f"was asked {_at(hub.asked_at, zone)} and has not confirmed it; polled so far"
        if hub.asked_at
        else "is asked within seconds; polled so far",
    }
    return f"{urlsplit(hub.hub).netloc} {said[state(hub, now)]}"


def as_json(hub: HubRow | None, now: datetime) -> dict[str, object] | None:
    """None: no hub is asked. Instants are ISO 8601 in UTC."""
    if hub is None:
        return None
    return {
        "state": state(hub, now),
        "hub": hub.hub,
        "topic": hub.topic,
        "until": _iso(hub.lease_ends),
        "deliveries": hub.delivered,
        "last_delivery": _iso(hub.delivered_at),
        "bad_signatures": hub.unsigned,
        "error": hub.error,
        "words": words(hub, now),
    }


def _deliveries(hub: HubRow, zone: tzinfo) -> str:
    if not hub.delivered:
        said = "nothing yet"
    else:
        number = "1 delivery" if hub.delivered == 1 else f"{hub.delivered} deliveries"
        said = f"{number}, the last {_at(hub.delivered_at, zone)}"
    return f"{said}; {hub.unsigned} with a wrong signature" if hub.unsigned else said


def _at(at: datetime | None, zone: tzinfo) -> str:
    if at is None:
        return "?"
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}{'Z' if zone is UTC else ''}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
