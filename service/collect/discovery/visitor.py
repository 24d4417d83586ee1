"""Fetches the pages of a site that is searched: one at a time, bounded, at the site's pace.

Pages are asked for as robots.txt lets us; a site that answers 429 or 503 is left alone at once.
What comes is read in a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from service.collect.discovery.site_page import NewsList, SitePage, read_news_list, read_site_page
from service.collect.politeness.fetch import Fetch
from service.collect.politeness.site_rules import SiteRules
from service.collect.polling.dispatcher import Dispatcher
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask
from service.errors import BantinError, HttpError, ParseError
from service.model import Document, SourceKind
from service.net import robots
from service.net.answers import Response
from service.parse.options import ParseOptions

MOST_REQUESTS = 30
LONGEST_S = 120.0
"""Of one search; with the usual gap of 2 s both are reached together."""

LONGEST_FETCH_S = 60.0

Said = TypeVar("Said")

_LEAVE_ALONE = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class SearchDependencies:
    """What a search works with. `tell` is called with each address before it is asked."""

    fetch: Fetch
    parsers: Parsers
    clock: Callable[[], datetime]
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """How a site is asked and read. `rules`: of the source whose access is used."""

    rules: SiteRules
    reading: ParseOptions
    most_requests: int = MOST_REQUESTS
    longest_s: float = LONGEST_S


class EndError(Exception):
    """The search has used up what it may ask, or was told to stop."""


class Scout:
    """One search's requests. `asked`: every address; `refused`: in vain, with the reason."""

    def __init__(self, dependencies: SearchDependencies, terms: SearchTerms) -> None:
        self.asked: set[str] = set()
        self.requests = 0
        self.refused: list[tuple[str, str]] = []
        self._dependencies = dependencies
        self._terms = terms
        self._until = asyncio.get_running_loop().time() + terms.longest_s

    def refuse(self, url: str, reason: str) -> None:
        """Note an address that was asked, or was to be asked, in vain."""
        self.refused.append((url, reason))

    async def get(self, url: str, *, page: bool = False) -> Response | None:
        """None where it cannot be had, with the reason kept, or where it was asked before.

        `page`: it is probably a page, so its host's robots.txt must let us.
        """
        if url in self.asked:
            return None
        try:
            if page:
                await self.permit(url)
            return await self.fetch(url, page=page)
        except HttpError as error:
            self.refuse(url, str(error))
            if error.status in _LEAVE_ALONE:
                raise EndError(f"the site wants to be left alone: {error}") from error
        except BantinError as error:
            self.refuse(url, str(error))
        return None

    async def permit(self, url: str) -> None:
        """Raise RobotsError where its host's robots.txt, asked for first, does not let us."""
        fetch, rules = self._dependencies.fetch, self._terms.rules
        if not await fetch.is_permitted(url, rules):
            ask = partial(fetch.ask_robots, url, rules, named=True)
            await self._in_turn(robots.address(url), lambda _: ask())

    async def fetch(self, url: str, *, page: bool = False) -> Response:
        """The answer. `page`: it has been permitted. Raises FetchError."""
        fetch, rules = self._dependencies.fetch, self._terms.rules
        get = partial(fetch.get, url, rules, page=page, named=True)
        response = await self._in_turn(
            url, lambda left_s: get(timeout=min(left_s, LONGEST_FETCH_S))
        )
        if response is None:  # what was known when it was permitted has grown old meanwhile
            return await self.fetch(url, page=page)
        return response

    async def _in_turn(self, url: str, ask: Callable[[float], Awaitable[Said]]) -> Said:
        """Ask once the site may be asked, with the seconds that are left of the search."""
        if self.requests >= self._terms.most_requests:
            raise EndError(f"after {self.requests} addresses, the most of one search")
        loop = asyncio.get_running_loop()
        sites, rules = self._dependencies.fetch.sites, self._terms.rules
        said: list[Said] = []

        async def note(_site: str, url: str) -> None:
            self.asked.add(url)
            self.requests += 1
            self._dependencies.tell(url)
            said.append(await ask(self._until - loop.time()))

        dispatcher = Dispatcher[str](sites, note, at_once=1)
        dispatcher.add(url, rules, url)
        if (sites.free_at(rules.site(url), rules.gap(url)) or 0) <= self._until:
            await dispatcher.run(self._until)
        if not said:
            longest = f"{self._terms.longest_s:g} seconds"
            raise EndError(f"after {longest}, the longest of one search")
        return said[0]

    async def read(self, response: Response | None, kind: SourceKind) -> Document | None:
        """The document, None where it is none of this kind, or could not be had."""
        if response is None:
            return None
        reading = replace(self._terms.reading, kind=kind, selectors=None, place=None)
        now = self._dependencies.clock()
        job = ParseTask(response.body, dict(response.headers), response.url, reading, now)
        try:
            return (await self._dependencies.parsers.read(job)).document
        except ParseError:
            return None

    async def page(self, response: Response) -> SitePage | None:
        """What the page names, None where it is none."""
        return await self._said(read_site_page, response)

    async def news_list(self, response: Response) -> NewsList | None:
        """The page's own list, None where none can be made out."""
        now = self._dependencies.clock()
        return await self._said(read_news_list, response, self._terms.reading, now)

    async def _said(
        self, read: Callable[..., Said], response: Response, *options: object
    ) -> Said | None:
        headers, parsers = dict(response.headers), self._dependencies.parsers
        try:
            return await parsers.call(read, response.body, headers, response.url, *options)
        except ParseError:
            return None
