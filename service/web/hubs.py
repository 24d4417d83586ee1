"""`/websub/TOKEN`: where hubs call us. GET verifies a subscription, POST delivers what is new.

The token is the permission: only the hub that we told it to knows it. What is delivered must be
signed besides. A hub learns nothing from our answers about what became of its delivery.
"""

from __future__ import annotations

import asyncio

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.collect.websub import callback
from service.collect.websub.callback import Call
from service.net.limits import MEBI
from service.web.context import context_of

BODY_LIMIT = 10 * MEBI
"""Bytes of a delivery: as much as we take of a source that we fetch (net/limits)."""

PATIENCE_S = 30.0
"""How long a delivery may take to arrive."""

AT_ONCE = 8
"""Deliveries whose bodies are in memory at one time; others wait for their turn."""

_HEADERS = {"Cache-Control": "no-store"}
_BUSY = {**_HEADERS, "Retry-After": "60"}


async def verify(request: Request) -> Response:
    """The challenge, byte for byte, if we have asked for this; else 404 (WebSub 5.3.1)."""
    context, query = context_of(request), request.query_params
    if request.method != "GET":
        return _unknown()

    def said(name: str) -> str:
        values = query.getlist(f"hub.{name}")
        return values[0] if len(values) == 1 else ""

    call = Call(
        mode=said("mode"),
        topic=said("topic"),
        challenge=said("challenge"),
        lease_seconds=said("lease_seconds"),
        reason=said("reason"),
    )
    body = await asyncio.to_thread(
        callback.verify,
        context.store,
        context.clock(),
        request.path_params["token"],
        call,
        context.random,
    )
    if body is None:
        return _unknown()
    # Of a type that no browser shows: the challenge is a stranger's text (8.2). Shell adds nosniff.
    return Response(body, 200, _HEADERS, "application/octet-stream")


async def deliver(request: Request) -> Response:
    """202 whatever becomes of it; 410 where we are not subscribed (any more)."""
    context, token = context_of(request), request.path_params["token"]
    one = await asyncio.to_thread(callback.find, context.store, context.clock(), token)
    if one is None:
        return PlainTextResponse("no such subscription\n", 410, _HEADERS)
    try:
        async with asyncio.timeout(PATIENCE_S), _turns(request):
            body = await _body(request)
            if body is None:
                return PlainTextResponse("too large\n", 413, _HEADERS)
            collect = context.settings.collect
            source = context.settings.source.get(one.source)
            interval = (source.interval if source else None) or collect.interval
            is_news = await asyncio.to_thread(
                callback.deliver,
                context.store,
                context.clock(),
                one,
                context.secret,
                body,
                request.headers.get("content-type", ""),
                request.headers.getlist("x-hub-signature"),
                interval.min,
            )
    except TimeoutError:
        return PlainTextResponse("too slow\n", 503, _BUSY)
    except ClientDisconnect:
        return Response(status_code=400)
    structlog.get_logger("bantin").info("hub", id=one.source, to_read=is_news)
    return Response(status_code=202, headers=_HEADERS)


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT:
            return None
        parts.append(part)
    return b"".join(parts)


def _turns(request: Request) -> asyncio.Semaphore:
    state = request.app.state
    if not hasattr(state, "deliveries"):
        state.deliveries = asyncio.Semaphore(AT_ONCE)
    found = state.deliveries
    assert isinstance(found, asyncio.Semaphore)
    return found


def _unknown() -> Response:
    return PlainTextResponse("no such subscription\n", 404, _HEADERS)


ROUTES = [
    Route("/websub/{token}", verify),
    Route("/websub/{token}", deliver, methods=["POST"]),
]
