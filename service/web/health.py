"""`/healthz`: alive. `/readyz`: ready, and what is not well.

Where a request comes from proves nothing (service.web.admin.admin_key), so anybody is told kinds,
counts and since when; with the key it tells all of it.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from service.report import probe
from service.report.health import Health
from service.report.trouble import Trouble
from service.web.admin.admin_access import brings_key
from service.web.context import context_of

PATIENCE_S = 10
"""For the store, or for a thread that asks it; a probe waits no longer itself."""

_HEADERS = {"Cache-Control": "no-store"}


async def alive(request: Request) -> Response:  # noqa: ARG001 - the shape of a handler
    return PlainTextResponse("ok\n", headers=_HEADERS)


async def ready(request: Request) -> Response:
    """200 or 503. `reasons` names nobody; `late` does, and needs the key."""
    try:
        health = await asyncio.wait_for(asyncio.to_thread(context_of(request).health), PATIENCE_S)
    except TimeoutError:
        health = Health(False, (), (Trouble("store_slow", {"seconds": PATIENCE_S}, stops=True),))
    said: dict[str, object] = {"ready": health.ready, "reasons": probe.reasons(health)}
    if await brings_key(request):
        said["late"] = health.lines()
    return JSONResponse(said, 200 if health.ready else 503, _HEADERS)


ROUTES = [Route("/healthz", alive), Route("/readyz", ready)]
