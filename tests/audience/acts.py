"""What people do, in one line each."""

from __future__ import annotations

from sqlalchemy import select

from service.audience import confirm, signup
from service.audience.signup import SignupRequest
from service.audience.tokens import cookie_hash
from service.store import tables as t
from service.store.audience import subscriptions

COOKIE = "c" * 32


def form(address="minh@example.vn", **values):
    given = {
        "digest": "tuan",
        "cadence": "weekly",
        "topics": ("giao-duc",),
        "evidence": "page, from 203.0.113.5",
        "cookie_hash": cookie_hash(COOKIE),
    }
    return SignupRequest(address, **(given | values))


def newest(store):
    """The subscription that was made last."""
    with store.read() as connection:
        tokens = connection.execute(
            select(t.subscription.c.token).order_by(t.subscription.c.id.desc())
        ).scalars()
        return subscriptions.by_token(connection, tokens.first())


def again(store, subscription):
    """The same subscription as it stands now."""
    with store.read() as connection:
        return subscriptions.by_token(connection, subscription.token)


def history(store, subscription):
    """What happened to it, oldest first."""
    with store.read() as connection:
        lines = t.subscription_event.select().where(
            t.subscription_event.c.subscription_id == subscription.id
        )
        return connection.execute(lines.order_by(t.subscription_event.c.id)).all()


def letters(store):
    """Deliveries with their rendered parts, oldest first."""
    with store.read() as connection:
        rows = connection.execute(
            select(t.delivery, t.segment.c.parts)
            .join(t.segment, t.segment.c.id == t.delivery.c.segment_id)
            .order_by(t.delivery.c.id)
        )
        return list(rows)


def press(store, settings, now, previous_cut, token=None):
    return confirm.confirm(
        store, settings, now, token or newest(store).token,
        cookie=None, pressed=True, previous_cut=previous_cut,
    )  # fmt: skip


def subscribe(store, settings, renderer, now, previous_cut, **values):
    """Sign up and press the button. Returns the active subscription."""
    signup.sign_up(store, settings, renderer, now, form(**values))
    return press(store, settings, now, previous_cut).subscription
