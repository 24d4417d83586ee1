"""A subscription as its owner may see it on a page, and the paths that belong to it."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from service.audience import address as addresses
from service.mail.personal import confirm_path, preferences_path, unsubscribe_path
from service.render.addresses import signup_page
from service.store.audience.subscriptions import Subscription
from service.web.answers import page
from service.web.context import Context
from service.web.subscriber import rhythms
from service.web.subscriber.views import Mine


def own_page(
    context: Context,
    found: Subscription,
    now: datetime,
    name: str,
    status: int = 200,
    **views: object,
) -> Response:
    """A template as its owner's page, in their language and zone, with `one: Mine`."""
    return page(
        context,
        name,
        status,
        None,
        found.language,
        found.zone,
        one=mine(context, found, now),
        **views,
    )


def mine(context: Context, found: Subscription, now: datetime) -> Mine:
    """The address is masked, for mails are forwarded; "•••" where it is forgotten."""
    active = found.live and found.confirmed
    return Mine(
        title=found.digest_title,
        address=addresses.masked(found.address) if found.address else "•••",
        next_mail=rhythms.next_mail(context.settings, found, now) if active else None,
        confirm=confirm_path(found.token),
        preferences=preferences_path(found.token),
        unsubscribe=unsubscribe_path(found.token),
        signup=signup_page(found.digest),
    )
