"""`/healthz`: alive. `/readyz`: ready, with what is late."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from service.report.health import Health
from service.report.trouble import Trouble
from service.web.context import context_of, visitor_of

PATIENCE_S = 10
"""For the store, or for a thread that asks it; a probe waits no longer itself."""

_HEADERS = {"Cache-Control": "no-store"}


async def alive(request: Request) -> Response:  # noqa: ARG001 - the shape of a handler
    return PlainTextResponse("ok\n", headers=_HEADERS)


async def ready(request: Request) -> Response:
    """200 or 503. What is late names sources and errors: only who asks directly is told that."""
    try:
        health = await asyncio.wait_for(asyncio.to_thread(context_of(request).health), PATIENCE_S)
    except TimeoutError:
        health = Health(False, (), (Trouble("store_slow", {"seconds": PATIENCE_S}, stops=True),))
    lines = health.lines()
    said: dict[str, object] = {"ready": health.ready, "late": len(lines)}
    visitor = visitor_of(request)
    if visitor.peer is not None and visitor.peer.is_private and not visitor.forwarded:
        said["late"] = lines
    return JSONResponse(said, 200 if health.ready else 503, _HEADERS)


ROUTES = [Route("/healthz", alive), Route("/readyz", ready)]
