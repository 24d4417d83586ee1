"""Whether a request brings the admin key: in a cookie, or to monitors' addresses as a bearer."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from service.web.admin import admin_key
from service.web.context import context_of


async def key_of(request: Request) -> str | None:
    """The key of this machine, as it stands in its file just now; None where there is none."""
    return await asyncio.to_thread(admin_key.read, context_of(request).settings.var)


def has_cookie(request: Request, key: str) -> bool:
    """Whether it has the cookie that a link is exchanged for."""
    cookie = request.cookies.get(admin_key.cookie_name(key), "")
    return admin_key.opens(key, "cookie", cookie, context_of(request).clock())


async def is_admin(request: Request) -> bool:
    """Whether it has the cookie. For a request without any the key's file is not read."""
    if admin_key.COOKIE not in request.headers.get("cookie", ""):
        return False
    key = await key_of(request)
    return key is not None and has_cookie(request, key)


async def brings_key(request: Request) -> bool:
    """The cookie, or `Authorization: Bearer KEY` (RFC 6750 2.1) as commands send it."""
    key = await key_of(request)
    if key is None:
        return False
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    bearer = scheme.lower() == "bearer" and admin_key.is_key(key, said.strip())
    return bearer or has_cookie(request, key)
