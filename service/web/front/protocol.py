"""uvicorn's protocol with bounds: on heads, bodies, time, and on what a slow reader may hold.

It stands on names of `HttpToolsProtocol`: data_received, on_message_begin, on_url, on_header,
on_headers_complete, on_body, on_message_complete, on_response_complete, cycle, pipeline, headers,
url, parser; and of its cycle: response_started, response_complete, disconnected, message_event.
Tests ask it over real sockets, so that a uvicorn without one of them is found out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import IntEnum
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service.web.admin.admin_key import COOKIE
from service.web.front.gate import ConnectionLimiter
from service.web.front.limits import ServerLimits
from service.web.front.refusal import refusal
from service.web.front.wire import Wire

_BAD_REQUEST = 400
_TIMEOUT = 408
_TOO_LARGE = 413
_TARGET_TOO_LONG = 414
_HEAD_TOO_LARGE = 431

_SAFE = frozenset({b"GET", b"HEAD"})
_OF_A_BODY = frozenset({b"content-length", b"transfer-encoding", b"expect"})
_END = b"\r\n"
_LAST = b"connection: close\r\n\r\n"
_ADMIN = COOKIE.encode()

_log = logging.getLogger("bantin.web")


class _RequestState(IntEnum):
    """What of a request is being read."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


class _RefusedError(Exception):
    """Raised through the parser: it stops at once."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `host` is the visitor's address, `peer` by what the gate counts it."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        *,
        gate: ConnectionLimiter,
        limits: ServerLimits,
        host: str,
        peer: str,
        find: Callable[[bytes], Wire | None],
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self.host, self.peer = host, peer
        self._gate, self._limits = gate, limits
        self._find = find
        self._wire: Wire | None = None  # what the request at hand asks for
        self._by_itself = 0  # requests of the data at hand that were answered here
        self._has_body = False
        self._clock: Callable[[], float] = loop.time
        self._connected = False
        self._since = loop.time()  # since when we wait for what we wait for now
        self._reading = _RequestState.NOTHING
        self._message = 0  # counts requests: bytes of one must not count for the next
        self._head_bytes = 0  # names, values and target that the parser gave us
        self._body_bytes = 0  # of bodies, without what chunks are wrapped in
        self._raw_bytes = 0  # bytes that came while this part of this request was being read
        self._body_limit = limits.body_bytes
        self._ending = False
        self._discarded = 0
        self._unread: tuple[float, int] | None = None  # when so much of an answer was not taken

    # What the gate asks, and the watch over time.

    def is_waiting(self) -> bool:
        # With a body outstanding the application has begun, but waits for the sender as we do.
        outstanding = self._reading == _RequestState.BODY
        return outstanding or not self._is_busy() or self._is_unread() or bool(self.pipeline)

    def cut(self) -> None:
        self._ending = True
        if self._connected:
            self.transport.abort()

    def look(self, now: float) -> None:
        """End the connection if what it waits for has taken too long. Called about every second."""
        if not self._connected:
            return
        limits, waited = self._limits, now - self._since
        if self._is_too_slow_a_reader(now) or (self._ending and waited >= limits.goodbye_s):
            self.cut()
        elif self._ending or self.transport.is_closing():
            return
        elif self._reading == _RequestState.HEAD:
            if waited >= limits.head_s:
                self._refuse(_TIMEOUT)
        elif self._reading == _RequestState.BODY:
            if waited >= limits.body_s:
                self._refuse(_TIMEOUT)
        elif not self._is_busy() and waited >= limits.idle_s:
            self.transport.close()

    def _is_busy(self) -> bool:
        """Whether an answer is being made."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _is_unread(self) -> bool:
        return self._connected and self.transport.get_write_buffer_size() > 0

    def _is_too_slow_a_reader(self, now: float) -> bool:
        left = self.transport.get_write_buffer_size()
        if not left:
            self._unread = None
        elif self._unread is None:
            self._unread = now, left
        elif now - self._unread[0] >= self._limits.answer_s:
            if self._unread[1] - left < self._limits.answer_bytes:
                return True
            self._unread = now, left
        return False

    # The connection.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connected = True
        if self._ending:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gate.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._by_itself = 0
        if self._ending:
            self._discard(data)
            return
        step = self._limits.head_bytes
        if len(data) <= step:
            self._feed(data)
            return
        for start in range(0, len(data), step):
            self._feed(data[start : start + step])

    def _feed(self, data: bytes) -> None:
        if self._ending or self.transport.is_closing():
            return
        before = self._message, self._reading
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No other protocol is spoken here: the request is answered in this one, the last.
            self.cycle.keep_alive = False
        except httptools.HttpParserError as trouble:
            self._refuse(_status(trouble))
        else:
            self._count_raw(len(data), same=before == (self._message, self._reading))

    def _count_raw(self, size: int, *, same: bool) -> None:
        """A header that does not end, or the wrapping of chunks, never comes to us as such."""
        if not same or self._reading == _RequestState.NOTHING:
            self._raw_bytes = 0
            return
        self._raw_bytes += size
        if self._reading == _RequestState.HEAD and self._raw_bytes > self._limits.head_bytes:
            self._refuse(_HEAD_TOO_LARGE if self.url else _TARGET_TOO_LONG)
        elif self._reading == _RequestState.BODY and self._raw_bytes > 2 * self._body_limit:
            self._refuse(_TOO_LARGE)

    # What the parser finds.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._message += 1
        self._reading = _RequestState.HEAD
        self._head_bytes = self._body_bytes = 0
        self._body_limit = self._limits.body_bytes
        self._has_body = False
        self._since = self._clock()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._limits.target_bytes:
            raise _RefusedError(_TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        limits = self._limits
        if len(self.headers) >= limits.headers or self._head_bytes > limits.head_bytes:
            raise _RefusedError(_HEAD_TOO_LARGE)
        super().on_header(name, value)
        if self.headers[-1][0] in _OF_A_BODY:
            self._has_body = True

    def on_headers_complete(self) -> None:
        if not self._has_body:
            self._wire = self._kept()
            if self._wire is not None:
                return
        if len(self.pipeline) >= self._limits.pipelined:
            raise _RefusedError(_BAD_REQUEST)
        if self._limits.large_bodies_at in self.url:
            self._body_limit = self._limits.large_body_bytes
        if _announced(self.headers) > self._body_limit:
            raise _RefusedError(_TOO_LARGE)
        super().on_headers_complete()  # may raise: `cycle` is then still that of the one before
        self._reading = _RequestState.BODY
        self._since = self._clock()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._body_limit:
            raise _RefusedError(_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading = _RequestState.NOTHING
        wire, self._wire = self._wire, None
        if wire is None:
            super().on_message_complete()
        else:
            self._answer(wire)

    def on_response_complete(self) -> None:
        self._since = self._clock()
        super().on_response_complete()
        if self._reading == _RequestState.BODY and not self.pipeline:
            self._say_goodbye()  # answered before all of it came: nobody wants the rest

    # What is kept ready: answered here, without a scope, a task or the application.

    def _kept(self) -> Wire | None:
        """Not while other answers are on their way, since they come first, or are not read."""
        if (
            self._is_busy()
            or self.flow.write_paused
            or self._by_itself >= self._limits.pipelined
            or self.parser.get_method() not in _SAFE
            or self.parser.should_upgrade()
        ):
            return None
        wire = self._find(self.url)
        return None if wire is not None and _is_admin(self.headers) else wire

    def _answer(self, wire: Wire) -> None:
        self._by_itself += 1
        encoding = known = since = None
        for name, value in self.headers:
            if name == b"accept-encoding":
                encoding = value if encoding is None else encoding + b"," + value
            elif name == b"if-none-match":
                known = value if known is None else known + b"," + value
            elif name == b"if-modified-since":
                since = value if since is None else since + b"," + value
        reply = wire.reply(encoding, known, since)
        keep = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        date = b"".join(b"%s: %s\r\n" % pair for pair in self.server_state.default_headers)
        body = b"" if self.parser.get_method() == b"HEAD" else reply.body
        self.transport.write(b"".join((reply.head, date, _END if keep else _LAST, body)))
        self.server_state.total_requests += 1
        if not keep:
            self.transport.close()

    # The end.

    def _refuse(self, status: int) -> None:
        """Say why, unless another answer comes first or has begun: it would be torn."""
        if self._ending:
            return
        if self.transport.is_closing() or (self._is_busy() and not self._take_over()):
            self.cut()
            return
        self.transport.write(refusal(status))
        self._say_goodbye()

    def _take_over(self) -> bool:
        """Answer instead of the application, if it still waits for the body. False: it may not."""
        if self._reading != _RequestState.BODY or self.pipeline or self.cycle.response_started:
            return False
        self.cycle.disconnected = True  # what it still sends is dropped
        self.cycle.message_event.set()
        return True

    def _say_goodbye(self) -> None:
        """No more from us. What still comes is thrown away, as closing would destroy the answer."""
        if self.transport.is_closing():
            return  # it said itself that this is the last
        self._ending, self._since = True, self._clock()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > self._limits.goodbye_bytes:
            self.cut()


def _status(trouble: httptools.HttpParserError) -> int:
    """Why the parser stopped: what our callbacks raised stands behind its own error."""
    reason = trouble.__context__
    if isinstance(reason, _RefusedError):
        return reason.status
    if reason is not None and not isinstance(reason, httptools.HttpParserError | UnicodeError):
        _log.error("a request could not be read", exc_info=reason)
    return _BAD_REQUEST


def _is_admin(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether it may come from the admin, to whom the application shows more."""
    return any(name == b"cookie" and _ADMIN in value for name, value in headers)


def _announced(headers: list[tuple[bytes, bytes]]) -> int:
    """The Content-Length, 0 where there is none; the parser has seen that it is a number."""
    return next((int(value) for name, value in headers if name == b"content-length"), 0)
