"""The HTTP client: limits on bytes and time, redirects by hand, a guard on every connect.

get: address -> (judge the name) -> connect (judge the socket's address) -> headers ->
redirect? judge and go on -> count bytes while reading -> Response
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from service.errors import FetchError, ForbiddenAddressError, HttpError, TooLargeError
from service.net import answers, guard, reasons
from service.net.access import DIRECT, Access, Route
from service.net.answers import Hop, Response
from service.net.limits import FetchLimits
from service.net.sessions import Journey, Sessions, journey
from service.net.unpack import Unpacker, too_large
from service.text.web import http_headers
from service.text.web.ip_literal import literal

_CHUNK = 64 * 1024
# Never carried to another host by a redirect.
_PERSONAL = frozenset({"authorization", "cookie", "proxy-authorization"})
_KEEP_METHOD = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_UNKNOWN_TO_THEM = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


Room = Callable[[int], Awaitable[None]]
"""Waits until so many bytes may be held in memory. Its caller knows when they are free again."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What one fetch asks, whichever address answers it in the end."""

    method: str
    headers: dict[str, str]
    form: Mapping[str, str] | None
    allowed: guard.Networks
    limit: int
    access: Access | None
    room: Room | None = None
    enters: bool = True

    @property
    def route(self) -> Route:
        return DIRECT if self.access is None else self.access.route


class Client:
    """An open HTTP client (`async with`). Tasks may share it.

    `allow_networks` are CIDR texts of private networks that may be entered, though not by a
    redirect from a server outside them. `resolver` replaces the system's (tests). `clock` is
    asked for the instant that a Retry-After date is counted from.
    """

    def __init__(
        self,
        user_agent: str,
        allow_networks: Sequence[str] = (),
        *,
        resolver: AbstractResolver | None = None,
        limits: FetchLimits | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._user_agent = user_agent
        self._allow = tuple(allow_networks)
        self._limits = limits or FetchLimits()
        self._clock = clock
        self._sessions = Sessions(user_agent, self._limits, resolver)

    @property
    def user_agent(self) -> str:
        """Our User-Agent."""
        return self._user_agent

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._sessions.close()

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the deadline of the whole fetch
        allow: Sequence[str] | None = None,
        access: Access | None = None,
        room: Room | None = None,
        enters: bool = True,
    ) -> Response:
        """Fetch `url`. `limit`: bytes of the body; `timeout`: seconds for all of it.

        `room` is asked once for `limit` bytes, before more is kept of a body than of a small one.

        `allow` replaces the client's `allow_networks` for this one. `access`: how the source is
        reached that this belongs to; what it alone is told goes to its origin alone, whatever `url`
        is. `enters` False: `url` was named by a stranger, to whom no network is open; a proxy may
        stand in one all the same. Raises FetchError and its kinds: ForbiddenAddressError,
        TooLargeError, HttpError (any status but 2xx and 304).
        """
        question = _Question(
            "GET",
            dict(headers or {}),
            None,
            _networks(self._allow if allow is None else allow),
            limit or self._limits.body_bytes,
            access,
            room,
            enters,
        )
        return await self._ask(url, question, self._limits.total_s if timeout is None else timeout)

    async def post(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        limit: int | None = None,
        allow: Sequence[str] | None = None,
        access: Access | None = None,
        enters: bool = True,
    ) -> Response:
        """Send a form, urlencoded. Only 307 and 308 carry it on to another address.

        Otherwise as `get`: the same guard, the same limits, the same errors.
        """
        question = _Question(
            "POST",
            {},
            form,
            _networks(self._allow if allow is None else allow),
            limit or self._limits.body_bytes,
            access,
            enters=enters,
        )
        return await self._ask(url, question, self._limits.total_s)

    async def _ask(self, url: str, question: _Question, seconds: float) -> Response:
        with journey() as met:
            try:
                async with asyncio.timeout(seconds):
                    return await self._follow(answers.address(url), question, met)
            except TimeoutError as error:
                if isinstance(error, aiohttp.ClientError):
                    raise reasons.plain(error, url, self._limits) from error
                raise FetchError(f"no complete answer within {seconds:g} s") from error
            except aiohttp.ClientError as error:
                # A name may have a closed address beside an open one: that one spoke.
                if met.refused and not isinstance(error, aiohttp.ClientSSLError):
                    raise ForbiddenAddressError(met.refused[0]) from error
                raise reasons.plain(error, url, self._limits) from error
            except (ValueError, OSError) as error:
                raise FetchError(f"the server's answer cannot be read: {error}") from error

    async def _follow(self, url: URL, question: _Question, met: Journey) -> Response:
        hops: list[Hop] = []
        asked, proxy = question.headers, question.route.proxy
        allowed = question.allowed if question.enters else ()
        while True:
            _judge_name(url, allowed)
            # A proxy stands where the configuration says, whatever redirects.
            opened = allowed if proxy is None else question.allowed
            session = await self._sessions.of(opened, question.route)
            met.entered.clear()
            options = self._options(url, question, asked)
            leads = [] if proxy is None else await self._sessions.judge_lookup(url, allowed)
            async with session.request(
                question.method, url, data=question.form, allow_redirects=False, **options
            ) as answer:
                entered = met.entered if proxy is None else leads
                inside = any(guard.within(address, allowed) for address in entered)
                target = answers.target(answer)
                if target is None:
                    _tell_if_untold(question.access, url, answer)
                    return await self._read(answer, hops, question, inside=inside)
                if question.form is not None and answer.status not in _KEEP_METHOD:
                    raise FetchError(f"a redirect ({answer.status}) that would lose the question")
                if len(hops) == self._limits.redirects:
                    raise FetchError(f"more than {self._limits.redirects} redirects")
                said = ", ".join(answer.headers.getall("Link", ()))
                hops.append(Hop(answer.status, str(target), str(url.with_user(None)), said))
            if target.origin() != url.origin():
                asked = {k: v for k, v in asked.items() if k.lower() not in _PERSONAL}
            if not inside:
                allowed = ()  # what is opened for a source is not open to sites that redirect
            url = target

    def _options(self, url: URL, question: _Question, asked: dict[str, str]) -> Any:
        """What is said to this address, and what to the proxy on the way there."""
        if question.access is None:
            return {"headers": asked}
        headers = {**asked, **question.access.told_to(url)}
        route = question.route
        if route.proxy is None:
            return {"headers": headers}
        to_proxy = {"User-Agent": self._user_agent}
        if route.proxy_auth is not None:
            to_proxy["Proxy-Authorization"] = route.proxy_auth.reveal()
        if url.scheme == "http":  # the proxy itself reads the request, and keeps what is for it
            return {"headers": headers | to_proxy}
        return {"headers": headers, "proxy_headers": to_proxy}

    async def _read(
        self, answer: aiohttp.ClientResponse, hops: list[Hop], question: _Question, *, inside: bool
    ) -> Response:
        raw = answers.joined(answer.raw_headers)
        texts = {name: value.decode("utf-8", "replace") for name, value in raw.items()}
        if not answers.is_welcome(answer.status):
            now = self._clock()
            raise HttpError(
                answer.status,
                reasons.status(answer.status, answer.reason),
                http_headers.retry_after_s(texts.get("retry-after"), now),
                fresh_s=http_headers.fresh_s(texts, now),
                for_good=all(hop.is_permanent for hop in hops),
            )
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            raise FetchError("the server sent a part of the document, but we asked for all of it")
        unpacker = Unpacker(texts.get("content-encoding", "").strip().lower(), question.limit)
        if max(answer.content_length or 0, 0) > self._limits.wire_bytes:
            raise TooLargeError(too_large(self._limits.wire_bytes))
        wire, room = 0, question.room
        async for chunk in answer.content.iter_chunked(_CHUNK):
            wire += len(chunk)
            if wire > self._limits.wire_bytes:
                raise TooLargeError(too_large(self._limits.wire_bytes))
            for size in unpacker.feed(chunk):
                if room is not None and size > self._limits.small_bytes:
                    await room(question.limit)
                    room = None
        body = unpacker.whole() if wire else b""
        home = answer.url.with_user(None).with_fragment(None)
        return Response(answer.status, texts, body, str(home), tuple(hops), raw, inside)


def _networks(texts: Sequence[str]) -> guard.Networks:
    try:
        return guard.networks(texts)
    except ValueError as error:
        raise FetchError(str(error)) from error


def _judge_name(url: URL, allowed: guard.Networks) -> None:
    """Refuse an address by its spelling, before any lookup. Names are left to the socket."""
    if url.port in guard.CLOSED_PORTS:
        raise ForbiddenAddressError(f"port {url.port} is not one where the Web is served")
    address = literal(url.host or "")
    why = None if address is None else guard.forbidden(str(address), allowed)
    if why is not None:
        raise ForbiddenAddressError(why)


def _tell_if_untold(access: Access | None, url: URL, answer: aiohttp.ClientResponse) -> None:
    """Say why a site did not know us, where a redirect led away from the one that would."""
    if access is None or not access.headers or answer.status not in _UNKNOWN_TO_THEM:
        return
    if not access.is_home(url):
        said = reasons.status(answer.status, answer.reason)
        why = f"a redirect led to {url.origin()}, which is told neither auth nor headers"
        raise HttpError(answer.status, f"{said}; {why}")
