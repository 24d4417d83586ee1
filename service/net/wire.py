"""The bound on what one connection may send, whatever HTTP makes of it.

Framing is not part of a body: endless "100 Continue", chunk extensions, blank lines before the
answer or chunks of one byte would pass the cap on bodies and keep the processor busy up to the
deadline. So bytes are counted where they come from the socket.
"""

from __future__ import annotations

import asyncio
import functools
from ssl import CertificateError, SSLContext, SSLError
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import set_exception

from service.errors import BantinError, FetchError, TooLargeError
from service.net import tls
from service.net.limits import MEBI, FetchLimits
from service.net.unpack import too_large

FRAMING = MEBI
"""Beside the body: headers and the lengths of chunks."""

INTERIM = 16
"""Answers of the kind 1xx before the real one. Honest servers send one or two."""

_BODILESS = {b"204", b"304"}


class Connector(aiohttp.TCPConnector):
    """aiohttp's, but each of its connections is counted."""

    def __init__(self, limits: FetchLimits, **how: Any) -> None:
        super().__init__(**how)
        # aiohttp has no public place for it; tests/net/test_attacks.py holds that this one works.
        most = limits.wire_bytes + FRAMING
        self._factory: Any = functools.partial(_Counted, most, loop=self._loop)

    async def _wrap_create_connection(
        self, *args: Any, **how: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """aiohttp's, but TLS is ours (`tls.BUFFER_BYTES`). Raises what aiohttp's raises."""
        if not isinstance(how.get("ssl"), SSLContext):
            return await super()._wrap_create_connection(*args, **how)
        answers: ResponseHandler = args[0]()
        secured, ready = tls.between(answers, how.pop("ssl"), how.pop("server_hostname", None))
        socket, _ = await super()._wrap_create_connection(lambda: secured, *args[1:], **how)
        key = how["req"].connection_key
        try:
            async with asyncio.timeout(how["timeout"].sock_connect):
                await ready
        except BaseException as error:
            socket.abort()
            match error:
                case TimeoutError():
                    raise
                case CertificateError():
                    raise aiohttp.ClientConnectorCertificateError(key, error) from error
                case SSLError():
                    raise aiohttp.ClientConnectorSSLError(key, error) from error
                case OSError():
                    kind = how.get("client_error", aiohttp.ClientConnectorError)
                    raise kind(key, error) from error
            raise
        transport = answers.transport
        if transport is None:  # the server has hung up at once
            raise aiohttp.ClientConnectorError(key, ConnectionResetError("it hung up"))
        return transport, answers


class _Counted(ResponseHandler):
    def __init__(self, most: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._most = most
        self._came = 0
        self._interim = 0
        self._deaf = False  # all that counts has been said

    def data_received(self, data: bytes) -> None:
        first = self._came == 0
        self._came += len(data)
        if self._came > self._most:
            self._refuse(TooLargeError(too_large(self._most - FRAMING)))
            return
        if first and data[9:12] in _BODILESS:
            # Some servers send a body all the same; read as the next answer it would spoil this.
            head, blank, _ = data.partition(b"\r\n\r\n")
            self._deaf, data = bool(blank), head + blank
            super().data_received(data)
        elif not self._deaf:
            super().data_received(data)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """A message: its head has been read."""
        if data[0].code < 200:  # noqa: PLR2004 - 1xx
            self._interim += 1
            if self._interim > INTERIM:
                self._refuse(FetchError("the server says '1xx' again and again, and never answers"))
        super().feed_data(data, size)

    def _refuse(self, error: BantinError) -> None:
        self.set_exception(error)
        if self._payload is not None:
            set_exception(self._payload, error)
        if self.transport is not None:
            self.transport.abort()
