"""Connections: one aiohttp session for each set of opened networks and each way. Opened lazily.

The guard stands where sockets are made, because that is the only place that sees the address after
DNS, for literals (which skip the resolver) and for every redirect. Behind a proxy it sees the proxy
alone, so there the names are looked up and judged before they are handed over.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from service.errors import ForbiddenAddressError
from service.net import guard, tls
from service.net.access import Route
from service.net.limits import FetchLimits
from service.net.unpack import NAMES
from service.net.wire import Connector

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, text/html;q=0.7, */*;q=0.5"
)


@dataclass(slots=True)
class Journey:
    """What one fetch met where sockets are made: refusals, and the addresses it went to."""

    refused: list[str] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)


_journey: ContextVar[Journey | None] = ContextVar("journey", default=None)

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]
]


class Sessions:
    """The open sessions of one client; `close()` them at the end. Tasks may share it."""

    def __init__(
        self, user_agent: str, limits: FetchLimits, resolver: AbstractResolver | None
    ) -> None:
        self._user_agent = user_agent
        self._limits = limits
        self._resolver = resolver
        self._stack = AsyncExitStack()
        self._open: dict[tuple[guard.Networks, Route], aiohttp.ClientSession] = {}

    async def close(self) -> None:
        self._open.clear()
        await self._stack.aclose()

    async def of(self, allowed: guard.Networks, route: Route) -> aiohttp.ClientSession:
        """A kept connection must not serve another set of networks or another way.

        Raises FetchError for certificates that cannot be read.
        """
        known = self._open.get((allowed, route))
        if known is not None:
            return known
        trust: ssl.SSLContext | None = None
        if route.legacy or route.ca is not None:
            trust = await asyncio.to_thread(tls.context, legacy=route.legacy, ca=route.ca)
            known = self._open.get((allowed, route))
            if known is not None:  # another task was faster meanwhile
                return known
        session = self._opened(allowed, route, trust)
        self._open[allowed, route] = session
        await self._stack.enter_async_context(session)
        return session

    def _opened(
        self, allowed: guard.Networks, route: Route, trust: ssl.SSLContext | None
    ) -> aiohttp.ClientSession:
        limits = self._limits
        connector = Connector(
            limits,
            socket_factory=_guarded(allowed, "the proxy: " if route.proxy else ""),
            ssl=trust or True,
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
            proxy=route.proxy,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_s, sock_read=limits.read_s
            ),
            max_headers=limits.headers,
            max_field_size=limits.header_bytes,
            max_line_size=limits.header_bytes,
        )
        # aiohttp asks a second time at once where a server hangs up; we ask once, and say so. There
        # is no public place for it; a test on a real socket holds it.
        session._retry_connection = False  # noqa: SLF001 - see above
        return session

    async def judge_lookup(self, url: URL, allowed: guard.Networks) -> list[str]:
        """Refuse what a proxy would be asked for, where our own DNS says that it must not be.

        Returns where the name leads. What our DNS does not know is left to the proxy: many a
        network knows only its own names. Raises ForbiddenAddressError.
        """
        host = url.host or ""
        try:
            if self._resolver is not None:
                found = await self._resolver.resolve(host, url.port or 0)
                addresses = [str(one["host"]) for one in found]
            else:
                loop = asyncio.get_running_loop()
                infos = await loop.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
                addresses = [str(info[4][0]) for info in infos]
        except (OSError, UnicodeError):
            return []
        for address in addresses:
            why = guard.forbidden(address, allowed)
            if why is not None:
                raise ForbiddenAddressError(why)
        return addresses


@contextmanager
def journey() -> Iterator[Journey]:
    """What is met within this block, in this task and those that it starts."""
    met = Journey()
    token = _journey.set(met)
    try:
        yield met
    finally:
        _journey.reset(token)


def _guarded(allowed: guard.Networks, what: str) -> Callable[[AddressInfo], socket.socket]:
    def open_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _name, address = info
        why = guard.forbidden(str(address[0]), allowed)
        met = _journey.get()
        if why is not None:
            if met is not None:
                met.refused.append(f"{what}{why}")
            raise OSError(why)
        if met is not None:
            met.entered.append(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    return open_socket
