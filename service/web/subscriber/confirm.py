"""The link of the confirmation mail: a click where one signed up, a button elsewhere."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.audience import confirm as audience
from service.audience import unsubscribe
from service.audience.confirm import Confirmation, ConfirmationState
from service.audience.signup import LINK_LASTS
from service.newsletter import welcome
from service.web.answers import error
from service.web.context import Context, came_from, context_of, visitor_of
from service.web.forgery import Comes, is_prefetch
from service.web.subscriber import cookies, rhythms
from service.web.subscriber.form_fields import BODY_LIMIT, read
from service.web.subscriber.own_subscription import gone_page, own_page, sent_early


async def follow(request: Request) -> Response:
    """`GET /confirm/TOKEN`. Only a real GET of the known browser writes; HEAD never does."""
    context = context_of(request)
    known = request.method == "GET" and not is_prefetch(request.headers)
    cookie = cookies.read(request, context) if known else None
    return await _confirm(request, cookie=cookie, pressed=False)


async def press(request: Request) -> Response:
    """`POST /confirm/TOKEN`: the button, or `do=undo` behind it."""
    fields = await read(request)
    if came_from(request) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    if fields.one("do") == "undo":
        return await _take_back(request)
    return await _confirm(request, cookie=None, pressed=True)


async def _confirm(request: Request, *, cookie: str | None, pressed: bool) -> Response:
    context, now = context_of(request), context_of(request).clock()
    found = await asyncio.to_thread(
        audience.confirm,
        context.store,
        context.settings,
        now,
        request.path_params["token"],
        cookie=cookie,
        pressed=pressed,
        previous_cut=rhythms.previous_cut(context.settings),
        came_from=str(visitor_of(request).address),
    )
    if found.subscription is None:
        return error(request, 404)
    one = found.subscription
    if found.standing is ConfirmationState.ASK:
        return own_page(context, one, now, "confirm")
    if found.standing is ConfirmationState.CONFIRMED:
        welcomed = await asyncio.to_thread(_is_welcomed, context, found)
        early = await sent_early(context, now)
        return own_page(context, one, now, "confirmed", early=early, welcome=welcomed)
    if found.standing is ConfirmationState.EXPIRED:
        return own_page(context, one, now, "expired", 410, days=LINK_LASTS.days)
    if unsubscribe.is_gone(one):
        return gone_page(context, one)
    back = unsubscribe.may_come_back(one)
    return own_page(context, one, now, "unsubscribed", done="since", ended=one.ended_at, back=back)


async def _take_back(request: Request) -> Response:
    context, now = context_of(request), context_of(request).clock()
    token = request.path_params["token"]
    found = await asyncio.to_thread(audience.take_back, context.store, now, token)
    if found is None:
        return error(request, 404)
    if unsubscribe.is_gone(found):
        return gone_page(context, found)
    return own_page(
        context,
        found,
        now,
        "unsubscribed",
        done="stopped",
        ended=found.ended_at,
        back=unsubscribe.may_come_back(found),
    )


def _is_welcomed(context: Context, found: Confirmation) -> bool:
    """Whether a welcome mail with the last edition is on its way."""
    one = found.subscription
    if one is None or not one.welcome_due:
        return False
    return welcome.has_something(
        context.store, context.settings, one.digest, one.subscriber_id, one.topics
    )


ROUTES = [
    Route("/confirm/{token}", follow),
    Route("/confirm/{token}", press, methods=["POST"], max_body_size=BODY_LIMIT),
]
