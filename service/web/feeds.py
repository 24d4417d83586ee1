"""Feeds as they were built: bytes out of the store, never made on request."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.publish.channel import FRESH_FOR, MEDIA_TYPES
from service.render.addresses import feed_file
from service.store.content import feed_documents, versions
from service.store.content.feed_documents import StoredDocument
from service.store.core.database import Connection
from service.store.sources import renames
from service.web.answers import error
from service.web.documents import Served
from service.web.public import public

_FILE = re.compile(r"([a-z0-9-]{1,64})\.(atom|rss|json)")
_AGE_S = int(FRESH_FOR.total_seconds())
CACHE_CONTROL = f"public, max-age={_AGE_S}, stale-while-revalidate={_AGE_S}"


async def feed(request: Request) -> Response:
    """`/feeds/ID.{atom,rss,json}`. A renamed topic's address answers 301."""
    match = _FILE.fullmatch(request.path_params["file"])
    if match is None:
        return error(request, 404)
    name, format_ = match.groups()

    def make(connection: Connection) -> Served | str | None:
        new_name = renames.moved_to(connection, "topic", name)
        if new_name:
            return feed_file(new_name, format_)
        found = feed_documents.get(connection, name, format_)
        return None if found is None else _served(found)

    key, scopes = feed_file(name, format_), (versions.SITE, versions.feed(name))
    return await public(request, key, scopes, make)


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
