"""uvicorn's server behind our own acceptor, gate and protocol."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from service.web.front.acceptor import Acceptor
from service.web.front.gate import ConnectionLimiter
from service.web.front.limits import ServerLimits
from service.web.front.protocol import BoundedProtocol
from service.web.front.wire import Wire


class Server(uvicorn.Server):
    """Serves an application on listening sockets. `up` is set once requests are answered.

    `most`: connections at one time. `trusted`: the proxies, asked anew for each connection.
    `find`: what is kept for the target of a request, if anything. `grace_s`: how long a stop waits
    for answers. Signals are the caller's.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int,
        trusted: Callable[[], tuple[str, ...]] = tuple,
        find: Callable[[bytes], Wire | None] = lambda _target: None,
        limits: ServerLimits | None = None,
        grace_s: float = 20.0,
    ) -> None:
        self.up = asyncio.Event()
        self._limits = limits or ServerLimits()
        self._find = find
        self._gate = ConnectionLimiter(most, trusted)
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=int(self._limits.idle_s),
                timeout_graceful_shutdown=int(grace_s),
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])  # without sockets it makes no server of asyncio's
        self.servers: Sequence[Any] = [self._acceptor(bound) for bound in sockets or ()]  # type: ignore[assignment]
        self.up.set()

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()

    def _acceptor(self, bound: socket.socket) -> Acceptor:
        loop = asyncio.get_running_loop()

        def make(host: str, peer: str) -> BoundedProtocol:
            return BoundedProtocol(
                self.config, self.server_state, self.lifespan.state, loop,
                gate=self._gate, limits=self._limits, host=host, peer=peer,
                find=self._find,
            )  # fmt: skip

        return Acceptor(bound, self._gate, make, loop)
