"""A cable to a server that can be cut: nothing arrives any more, and nobody is told.

Packets are dropped by a filter of the kernel on the sockets between, as a firewall drops them: no
reset, no acknowledgement, and new connections get no answer. `mend` lets them pass again.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from contextlib import suppress
from typing import Self

_ATTACH, _DETACH = 26, 27  # SO_ATTACH_FILTER, SO_DETACH_FILTER (asm-generic/socket.h)
_DROP = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # BPF: ret #0
_PROGRAM = struct.pack("HL", 1, ctypes.addressof(_DROP))


class Cable:
    """`async with Cable(host, port) as cable`: what connects to `cable.port` reaches the server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.socket()
        self._sockets: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(100)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in (self._listener, *self._sockets):
            one.close()

    def cut(self) -> None:
        """From now on nothing passes, in either direction."""
        self._is_cut = True
        for one in (self._listener, *self._sockets):
            one.setsockopt(socket.SOL_SOCKET, _ATTACH, _PROGRAM)

    def mend(self) -> None:
        """Packets pass again. Who has given up meanwhile says so when he is asked."""
        self._is_cut = False
        for one in (self._listener, *self._sockets):
            one.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
        for one in self._sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            near, _ = await loop.sock_accept(self._listener)
            near.setblocking(False)
            far = socket.socket()
            far.setblocking(False)
            await loop.sock_connect(far, self._server)
            self._sockets |= {near, far}
            for one in (near, far):
                if self._is_cut:
                    one.setsockopt(socket.SOL_SOCKET, _ATTACH, _PROGRAM)
            self._start(self._pass(near, far))
            self._start(self._pass(far, near))

    async def _pass(self, begin: socket.socket, end: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while data := await loop.sock_recv(begin, 65536):
                await loop.sock_sendall(end, data)
        for one in (begin, end):  # the other direction ends with it, and __aexit__ closes them
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _start(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
