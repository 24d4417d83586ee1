"""The outermost layer: visitor, prefix, headers of the answers, and no traces.

An error of ours is logged with its trace and answered with a page that shows none; a store that
cannot be read is not an error of ours, and logged in one line. A path with a token in it is never
logged. The lines of a request that brings a `traceparent` have its trace id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.web.answers import error, is_unread, unread
from service.web.context import VISITOR, Context
from service.web.headers import HEADERS
from service.web.trace_context import trace_of
from service.web.visitors import joined, visitor

_log = logging.getLogger("bantin.web")


class Shell:
    """An ASGI layer around all routes."""

    def __init__(self, app: ASGIApp, context: Callable[[], Context]) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = trace_of(scope["headers"])
        if trace is None:
            await self._answer(scope, receive, send)
            return
        with structlog.contextvars.bound_contextvars(trace=trace):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = self._context()
        scope = {**scope, "path": _below(context.prefix, scope["path"])}
        scope[VISITOR] = _visitor(context, scope)
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as trouble:
            if answer.begun or not is_unread(trouble):
                _log.exception("request failed: %s %s", scope["method"], _area(scope["path"]))
            if answer.begun:
                raise  # half an answer is out: the server must cut the connection
            await _sorry(scope, trouble)(scope, receive, answer.send)


class _Answer:
    """Puts the headers on whatever is sent; what a route has set itself stays."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _sorry(scope: Scope, trouble: Exception) -> ASGIApp:
    request = Request(scope)
    return unread(request, trouble) if is_unread(trouble) else error(request, 500)


def _visitor(context: Context, scope: Scope) -> object:
    client = scope.get("client")
    peer = client[0] if client else None
    trusted = context.settings.web.trusted_proxies
    return visitor(peer, scope.get("scheme", "http"), joined(scope["headers"]), trusted)


def _below(prefix: str, path: str) -> str:
    """The path on the site, whether or not the proxy took the prefix off."""
    if prefix and path.startswith(f"{prefix}/"):
        return path[len(prefix) :]
    return path


def _area(path: str) -> str:
    """What may be logged of a path: its first part alone, for the rest may be a token."""
    return "/" + path.lstrip("/").partition("/")[0]
