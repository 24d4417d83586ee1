"""A subscription as its owner may see it on a page, and the paths that belong to it."""

from __future__ import annotations

import asyncio
from datetime import datetime

from starlette.responses import Response

from service.audience import address as addresses
from service.mail.personal import confirm_path, preferences_path, unsubscribe_path
from service.render.addresses import SIGNUP, signup_page
from service.store.audience.subscriptions import Subscription
from service.store.reviews import reviews
from service.web.answers import page
from service.web.context import Context
from service.web.subscriber import rhythms
from service.web.subscriber.rhythms import SentEarly
from service.web.subscriber.views import Mine


def own_page(
    context: Context,
    found: Subscription,
    now: datetime,
    name: str,
    status: int = 200,
    *,
    early: SentEarly = frozenset(),
    **views: object,
) -> Response:
    """A template as its owner's page, in their language and zone, with `one: Mine`.

    `early`: see `sent_early`, for a page that says when the next mail comes.
    """
    return page(
        context,
        name,
        status,
        None,
        found.language,
        found.zone,
        one=mine(context, found, now, early),
        **views,
    )


def gone_page(
    context: Context, found: Subscription, status: int = 410, why: str = "forgotten"
) -> Response:
    """What an old link is answered whose address was deleted, or was changed since it was mailed.

    The same whether anything is sent to that address now: links are forwarded with mails.
    """
    offered = found.digest in context.settings.digest
    return page(
        context,
        "gone",
        status,
        language=found.language,
        why=why,
        digest=found.digest_title if offered else context.renderer.site.title,
        signup=signup_page(found.digest) if offered else SIGNUP,
    )


async def sent_early(context: Context, now: datetime) -> SentEarly:
    """The editions of which nothing comes at their hour: they have gone."""

    def read() -> SentEarly:
        with context.store.read() as connection:
            return reviews.sent_early(connection, now)

    return await asyncio.to_thread(read)


def mine(
    context: Context, found: Subscription, now: datetime, early: SentEarly = frozenset()
) -> Mine:
    """The address is masked, for mails are forwarded; "•••" where it is forgotten."""
    active = found.live and found.confirmed
    return Mine(
        title=found.digest_title,
        address=addresses.masked(found.address) if found.address else "•••",
        next_mail=rhythms.next_mail(context.settings, found, now, early) if active else None,
        confirm=confirm_path(found.token),
        preferences=preferences_path(found.token),
        unsubscribe=unsubscribe_path(found.token),
        signup=signup_page(found.digest),
    )
