"""How a source's subscription at a hub stands, in one word and as a sentence. Pure."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from service.report.causes import cause
from service.report.sentence import Sentence, counted, in_english, sentence
from service.store.websub.hub_overview import HubRow


def state(hub: HubRow, now: datetime) -> str:
    """alive, silent, asked, refused or failing (`websub` in `bantin status --json`).

    silent: alive, but a poll found news that it had not brought. asked: not confirmed so far.
    """
    if (
        hub.alive_since is not None
        and hub.subscribed_until is not None
        and hub.subscribed_until > now
    ):
        return "silent" if hub.missed_at is not None else "alive"
    if hub.refused_at is not None:
        return "refused"
    return "failing" if hub.error is not None else "asked"


def words(hub: HubRow | None, now: datetime) -> Sentence | None:
    """`hub.example brings its news until 2026-12-04 08:00Z (12 deliveries, …)`; None: no hub."""
    if hub is None:
        return None
    kind = state(hub, now)
    key = "hub.new" if kind == "asked" and hub.asked_at is None else f"hub.{kind}"
    return sentence(
        key,
        hub=urlsplit(hub.hub).netloc,
        until=hub.subscribed_until,
        deliveries=_deliveries(hub),
        missed=hub.missed_at,
        again=hub.next_try_at,
        asked=hub.asked_at,
        cause=cause(hub.error or "?"),
    )


def as_json(hub: HubRow | None, now: datetime) -> dict[str, object] | None:
    """None: no hub is asked. Instants are ISO 8601 in UTC."""
    if hub is None:
        return None
    return {
        "state": state(hub, now),
        "hub": hub.hub,
        "topic": hub.topic,
        "until": _iso(hub.subscribed_until),
        "deliveries": hub.delivered_count,
        "last_delivery": _iso(hub.delivered_at),
        "bad_signatures": hub.unsigned_count,
        "last_bad_signature": _iso(hub.unsigned_at),
        "error": hub.error,
        "words": in_english().tell(words(hub, now)),
    }


def _deliveries(hub: HubRow) -> Sentence:
    if hub.delivered_count:
        said = counted("hub.deliveries", hub.delivered_count, last=hub.delivered_at)
    else:
        said = sentence("hub.deliveries.none")
    return (
        sentence("hub.unsigned", deliveries=said, unsigned=hub.unsigned_count, last=hub.unsigned_at)
        if hub.unsigned_count
        else said
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
