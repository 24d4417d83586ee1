"""How a public page or feed is answered: as it was kept, or made now."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from service.web.answers import error, moved
from service.web.context import context_of
from service.web.documents import answer
from service.web.page_cache import Make
from service.web.visitors import joined


async def public(
    request: Request, key: str, scopes: Collection[str], make: Make, missing: str = ""
) -> Response:
    """What `make` gives, or gave when what it shows (`scopes`) was last changed.

    `key`: its address as a request has it. `missing`: what the page says that there is not.
    """
    context = context_of(request)
    found = await context.pages.fetch(key, scopes, make)
    if found is None:
        return error(request, 404, kind=missing)
    if isinstance(found, str):
        return moved(context, found)
    return answer(found, joined(request.scope["headers"]))
