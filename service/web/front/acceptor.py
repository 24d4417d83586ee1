"""Takes connections in, a few at a time, and pauses where there are no descriptors left.

asyncio's own server goes on trying as often as its backlog is long when descriptors run out, and
writes a trace each time; nothing else of the process ran then.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from service.web.front.gate import ConnectionLimiter, peer_of
from service.web.front.protocol import BoundedProtocol
from service.web.front.refusal import refusal

AT_ONCE = 32
"""Connections taken in before others of the event loop have their turn."""

_TURNS = 16
"""A newcomer's first bytes are read some turns later; by then no more may have been taken in than
this part of a fair share, or a flood from his address would push him out before he is heard."""

BACKLOG = 2048
"""Connections that may wait to be taken in."""

PAUSE_S = 0.1
LOOK_S = 1.0

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_FREED = 16
"""Connections that are cut when descriptors run out, although the gate had room."""

_BUSY = 503

_log = logging.getLogger("bantin.web")


class Acceptor:
    """What uvicorn takes for a server of asyncio's: it is closed, and waited for, at the end.

    `make` gives the protocol for an address and the name by which the gate counts it.
    """

    def __init__(
        self,
        bound: socket.socket,
        gate: ConnectionLimiter,
        make: Callable[[str, str], BoundedProtocol],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._socket, self._gate, self._make, self._loop = bound, gate, make, loop
        self._at_once = max(1, min(AT_ONCE, gate.share // _TURNS))
        self._arriving: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._looking = loop.create_task(self._look())
        bound.setblocking(False)
        bound.listen(BACKLOG)
        self._listen()

    def close(self) -> None:
        """Take nobody in any more."""
        self._looking.cancel()
        if self._later is not None:
            self._later.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._arriving, return_exceptions=True)

    def _listen(self) -> None:
        self._later = None
        self._loop.add_reader(self._socket, self._take_in)

    def _take_in(self) -> None:
        for _ in range(self._at_once):
            try:
                one, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._pause(error)
                return
            self._welcome(one, str(address[0]))

    def _welcome(self, one: socket.socket, host: str) -> None:
        protocol = self._make(host, peer_of(host))
        one.setblocking(False)
        if not self._gate.enter(protocol):
            _log.warning("a connection was refused: all places are taken")
            _send_away(one)
            return
        task = self._loop.create_task(self._connect(protocol, one))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _connect(self, protocol: BoundedProtocol, one: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, one)
        except OSError:
            self._gate.leave(protocol)
            one.close()

    def _pause(self, error: OSError) -> None:
        """Let others use what descriptors become free."""
        _log.warning("no descriptors for further connections: %s", error.strerror)
        self._gate.make_room(_FREED)
        self._loop.remove_reader(self._socket)
        self._later = self._loop.call_later(PAUSE_S, self._listen)

    async def _look(self) -> None:
        """The one clock for the times of all connections: a timer each would cost every request."""
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._loop.time()
            for connection in self._gate:
                connection.look(now)


def _send_away(one: socket.socket) -> None:
    with one:
        try:
            one.send(refusal(_BUSY))
        except OSError:
            return
