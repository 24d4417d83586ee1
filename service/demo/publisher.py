"""The demo's publisher as a server on loopback: seven outlets, one of which always fails."""

from __future__ import annotations

import socket
from hashlib import sha256

from aiohttp import web

from service.demo.content import OUTLETS, Content, DemoOutlet

_FAILS = "bao-chieu"


class Publisher:
    """Serves `content` on a listening socket. `turn_to_today()` lets its second day begin."""

    def __init__(self, content: Content, held: socket.socket) -> None:
        self._content = content
        self._held = held
        self._today = False
        self._outlets = {outlet.id: outlet for outlet in OUTLETS}
        self._runner: web.AppRunner | None = None

    def turn_to_today(self) -> None:
        self._today = True

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{outlet}/bai/{article}.html", self._article)
        app.router.add_get("/{outlet}/{path:.*}", self._index)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self._held).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _index(self, request: web.Request) -> web.Response:
        name = request.match_info["outlet"]
        if name == _FAILS:
            return web.Response(status=503, text="Máy chủ đang bảo trì.")
        outlet = self._outlet(name)
        body = self._content.index(outlet, today=self._today)
        etag = f'"{sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(
            body=body, content_type=outlet.type, charset="utf-8", headers={"ETag": etag}
        )

    async def _article(self, request: web.Request) -> web.Response:
        outlet = self._outlet(request.match_info["outlet"])
        body = self._content.article(outlet, request.match_info["article"])
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    def _outlet(self, name: str) -> DemoOutlet:
        outlet = self._outlets.get(name)
        if outlet is None:
            raise web.HTTPNotFound
        return outlet
