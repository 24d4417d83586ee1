"""The yes that begins a subscription, and taking it back.

A bare GET changes nothing, for scanners open every link of a mail; the exception is the browser
that signed up, which carries the sign-up cookie. Everywhere else a button says yes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.audience import records
from service.audience.records import What
from service.audience.signup import LINK_LASTS
from service.audience.tokens import is_token, same_browser
from service.audience.unsubscribe import unsubscribe
from service.config.schema import Digest, Settings
from service.model import EndedReason
from service.store.audience import invitations, subscriptions, suppressions
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Store

NEWS = "news"
"""The scope in which nothing from before the confirmation is told."""

PreviousCut = Callable[[Digest, str, str | None, str | None, datetime], datetime]
"""(digest, cadence, hour or None, zone or None, now) -> the latest cut before now, UTC. The
calendar is the newsletter's, which this room does not know."""


class ConfirmationState(StrEnum):
    """Where a confirmation link leads."""

    UNKNOWN = "unknown"
    ASK = "ask"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`subscription` is None only when the link is unknown. `fresh`: it was this call that did."""

    standing: ConfirmationState
    subscription: Subscription | None
    fresh: bool = False


def confirm(
    store: Store,
    settings: Settings,
    now: datetime,
    token: str,
    *,
    cookie: str | None,
    pressed: bool,
    previous_cut: PreviousCut,
    came_from: str | None = None,
) -> Confirmation:
    """Follow a confirmation link. It writes if the button was pressed or the browser is known.

    `came_from` is the network address that the yes came from, None = unknown: of who was invited it
    is kept as evidence. Confirming twice is confirming once. A yes lifts the suppression of who had
    unsubscribed.
    """
    if not is_token(token):
        return Confirmation(ConfirmationState.UNKNOWN, None)
    with store.read() as connection:
        found = _standing(subscriptions.by_token(connection, token), now)
    asked = found.subscription
    if found.standing is not ConfirmationState.ASK or asked is None:
        return found
    if not (pressed or same_browser(cookie, asked.signup_hash)):
        return found
    with store.ledger() as connection:
        found = _standing(subscriptions.held(connection, token), now)
        if found.standing is not ConfirmationState.ASK or found.subscription is None:
            return found
        suppressions.lift(connection, found.subscription.subscriber_id)
        how = "button" if pressed else "one click in the browser that signed up"
        invitations.accept(connection, found.subscription.id, now, f"{how}, from {came_from}")
        begun = records.changed(
            connection,
            found.subscription,
            now,
            What.CONFIRMED,
            how=how,
            **begin(settings, found.subscription, now, previous_cut),
            welcome_due=settings.signup.welcome == "last-edition",
            signup_hash=None,  # the cookie has done its work
        )
    return Confirmation(ConfirmationState.CONFIRMED, begun, fresh=True)


def begin(
    settings: Settings, found: Subscription, now: datetime, previous_cut: PreviousCut
) -> dict[str, object]:
    """The columns of a beginning: its first window starts now, in a review at the last cut.

    `next_cut_at` None: the newsletter computes it at its next tick.
    """
    digest = settings.digest.get(found.digest)
    starts = begins(digest, found.scope, found.cadence, found.hour, found.zone, now, previous_cut)
    return {"starts_at": starts, "covered_to": starts, "next_cut_at": None, "rule": None}


def begins(
    digest: Digest | None,
    scope: str,
    cadence: str,
    at: str | None,
    zone: str | None,
    now: datetime,
    previous_cut: PreviousCut,
) -> datetime:
    """Where the first window of a subscription begins. `digest` None: it left the TOML."""
    if digest is None or scope == NEWS:
        return now
    return previous_cut(digest, cadence, at, zone, now)


def take_back(store: Store, now: datetime, token: str) -> Subscription | None:
    """The undo of a confirmation: the subscription ends. None: no such link."""
    return unsubscribe(store, now, token, EndedReason.UNDONE, said="undo after confirming")


def _standing(found: Subscription | None, now: datetime) -> Confirmation:
    if found is None:
        return Confirmation(ConfirmationState.UNKNOWN, None)
    if found.ended_reason == EndedReason.NOT_CONFIRMED:
        return Confirmation(ConfirmationState.EXPIRED, found)
    if not found.live:
        return Confirmation(ConfirmationState.ENDED, found)
    if found.confirmed:
        return Confirmation(ConfirmationState.CONFIRMED, found)
    if found.created_at + LINK_LASTS <= now:
        return Confirmation(ConfirmationState.EXPIRED, found)
    return Confirmation(ConfirmationState.ASK, found)
