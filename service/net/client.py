"""The HTTP client: limits on bytes and time, redirects by hand, a guard on every connect.

get: address -> (judge the name) -> connect (judge the socket's address) -> headers ->
redirect? judge and go on -> count bytes while reading -> Response

The guard stands where sockets are made, because that is the only place that sees the address after
DNS, for literals (which skip the resolver) and for every redirect.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from service.errors import FetchError, ForbiddenAddressError, HttpError, TooLargeError
from service.net import answers, guard, headers, reasons
from service.net.answers import Hop, Response
from service.net.limits import Limits
from service.net.unpack import NAMES, Unpacker, too_large
from service.net.wire import Connector

_CHUNK = 64 * 1024
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, text/html;q=0.7, */*;q=0.5"
)
# Never carried to another host by a redirect.
_PERSONAL = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class _Journey:
    """What one fetch met where sockets are made: refusals, and the addresses it went to."""

    refused: list[str] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)


_journey: ContextVar[_Journey | None] = ContextVar("journey", default=None)

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]
]


class Client:
    """An open HTTP client (`async with`). Tasks may share it.

    `allow_networks` are CIDR texts of private networks that may be entered, though not by a
    redirect from a server outside them. `resolver` replaces the
    system's (tests). `clock` is asked for the instant that a Retry-After date is counted from.
    """

    def __init__(
        self,
        user_agent: str,
        allow_networks: Sequence[str] = (),
        *,
        resolver: AbstractResolver | None = None,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._user_agent = user_agent
        self._allow = tuple(allow_networks)
        self._resolver = resolver
        self._limits = limits or Limits()
        self._clock = clock
        self._stack = AsyncExitStack()
        self._sessions: dict[guard.Networks, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sessions.clear()
        await self._stack.aclose()

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the deadline of the whole fetch
        allow: Sequence[str] | None = None,
    ) -> Response:
        """Fetch `url`. `limit`: bytes of the body; `timeout`: seconds for all of it.

        `allow` replaces the client's `allow_networks` for this one. Raises FetchError and its
        kinds: ForbiddenAddressError, TooLargeError, HttpError (any status but 2xx and 304).
        """
        allowed = _networks(self._allow if allow is None else allow)
        seconds = self._limits.total_s if timeout is None else timeout
        journey = _Journey()
        token = _journey.set(journey)
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(
                    answers.address(url),
                    dict(headers or {}),
                    allowed,
                    limit or self._limits.body_bytes,
                    journey,
                )
        except TimeoutError as error:
            if isinstance(error, aiohttp.ClientError):
                raise reasons.plain(error, url, self._limits) from error
            raise FetchError(f"no complete answer within {seconds:g} s") from error
        except aiohttp.ClientError as error:
            if journey.refused:
                raise ForbiddenAddressError(journey.refused[0]) from error
            raise reasons.plain(error, url, self._limits) from error
        except (ValueError, OSError) as error:
            raise FetchError(f"the server's answer cannot be read: {error}") from error
        finally:
            _journey.reset(token)

    async def _follow(
        self,
        url: URL,
        asked: dict[str, str],
        allowed: guard.Networks,
        limit: int,
        journey: _Journey,
    ) -> Response:
        hops: list[Hop] = []
        while True:
            _judge_name(url, allowed)
            session = await self._session(allowed)
            journey.entered.clear()
            async with session.get(url, headers=asked, allow_redirects=False) as answer:
                target = answers.target(answer)
                if target is None:
                    return await self._read(answer, hops, limit)
                if len(hops) == self._limits.redirects:
                    raise FetchError(f"more than {self._limits.redirects} redirects")
                hops.append(Hop(answer.status, str(target)))
            if target.origin() != url.origin():
                asked = {k: v for k, v in asked.items() if k.lower() not in _PERSONAL}
            if not any(guard.within(address, allowed) for address in journey.entered):
                allowed = ()  # what is opened for a source is not open to whoever redirects
            url = target

    async def _read(self, answer: aiohttp.ClientResponse, hops: list[Hop], limit: int) -> Response:
        raw = answers.joined(answer.raw_headers)
        texts = {name: value.decode("utf-8", "replace") for name, value in raw.items()}
        if not answers.is_welcome(answer.status):
            wait = headers.retry_after_s(texts.get("retry-after"), self._clock())
            raise HttpError(answer.status, reasons.status(answer.status, answer.reason), wait)
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            raise FetchError("the server sent a part of the document, but we asked for all of it")
        unpacker = Unpacker(texts.get("content-encoding", "").strip().lower(), limit)
        if max(answer.content_length or 0, 0) > self._limits.wire_bytes:
            raise TooLargeError(too_large(self._limits.wire_bytes))
        wire = 0
        async for chunk in answer.content.iter_chunked(_CHUNK):
            wire += len(chunk)
            if wire > self._limits.wire_bytes:
                raise TooLargeError(too_large(self._limits.wire_bytes))
            unpacker.feed(chunk)
        body = unpacker.whole() if wire else b""
        home = answer.url.with_user(None).with_fragment(None)
        return Response(answer.status, texts, body, str(home), tuple(hops), raw)

    async def _session(self, allowed: guard.Networks) -> aiohttp.ClientSession:
        """One session per set of opened networks: a kept connection must not serve another set."""
        known = self._sessions.get(allowed)
        if known is not None:
            return known
        limits = self._limits
        connector = Connector(
            limits,
            socket_factory=_guarded(allowed),
            resolver=self._resolver,
            limit=0,  # collect bounds what is in flight, and spaces it per site
            force_close=True,  # a poll asks one question per server; idle sockets would pile up
        )
        session = aiohttp.ClientSession(
            connector=connector,
            headers={
                "User-Agent": self._user_agent,
                "Accept": _ACCEPT,
                "Accept-Encoding": ", ".join(NAMES),
            },
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_s, sock_read=limits.read_s
            ),
            max_headers=limits.headers,
            max_field_size=limits.header_bytes,
            max_line_size=limits.header_bytes,
        )
        self._sessions[allowed] = session
        await self._stack.enter_async_context(session)
        return session


def _guarded(allowed: guard.Networks) -> Callable[[AddressInfo], socket.socket]:
    def open_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _name, address = info
        why = guard.forbidden(str(address[0]), allowed)
        journey = _journey.get()
        if why is not None:
            if journey is not None:
                journey.refused.append(why)
            raise OSError(why)
        if journey is not None:
            journey.entered.append(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    return open_socket


def _networks(texts: Sequence[str]) -> guard.Networks:
    try:
        return guard.networks(texts)
    except ValueError as error:
        raise FetchError(str(error)) from error


def _judge_name(url: URL, allowed: guard.Networks) -> None:
    """Refuse an address by its spelling, before any lookup. Names are left to the socket."""
    if url.port in guard.CLOSED_PORTS:
        raise ForbiddenAddressError(f"port {url.port} is not one where the Web is served")
    address = guard.literal(url.host or "")
    why = None if address is None else guard.forbidden(str(address), allowed)
    if why is not None:
        raise ForbiddenAddressError(why)
