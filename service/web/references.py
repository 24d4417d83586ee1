"""Who cites an official document: `/references/38-CT-TW/`, and its feeds beside it.

They are made when they are asked for, and kept as long as nothing that they show has changed.
Another spelling of the number, or the page without its slash, answers 301.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.publish.channel import FORMATS, MEDIA_TYPES
from service.publish.feeds_on_request import reference_feed
from service.publish.pages import Pages
from service.render.addresses import reference_file, reference_page
from service.store.content import versions
from service.store.core.database import Connection
from service.text.references.find import of_slug
from service.web.answers import error, moved
from service.web.context import Context, context_of
from service.web.documents import Served, made_now
from service.web.feeds import CACHE_CONTROL
from service.web.page_cache import Make
from service.web.pages import HTML, PAGE_CACHE
from service.web.public import public

_FILE = re.compile(rf"([^.]*)\.({'|'.join(FORMATS)})")
_SCOPES = (versions.SITE, versions.STORIES, versions.REFERENCES)
_MISSING = "reference"


async def page(request: Request) -> Response:
    """`/references/38-CT-TW/`."""
    return await _found(request, request.path_params["slug"], "")


async def file(request: Request) -> Response:
    """`/references/38-CT-TW.atom`; without a format the address of the page."""
    named = _FILE.fullmatch(request.path_params["file"])
    return await _found(request, *(named.groups() if named else (request.path_params["file"], "")))


async def _found(request: Request, slug: str, format_: str) -> Response:
    context, reference = context_of(request), of_slug(slug)
    if reference is None:
        return error(request, 404, kind=_MISSING)
    here = reference_file(reference, format_) if format_ else reference_page(reference)
    if request.scope["path"] != unquote(here):
        return moved(context, here)
    make = _feed(context, reference, format_) if format_ else _page(context, reference)
    return await public(request, here, _SCOPES, make, missing=_MISSING)


def _page(context: Context, reference: str) -> Make:
    def make(connection: Connection) -> Served | None:
        body = Pages(connection, context.settings, context.renderer).reference(reference)
        return None if body is None else made_now(body, HTML, PAGE_CACHE)

    return make


def _feed(context: Context, reference: str, format_: str) -> Make:
    def make(connection: Connection) -> Served | None:
        site = context.settings, context.renderer
        body = reference_feed(connection, *site, reference, format_)
        if body is None:
            return None
        served = made_now(body, f"{MEDIA_TYPES[format_]}; charset=utf-8", CACHE_CONTROL)
        return replace(served, everywhere=True)

    return make


ROUTES = [Route("/references/{slug}/", page), Route("/references/{file}", file)]
