"""The page of an address and its data: change it, take the data along, be forgotten.

Its link is signed, works for a day, and is mailed to the address when the preferences ask for it:
the links that stand in every mail are forwarded with it. GET shows, POST acts.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.audience import address as addresses
from service.audience import forgetting, moving, my_data, own_link, unsubscribe
from service.audience.moving import MoveAsked, MoveState, Moving
from service.audience.own_link import OwnLinkState
from service.audience.signup import LINK_LASTS
from service.mail.personal import move_path, own_path
from service.mail.relays import outbox_of
from service.store.audience.subscriptions import Subscription
from service.web.answers import PRIVATE, error, page
from service.web.context import came_from, context_of, visitor_of
from service.web.forgery import Comes
from service.web.subscriber.form_fields import BODY_LIMIT, Fields, read
from service.web.subscriber.own_subscription import gone_page, own_page, sent_early
from service.web.subscriber.views import MovingView, OwnView

_WAIT_S = "3600"
_SURE = "yes"


async def send_link(request: Request) -> Response:
    """`POST /preferences/TOKEN/link`: mail the signed link to the address itself."""
    context, now = context_of(request), context_of(request).clock()
    if came_from(request) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    if not context.limiter.allows(visitor_of(request).key, now):
        return error(request, 429, {"Retry-After": _WAIT_S})
    found = await asyncio.to_thread(
        own_link.ask,
        context.store,
        context.settings,
        context.renderer,
        now,
        request.path_params["token"],
    )
    if found is None:
        token = request.path_params["token"]
        known = await asyncio.to_thread(unsubscribe.find, context.store, token)
        if known is not None and unsubscribe.is_gone(known):
            return gone_page(context, known)
        return error(request, 404)
    return own_page(context, found, now, "own_sent", hours=own_link.HOURS)


async def show(request: Request) -> Response:
    """`GET /me/LINK`. It writes nothing."""
    found = await _open(request)
    return found if isinstance(found, Response) else _page(request, found)


async def act(request: Request) -> Response:
    """`POST /me/LINK`: `do` = data, move or forget."""
    fields = await read(request)
    if came_from(request) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    found = await _open(request)
    if isinstance(found, Response):
        return found
    acts = {"data": _data, "move": _move, "forget": _forget}
    do = acts.get(fields.one("do"))
    return error(request, 404) if do is None else await do(request, found, fields)


async def _open(request: Request) -> Subscription | Response:
    """The subscription that the link was asked for with; else what its owner must be told."""
    context, now = context_of(request), context_of(request).clock()
    opened = await asyncio.to_thread(
        own_link.open_page, context.store, now, request.path_params["link"]
    )
    if opened.subscription is None:
        return error(request, 404)
    if opened.standing in (OwnLinkState.FORGOTTEN, OwnLinkState.MOVED):
        return gone_page(context, opened.subscription, why=opened.standing.value)
    if opened.standing is OwnLinkState.EXPIRED:
        found = opened.subscription
        ask = found.live and found.confirmed
        return own_page(context, found, now, "own_expired", 410, hours=own_link.HOURS, ask=ask)
    return opened.subscription


async def _data(request: Request, found: Subscription, _fields: Fields) -> Response:
    """Everything that is kept about the address, as a file."""
    context = context_of(request)
    outbox = outbox_of(context.settings)
    document = await asyncio.to_thread(
        my_data.document, context.store, context.clock(), found, outbox
    )
    attached = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(document, media_type="application/json", headers={**PRIVATE, **attached})


async def _move(request: Request, found: Subscription, fields: Fields) -> Response:
    context, now = context_of(request), context_of(request).clock()
    typed = fields.one("address")[: addresses.MAX_LENGTH + 1]
    try:
        address = addresses.normal(typed)
    except ValueError:
        return _page(request, found, typed=typed, problem="signup.fault.address")
    if not context.limiter.allows(visitor_of(request).key, now):
        return error(request, 429, {"Retry-After": _WAIT_S})
    asked = await asyncio.to_thread(
        moving.ask, context.store, context.settings, context.renderer, now, found, address
    )
    if asked is MoveAsked.SAME:
        return _page(request, found, typed=typed, problem="own.fault.same")
    if asked is MoveAsked.FULL:
        return error(request, 503, {"Retry-After": _WAIT_S})
    if asked is MoveAsked.GONE:
        return error(request, 404)
    to = addresses.readable(address)
    return own_page(context, found, now, "move_sent", to=to, days=LINK_LASTS.days)


async def _forget(request: Request, found: Subscription, fields: Fields) -> Response:
    """The box that says "yes" must be ticked: it cannot be taken back."""
    context, now = context_of(request), context_of(request).clock()
    if fields.one("sure") != _SURE or found.address is None:
        return _page(request, found, problem="own.fault.sure")
    await asyncio.to_thread(
        forgetting.take_out, context.store, now, found.address, outbox_of(context.settings)
    )
    return page(context, "own_forgotten", language=found.language)


def _page(
    request: Request, found: Subscription, *, typed: str = "", problem: str | None = None
) -> Response:
    context, now = context_of(request), context_of(request).clock()
    assert found.address is not None
    own = OwnView(
        path=own_path(request.path_params["link"]),
        address=addresses.readable(found.address),
        typed=typed,
        problem=problem,
        active=found.live and found.confirmed,
    )
    return own_page(context, found, now, "own", 422 if problem else 200, own=own)


async def show_move(request: Request) -> Response:
    """`GET /move/TOKEN`: the question to the new address. It writes nothing."""
    context, now = context_of(request), context_of(request).clock()
    token = request.path_params["token"]
    found = await asyncio.to_thread(moving.find, context.store, now, token)
    return await _moved(request, found)


async def move(request: Request) -> Response:
    """`POST /move/TOKEN`: the new address says yes."""
    context, now = context_of(request), context_of(request).clock()
    await read(request)
    if came_from(request) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    token, visitor = request.path_params["token"], visitor_of(request)
    evidence = f"change of address: button, from {visitor.address}"
    found = await asyncio.to_thread(moving.confirm, context.store, now, token, evidence)
    return await _moved(request, found)


async def _moved(request: Request, found: Moving) -> Response:
    context, now = context_of(request), context_of(request).clock()
    if found.subscription is None or found.to is None:
        return error(request, 404)
    view = MovingView(
        path=move_path(request.path_params["token"]),
        to=addresses.masked(found.to),
        done=found.standing is MoveState.DONE,
    )
    if found.standing is MoveState.EXPIRED:
        days = LINK_LASTS.days
        return own_page(context, found.subscription, now, "move_expired", 410, days=days)
    early = await sent_early(context, now)
    return own_page(context, found.subscription, now, "move", early=early, move=view)


ROUTES = [
    Route("/preferences/{token}/link", send_link, methods=["POST"], max_body_size=BODY_LIMIT),
    Route("/me/{link}", show),
    Route("/me/{link}", act, methods=["POST"], max_body_size=BODY_LIMIT),
    Route("/move/{token}", show_move),
    Route("/move/{token}", move, methods=["POST"], max_body_size=BODY_LIMIT),
]
