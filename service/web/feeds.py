"""Feeds as they were built: bytes out of the store, never made on request."""

from __future__ import annotations

import asyncio
import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.publish.channel import FRESH_FOR, MEDIA_TYPES
from service.render.addresses import feed_file
from service.store import documents, renames
from service.store.database import Store
from service.store.documents import StoredDocument
from service.web.answers import error, moved
from service.web.context import context_of
from service.web.documents import Served, answer

_FILE = re.compile(r"([a-z0-9-]{1,64})\.(atom|rss|json)")
_AGE_S = int(FRESH_FOR.total_seconds())
CACHE_CONTROL = f"public, max-age={_AGE_S}, stale-while-revalidate={_AGE_S}"


async def feed(request: Request) -> Response:
    """`/feeds/ID.{atom,rss,json}`. A renamed topic's address answers 301."""
    context = context_of(request)
    match = _FILE.fullmatch(request.path_params["file"])
    if match is None:
        return error(request, 404)
    found = await asyncio.to_thread(_find, context.store, match[1], match[2])
    if found is None:
        return error(request, 404)
    if isinstance(found, str):
        return moved(context, feed_file(found, match[2]))
    return answer(_served(found), request.headers)


def _find(store: Store, name: str, format_: str) -> StoredDocument | str | None:
    """The document; the name that its topic has now; None."""
    with store.read() as connection:
        new_name = renames.moved_to(connection, "topic", name)
        return new_name or documents.get(connection, name, format_)


def _served(found: StoredDocument) -> Served:
    return Served(
        body=found.body,
        etag=found.etag,
        media_type=f"{MEDIA_TYPES[found.format]}; charset=utf-8",
        cache_control=CACHE_CONTROL,
        packed=found.gzip,
        changed_at=found.changed_at,
        everywhere=True,
    )


ROUTES = [Route("/feeds/{file}", feed)]
