"""Goodbye. GET shows, POST acts. The link is the permission, so a mail program may press it too.

RFC 8058: a POST without our own `do` field is the header's one click, whatever its body: 200, no
redirect, no cookie, no check where it came from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.audience import unsubscribe as audience
from service.errors import UsageError
from service.mail.personal import NOBODYS_TOKEN, unsubscribe_path
from service.model import EndedReason
from service.store.audience.subscriptions import Subscription
from service.web.answers import PRIVATE, error, see
from service.web.context import Context, came_from, context_of
from service.web.forgery import Comes
from service.web.subscriber.form_fields import BODY_LIMIT, read
from service.web.subscriber.own_subscription import gone_page, own_page, sent_early

ACTS_ON_NOBODY = "one-click works; this link is of a preview and acts on nobody\n"
"""What a POST with the token of previews and test mails is answered, by which `bantin doctor` knows
that it came to this service and nowhere else."""

_STOPS = {"": EndedReason.ONE_CLICK, "stop": EndedReason.PAGE, "all": EndedReason.ALL}
_DONE = {"": "stopped", "stop": "stopped", "all": "all", "monthly": "monthly", "pause": "paused",
         "undo": "restored"}  # fmt: skip


async def show(request: Request) -> Response:
    """`GET /unsubscribe/TOKEN`: a question and what may be wanted instead. It writes nothing."""
    context, now = context_of(request), context_of(request).clock()
    token = request.path_params["token"]
    found = await asyncio.to_thread(audience.find, context.store, token)
    if found is None:
        return error(request, 404)
    if not found.live:
        return await _done(context, found, now, "since")
    return own_page(
        context,
        found,
        now,
        "unsubscribe",
        monthly=found.confirmed and audience.may_be_monthly(context.settings, found),
        pause_days=audience.PAUSE.days if found.confirmed else 0,
    )


async def act(request: Request) -> Response:
    """`POST /unsubscribe/TOKEN`. Said twice it is said once."""
    context, now = context_of(request), context_of(request).clock()
    token = request.path_params["token"]
    do = (await read(request)).one("do")
    if token == NOBODYS_TOKEN and not do:
        return PlainTextResponse(ACTS_ON_NOBODY, headers=PRIVATE)
    if do not in _DONE:
        return error(request, 404)
    if do not in ("", "stop") and came_from(request) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    try:
        found = await asyncio.to_thread(_job(context, now, token, do))
    except UsageError:  # monthly, where the digest has left that cadence meanwhile
        return see(context, unsubscribe_path(token))
    if found is None:
        # Undo of what the person did not end, or a change of what has ended: show how it stands.
        known = await asyncio.to_thread(audience.find, context.store, token)
        return error(request, 404) if known is None else see(context, unsubscribe_path(token))
    # One click works, whatever has ended: no mail program is answered otherwise.
    return await _done(context, found, now, _DONE[do], gone=410 if do else 200)


def _job(context: Context, now: datetime, token: str, do: str) -> Callable[[], Subscription | None]:
    store = context.store
    if do in _STOPS:
        return lambda: audience.unsubscribe(store, now, token, _STOPS[do])
    if do == "monthly":
        return lambda: audience.monthly_instead(store, context.settings, now, token)
    if do == "pause":
        return lambda: audience.pause(store, now, token)
    return lambda: audience.undo(store, now, token)


async def _done(
    context: Context, found: Subscription, now: datetime, done: str, gone: int = 410
) -> Response:
    """`gone`: the status where its address was deleted."""
    if audience.is_gone(found):
        return gone_page(context, found, gone)
    return own_page(
        context,
        found,
        now,
        "unsubscribed",
        early=await sent_early(context, now),
        done=done,
        ended=found.ended_at if done != "paused" else found.paused_until,
        back=audience.may_come_back(found),
    )


ROUTES = [
    Route("/unsubscribe/{token}", show),
    Route("/unsubscribe/{token}", act, methods=["POST"], max_body_size=BODY_LIMIT),
]
