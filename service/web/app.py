"""The web part put together: routes, layers, errors. It runs under any ASGI server."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from service.config.schema import Settings
from service.render.engine import Renderer
from service.report.health import Health
from service.store.core import facts
from service.store.core.database import Store
from service.web import feeds, health, hubs, pages, references, search
from service.web.admin import admin_pages, edition_pages, explained_pages
from service.web.answers import error
from service.web.context import Context
from service.web.editor import review_pages
from service.web.limiter import Limiter
from service.web.middleware import Shell
from service.web.page_cache import PageCache
from service.web.subscriber import confirm, preferences, subscribe, unsubscribe

_ROOMS = (
    feeds, references, search, subscribe, confirm, preferences, unsubscribe, review_pages, hubs,
    admin_pages, explained_pages, edition_pages, health, pages,
)  # fmt: skip


def create_app(
    store: Store,
    settings_of: Callable[[], Settings],
    renderer_of: Callable[[], Renderer],
    clock: Callable[[], datetime],
    health: Callable[[], Health],
    limiter: Limiter | None = None,
    random: Callable[[], float] = random.random,
) -> Starlette:
    """The application. `settings_of` and `renderer_of` are asked anew at each request.

    `health` runs in a thread. Writes to the store once: the secret of its tokens, if there is none
    yet.
    """
    with store.write() as connection:
        secret = facts.secret(connection)
    pages = PageCache(store, settings_of, renderer_of)
    context = Context(
        store, settings_of, renderer_of, clock, health, secret, pages, limiter or Limiter(), random
    )
    app = Starlette(
        routes=[route for room in _ROOMS for route in room.ROUTES],
        middleware=[Middleware(Shell, context=lambda: context)],
        exception_handlers={HTTPException: _told},
    )
    app.router.redirect_slashes = False  # its redirects name the host that a proxy was asked for
    app.state.context = context
    return app


async def _told(request: Request, trouble: Exception) -> Response:
    assert isinstance(trouble, HTTPException)
    return error(request, trouble.status_code, trouble.headers)
