"""The rules of a subscriber (WebSub): leases, renewals, retries, signatures, what is asked of whom.

https://www.w3.org/TR/websub/ . Pure: the clock, randomness and the key are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from yarl import URL

from service.collect.schedule.next_poll import HINTS_S, HOUR_S
from service.config.schema import Settings, Source
from service.net import guard
from service.parse.feed import publisher_hints
from service.store.sources.push_state import Silent

PATH = "/websub/"
"""Where our callbacks stand, before the token."""

LEASE = timedelta(days=10)
"""What we ask for: the default that the Recommendation calls good (8.2)."""

LONGEST_LEASE = timedelta(days=30)
"""A hub that gives more is asked again all the same: it may have forgotten us."""

RENEW_FROM, RENEW_SPREAD = 0.6, 0.2
"""Of a lease: it is renewed after 60 to 80 %, so that a hub may be down for a while."""

SOONEST = timedelta(seconds=10)
"""Between two requests for one subscription, whatever lease a hub gives."""

VERIFY_WITHIN = timedelta(hours=1)
"""For how long a hub is waited for that took a request and has not verified it."""

FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(days=1)
"""After a request that led to nothing; the wait doubles in between."""

AFTER_DENIAL = timedelta(days=7)
"""A hub that said no is asked once more after so long."""

SPREAD = 0.2
"""How far chance stretches a wait."""

MOST_UNSUBSCRIPTIONS = 3
"""Requests to be let go. The lease ends by itself."""

TRIED_ENOUGH = 3
"""Failures in a row after which another hub of the same source is asked."""

_METHODS = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_CHALLENGE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,510}[\x21-\x7e])?")
_SIGNATURES = 4  # headers of one delivery that are looked at


def callback_base(settings: Settings, source: Source | None) -> str | None:
    """The address before the token; None where no hub may or could call us.

    Off unless `site.base_url` is public, since no hub can reach this machine by its own name.
    `websub = true` says that one can, in a test or with a hub beside us.
    """
    base = settings.site.base_url
    asked = None if source is None else source.websub
    asked = settings.collect.websub if asked is None else asked
    if base is None or asked is False or source is None:
        return None
    if asked is None and not _is_public(base):
        return None
    return base.rstrip("/") + PATH


def secret(key: bytes, token: str) -> str:
    """What a hub signs with: one for each subscription, 64 characters (of the 199 of 5.1)."""
    return hmac.new(key, b"websub " + token.encode(), hashlib.sha256).hexdigest()


def ways(hub: str) -> tuple[tuple[str, bool], ...]:
    """Where a hub is asked, in order, and whether it may be told a secret there.

    TLS comes first even where the publisher wrote http (8.2). Without it a secret would be
    everybody's, so none is told (5.1), except within this machine.
    """
    url = URL(hub)
    if url.scheme == "https" or guard.is_loopback(url.host or ""):
        return ((hub, True),)
    if url.explicit_port not in {None, 80}:
        return ((hub, False),)
    return ((str(url.with_scheme("https").with_port(None)), True), (hub, False))


def form(
    mode: str, topic: str, callback: str, told: str | None, lease: timedelta = LEASE
) -> dict[str, str]:
    """The body of a request (5.1). `told`: the secret, None = there is none."""
    fields = {"hub.mode": mode, "hub.topic": topic, "hub.callback": callback}
    if mode == "subscribe":
        fields["hub.lease_seconds"] = str(round(lease.total_seconds()))
        if told is not None:
            fields["hub.secret"] = told
    return fields


def lease_of(text: str | None) -> timedelta:
    """What the hub grants. One that does not say, as it must, is taken to grant what was asked."""
    if text is None or not re.fullmatch(r"[0-9]{1,12}", text) or int(text) == 0:
        return LEASE
    return min(timedelta(seconds=int(text)), LONGEST_LEASE)


def renew_at(now: datetime, lease: timedelta, random: float) -> datetime:
    """Well before the lease is over. `random` in [0, 1)."""
    return now + max(lease * (RENEW_FROM + RENEW_SPREAD * random), SOONEST)


def ask_again_at(
    now: datetime,
    failures: int,
    subscribed_until: datetime | None,
    random: float,
    *,
    first: timedelta = FIRST_RETRY,
    retry_after_s: float | None = None,
) -> datetime:
    """After the `failures`-th request in a row (1 = the first) that led to nothing so far.

    While a lease runs there is less time: what is left of it is cut in thirds.
    """
    wait = min(first * 2.0 ** min(max(failures - 1, 0), 20), LONGEST_RETRY)
    if subscribed_until is not None and subscribed_until > now:
        wait = min(wait, max((subscribed_until - now) / 3, SOONEST))
    asked = timedelta(seconds=min(retry_after_s or 0.0, AFTER_DENIAL.total_seconds()))
    return now + max(wait, asked) * (1 + SPREAD * random)


def polled_at(silent: Silent, now: datetime) -> datetime:
    """When a source is polled whose news no hub brings any more: as if none ever had.

    Not before its publisher asks for it; what fails is tried again in its own time.
    """
    if silent.failures:
        return silent.next_poll_at
    rest = min(max(silent.fresh_s or 0, silent.every_s or 0), HINTS_S)
    own = silent.interval_s or HOUR_S
    at = max(now, (silent.last_ok_at or now) + timedelta(seconds=max(own, rest)))
    if silent.held_until is not None:
        at = max(at, silent.held_until)
    return publisher_hints.next_open(silent.skips or 0, at)


def is_challenge(text: str) -> bool:
    """Whether we echo it: short and printable, so that nobody serves files through us (8.2)."""
    return _CHALLENGE.fullmatch(text) is not None


def is_same_topic(one: str, other: str) -> bool:
    """Hubs decode what need not be encoded (5.1), so spellings may differ."""
    if one == other:
        return True
    try:
        return URL(one) == URL(other)
    except ValueError:
        return False


def is_signed(headers: Iterable[str], told: str, body: bytes) -> bool:
    """Whether one of the X-Hub-Signature headers is ours (7.1), compared in constant time."""
    for header in list(headers)[:_SIGNATURES]:
        name, equals, digest = header.strip().partition("=")
        method = _METHODS.get(name.strip().lower())
        if not equals or method is None:
            continue
        right = hmac.new(told.encode(), body, method).hexdigest()
        if hmac.compare_digest(right.encode(), digest.strip().lower().encode()):
            return True
    return False


def may_enter(source_url: str, hub: str, allowed: guard.Networks) -> bool:
    """Whether what is opened for a source is open to its hub, which a stranger may have named.

    So where they share a host, or the source's own address says that it stands inside.
    """
    source, asked = urlsplit(source_url).hostname or "", urlsplit(hub).hostname or ""
    return source == asked or guard.is_inside(source, allowed)


def _is_public(base_url: str) -> bool:
    return guard.closed(urlsplit(base_url).hostname or "", ()) is None
