"""The pages of the site, made once per change of what they show; assets, OPML, robots.txt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.errors import StoreError
from service.publish.pages import Pages
from service.publish.robots import ROBOTS, robots_txt
from service.render.addresses import archive_page, story_page, topic_page
from service.render.assets import media_type
from service.store.content import stories, versions
from service.store.content.stale_feeds import EVERYTHING
from service.store.core.database import Connection
from service.store.sources import renames
from service.web.admin import explained_pages
from service.web.admin.admin_access import is_admin
from service.web.answers import error, moved
from service.web.context import context_of
from service.web.documents import Served, answer, made_now
from service.web.public import public
from service.web.visitors import joined

HTML = "text/html; charset=utf-8"
OPML = "text/x-opml; charset=utf-8"
PAGE_CACHE = "public, max-age=60"
ASSET_CACHE = "public, max-age=3600"
VERSIONED_CACHE = "public, max-age=31536000, immutable"
"""An asset that is asked for with its version never changes under that address."""

Make = Callable[[Connection, Pages], bytes | str | Served | None]
"""The page's bytes, or the page itself; or the path that it has moved to; or None."""


async def home(request: Request) -> Response:
    scopes = (versions.SITE, versions.EDITIONS, EVERYTHING)
    return await _page(request, scopes, lambda _connection, pages: pages.home())


async def topic(request: Request) -> Response:
    name = request.path_params["name"]

    def make(connection: Connection, pages: Pages) -> bytes | str | None:
        new_name = renames.moved_to(connection, "topic", name)
        return topic_page(new_name) if new_name else pages.topic(name)

    return await _page(request, (versions.SITE, versions.EDITIONS, name), make)


async def story(request: Request) -> Response:
    if await is_admin(request):
        return await explained_pages.show_story(request)
    public_id = request.path_params["public_id"]

    def make(connection: Connection, pages: Pages) -> bytes | str | Served | None:
        found = stories.by_public_id(connection, public_id)
        if found is None:
            return None
        gone = pages.recalled(found)
        if gone is not None:
            return made_now(gone, HTML, PAGE_CACHE, gone=True)
        if found.public_id != public_id:
            return story_page(found.public_id)
        return pages.story_page(found)

    return await _page(request, (versions.SITE, versions.STORIES), make)


async def archive(request: Request) -> Response:
    name = request.path_params["digest"]

    def make(connection: Connection, pages: Pages) -> bytes | str | None:
        new_name = renames.moved_to(connection, "digest", name)
        return archive_page(new_name) if new_name else pages.archive(name)

    return await _page(request, (versions.SITE, versions.EDITIONS), make)


async def edition(request: Request) -> Response:
    name, cut = request.path_params["digest"], request.path_params["cut"]

    def make(connection: Connection, pages: Pages) -> bytes | str | None:
        new_name = renames.moved_to(connection, "digest", name)
        return f"/editions/{new_name}/{cut}/" if new_name else pages.edition(name, cut)

    return await _page(request, (versions.SITE, versions.EDITIONS), make)


async def opml(request: Request) -> Response:
    make = lambda _connection, pages: pages.opml()  # noqa: E731
    return await _page(request, (versions.SITE,), make, OPML)


async def asset(request: Request) -> Response:
    """`/assets/NAME`; `/favicon.ico` is one of them."""
    context = context_of(request)
    name = request.path_params.get("name", "favicon.ico")

    def make(_connection: Connection | None) -> Served | None:
        body, kind = assets.get(name), media_type(name)
        if body is None or kind is None:
            return None
        return made_now(body, kind, VERSIONED_CACHE if exact else ASSET_CACHE)

    assets, path, asked = context.renderer.assets, request.scope["path"], request.query_params
    exact = "v" in asked and asked["v"] == assets.version(name)
    key = f"{path}?v={asked['v']}" if exact else path
    try:
        found = await context.pages.fetch(key, (), make)
    except StoreError:  # which the pages that say so are dressed with
        found = await asyncio.to_thread(make, None)
    return (
        error(request, 404)
        if not isinstance(found, Served)
        else answer(found, joined(request.scope["headers"]))
    )


async def robots(request: Request) -> Response:
    body = robots_txt(context_of(request).renderer.site.base_url)
    document = made_now(body, "text/plain; charset=utf-8", ASSET_CACHE)
    return answer(document, joined(request.scope["headers"]))


async def with_slash(request: Request) -> Response:
    """A page's address without the slash at its end."""
    return moved(context_of(request), request.url.path + "/", query=request.url.query)


async def _page(
    request: Request, scopes: Collection[str], make: Make, kind: str = HTML
) -> Response:
    """What `make` gives, or gave when what the page shows (`scopes`) was last changed."""
    context = context_of(request)

    def served(connection: Connection) -> Served | str | None:
        found = make(connection, Pages(connection, context.settings, context.renderer))
        return made_now(found, kind, PAGE_CACHE) if isinstance(found, bytes) else found

    return await public(request, request.scope["path"], scopes, served)


_PAGES = {
    "/topics/{name}": topic,
    "/stories/{public_id}": story,
    "/digests/{digest}": archive,
    "/editions/{digest}/{cut}": edition,
}

ROUTES = [
    Route("/", home),
    *(Route(f"{path}/", handler) for path, handler in _PAGES.items()),
    *(Route(path, with_slash) for path in _PAGES),
    Route("/topics.opml", opml),
    Route("/assets/{name}", asset),
    Route("/favicon.ico", asset),
    Route(ROBOTS, robots),
]
