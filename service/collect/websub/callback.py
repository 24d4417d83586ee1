"""What a hub's call at our callback means, and what it is answered (WebSub 5.2, 5.3, 7).

GET verifies what we have asked for, or denies it; POST delivers. A call that fits no subscription
of ours changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from service.collect.websub import subscriber
from service.model import SourceKind
from service.parse.kinds import KINDS
from service.store.core.database import Connection, Store
from service.store.core.kicks import Kick, kick
from service.store.sources import push_state
from service.store.websub import callbacks
from service.store.websub.callbacks import CallbackOwner
from service.store.websub.hub_subscriptions import SUBSCRIBE, UNSUBSCRIBE
from service.text.fold import nfc

MOST_WAITING = 20
"""Bodies of one source that wait to be read. Of more the source is asked itself."""

LONGEST_REASON = 300
"""Characters of a hub's reason that are kept."""

DENIED = "denied"

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class Call:
    """A GET at a callback: `hub.*` of its query, "" where it was not said, or not once."""

    mode: str
    topic: str
    challenge: str = ""
    lease_seconds: str = ""
    reason: str = ""


def verify(
    store: Store, now: datetime, token: str, call: Call, random: Callable[[], float]
) -> str | None:
    """The body to answer with 200: the challenge, or nothing to a denial. None: 404.

    Raises StoreError.
    """
    with store.read() as connection:  # what anybody may ask must not cost a write
        known = callbacks.called(connection, token, now)
    if known is None or not subscriber.is_same_topic(call.topic, known.topic):
        return None
    with store.write() as connection:
        one = callbacks.hold(connection, known, now)
        if one is None:
            return None
        if call.mode == DENIED:
            return _denied(connection, one, now, call.reason, random())
        if call.mode != one.asked_mode or not subscriber.is_challenge(call.challenge):
            return None
        if call.mode == UNSUBSCRIBE:
            callbacks.gone(connection, one)
        elif call.mode == SUBSCRIBE and one.wanted:
            lease = subscriber.lease_of(call.lease_seconds or None)
            renew_at = subscriber.renew_at(now, lease, random())
            callbacks.verified(connection, one, now, now + lease, renew_at)
        else:
            return None
    _log.info("websub", id=one.source, mode=call.mode, verified=True)
    return call.challenge


def _denied(
    connection: Connection, one: CallbackOwner, now: datetime, reason: str, random: float
) -> str:
    said = " ".join(nfc(reason).split())[:LONGEST_REASON]
    words = f"the hub denied it: {said}" if said else "the hub denied it"
    again = now + subscriber.AFTER_DENIAL * (1 + subscriber.SPREAD * random)
    callbacks.denied(
        connection,
        one,
        now,
        reason=words,
        again_at=again,
        plan=lambda silent: subscriber.polled_at(silent, now),
    )
    _log.info("websub", id=one.source, error=words)
    return ""


def find(store: Store, now: datetime, token: str) -> CallbackOwner | None:
    """Whose callback this is; None: nobody's, or nobody's any more."""
    with store.read() as connection:
        one = callbacks.called(connection, token, now)
    return one if one is not None and one.wanted else None


def deliver(
    store: Store,
    now: datetime,
    one: CallbackOwner,
    key: bytes,
    body: bytes,
    media_type: str,
    signatures: Sequence[str],
    floor: timedelta,
) -> bool:
    """Take what a hub sends; True: there is something to read. The hub is told the same each time.

    What is not signed as it should be is dropped and counted (7.1.2). Of a hub that was told no
    secret, since it has no TLS, anything may be forged: it is a hint to ask the source itself, as
    soon as `floor` has passed since the last time. Raises StoreError.
    """
    secret = subscriber.secret(key, one.token)
    right = not one.signed or subscriber.is_signed(signatures, secret, body)
    with store.write() as connection:
        found = callbacks.hold(connection, one, now)
        if found is None or not found.wanted or not found.known:
            return False  # it never confirmed that we are subscribed, or we are not any more
        if not right or found.signed != one.signed:
            callbacks.unsigned(connection, found, now)
            _log.info("websub", id=one.source, error="a wrong or missing signature")
            return False
        callbacks.heard(connection, found, now)
        usable = found.signed and KINDS[SourceKind(found.kind)].is_feed and body.strip()
        if not usable or callbacks.waiting(connection, found.source_id) >= MOST_WAITING:
            push_state.wake(connection, found.source_id, now, floor)
            return False
        callbacks.keep(connection, found.source_id, media_type, body, now)
        kick(connection, Kick.DELIVERED)
        return True
