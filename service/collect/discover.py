"""Finding what a site has to collect, as one careful visitor: a few requests, one at a time.

address -> is it a feed, a sitemap itself? -> else a page: the feeds that it names -> those of the
home page -> where its software keeps feeds -> the sitemaps of robots.txt; the page's list of news

Each step is taken only where those before it found no news. Every candidate is fetched and read;
what is offered works. The gap between two requests to a site is that of `[collect] per_site`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urljoin

from service.collect import manners, offers, sitemap_places
from service.collect.access import access_of
from service.collect.feed_habits import home_of, is_home
from service.collect.feed_links import Candidate, Origin
from service.collect.jobs import Job
from service.collect.offers import Discovery, Offer, offer_of
from service.collect.reading import Reading
from service.collect.site_page import SitePage, read_site_page
from service.collect.spacing import BUSY_S, Sites
from service.collect.workers import Parsers
from service.config.schema import Collect, Source
from service.errors import BantinError, FetchError, HttpError, ParseError
from service.model import Document, SourceKind
from service.net.answers import Response
from service.net.client import Client

MOST_REQUESTS = 30
LONGEST_S = 120.0
"""Of one search; with the usual gap of 2 s both are reached together."""

MOST_INDEXES = 2
"""Pages that list feeds and are read for them."""

MOST_IN_VAIN = 4
"""Guessed addresses that answer with a page: some sites have one for everything."""

MOST_SITEMAPS = 6

_MISSING = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_LEAVE_ALONE = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Means:
    """What a search works with. `tell` is called with each address before it is asked."""

    client: Client
    parsers: Parsers
    sites: Sites
    clock: Callable[[], datetime]
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Manner:
    """How a site is asked and read. `source`: whose access is used, and whose key wins."""

    source: Source
    collect: Collect
    reading: Reading
    most_requests: int = MOST_REQUESTS
    longest_s: float = LONGEST_S


async def discover(means: Means, manner: Manner, url: str, *, sitemaps: bool = True) -> Discovery:
    """Search the site at `url`. `sitemaps`: look for them where there is no feed.

    Raises FetchError where `url` cannot be had at all; an address that is missing is replaced by
    its site's home page.
    """
    return await _Search(means, manner, url).run(sitemaps=sitemaps)


class _EndError(Exception):
    """The search has used up what it may ask, or was told to stop."""


class _Search:
    def __init__(self, means: Means, manner: Manner, url: str) -> None:
        self._means = means
        self._manner = manner
        self._url = url
        self._until = asyncio.get_running_loop().time() + manner.longest_s
        self._access = access_of(manner.source, manner.collect)
        self._asked: set[str] = set()
        self._requests = 0
        self._found: list[Offer] = []
        self._refused: list[tuple[str, str]] = []
        self._indexes = 0
        self._in_vain = 0
        self._site = ""

    async def run(self, *, sitemaps: bool) -> Discovery:
        ended = ""
        try:
            response = await self._first()
            await self._from(response, sitemaps=sitemaps)
        except _EndError as end:
            if not self._requests:
                raise FetchError(str(end)) from end
            ended = str(end)
        found = offers.in_order(self._found, self._url, self._means.clock())
        return Discovery(self._url, self._site, found, self._requests, tuple(self._refused), ended)

    async def _first(self) -> Response:
        try:
            return await self._fetch(self._url)
        except HttpError as error:
            if error.status not in _MISSING or is_home(self._url):
                raise
            self._refused.append((self._url, str(error)))
            self._url = home_of(self._url)
            return await self._fetch(self._url)

    async def _from(self, response: Response, *, sitemaps: bool) -> None:
        for kind in (SourceKind.FEED, SourceKind.SITEMAP):
            document = await self._read(response, kind)
            if document is not None:
                why = "it is one itself"
                self._found.append(offer_of(kind, response.url, document, why, Origin.ASKED))
                return
        self._asked.add(response.url)
        page = await self._page(response)
        if page is None:
            return
        self._site = page.name
        await self._feeds(page, response.url)
        self._offer_list(page, response.url)
        if sitemaps and not self._has_feed():
            await self._sitemaps(response.url)

    async def _feeds(self, page: SitePage, url: str) -> None:
        await self._try_all(page.feeds)
        guesses = list(page.habits)
        if not self._has_feed() and not is_home(url):
            home = await self._home(home_of(url))
            if home is not None:
                self._site = self._site or home.name
                await self._try_all(
                    replace(one, why=one.why.replace("the page", "the home page"))
                    for one in home.feeds
                )
                guesses += home.habits
        if not self._has_feed():
            await self._try_all(guesses, only_one=True)

    async def _home(self, url: str) -> SitePage | None:
        response = await self._get(url)
        return None if response is None else await self._page(response)

    def _has_feed(self) -> bool:
        return any(one.kind is SourceKind.FEED and one.is_good for one in self._found)

    async def _try_all(self, candidates: Iterable[Candidate], *, only_one: bool = False) -> None:
        """Fetch and read each. A page that lists feeds puts these before what still waits."""
        waiting = list(candidates)
        while waiting:
            one = waiting.pop(0)
            if one.url in self._asked:
                continue
            if one.origin is Origin.GUESSED and self._in_vain >= MOST_IN_VAIN:
                continue
            waiting = [*await self._try(one), *waiting]
            if only_one and self._has_feed():
                return

    async def _try(self, one: Candidate) -> list[Candidate]:
        """Take it if it is a feed; else the feeds that the page there names."""
        response = await self._get(one.url)
        if response is None:
            return []
        document = await self._read(response, SourceKind.FEED)
        if document is not None:
            url = _lasting(one.url, response)
            self._found.append(
                offer_of(SourceKind.FEED, url, document, one.why, one.origin, one.title)
            )
            return []
        if response.url != one.url:
            self._asked.add(response.url)
        named: list[Candidate] = []
        if one.origin is not Origin.DECLARED and self._indexes < MOST_INDEXES:
            page = await self._page(response)
            if page is not None:
                named = [each for each in page.feeds if each.origin <= Origin.LINKED]
        if named:
            self._indexes += 1
            own = sorted(named, key=lambda each: not offers.is_own(each.url, self._url))
            return [replace(each, why=f"{one.url} lists it") for each in own]
        self._refused.append((one.url, "an HTML page, no feed"))
        self._in_vain += one.origin is Origin.GUESSED
        return []

    def _offer_list(self, page: SitePage, url: str) -> None:
        if page.listed is None:
            return
        why = "the list of news on the page itself"
        listed = offer_of(SourceKind.PAGE, url, page.listed, why, Origin.ASKED)
        self._found.append(replace(listed, selected=page.selected, comments=False))

    async def _sitemaps(self, url: str) -> None:
        robots = await self._get(urljoin(url, "/robots.txt"))
        named = sitemap_places.named_in(robots.body, robots.url) if robots else []
        why = "robots.txt names it" if named else "a usual place for sitemaps"
        for place in (named or sitemap_places.usual(url))[:MOST_SITEMAPS]:
            if await self._sitemap(place, why):
                return

    async def _sitemap(self, place: str, why: str) -> bool:
        """Offer it if it holds addresses. True: it has headlines, so no other is needed."""
        response = await self._get(place)
        document = None if response is None else await self._read(response, SourceKind.SITEMAP)
        if response is None:
            return False
        if document is None:
            self._refused.append((place, "no sitemap"))
            return False
        url = _lasting(place, response)
        if document.further:
            return await self._of_index(url, document, why)
        if not document.entries:
            self._refused.append((place, "a sitemap without addresses"))
            return False
        offer = offer_of(SourceKind.SITEMAP, url, document, why, Origin.LINKED)
        self._found.append(offer)
        return _has_headlines(document)

    async def _of_index(self, url: str, index: Document, why: str) -> bool:
        """Its sitemap of news where it has one, else the whole index."""
        for place in sitemap_places.best_of(index.further, 1):
            response = await self._get(place)
            child = None if response is None else await self._read(response, SourceKind.SITEMAP)
            if child is None or not child.entries:
                continue
            if _has_headlines(child):
                named = f"{url} names it"
                offer = offer_of(SourceKind.SITEMAP, place, child, named, Origin.LINKED)
                self._found.append(offer)
                return True
            offer = offer_of(SourceKind.SITEMAP, url, child, why, Origin.LINKED)
            self._found.append(replace(offer, sitemaps=len(index.further)))
        return False

    async def _read(self, response: Response, kind: SourceKind) -> Document | None:
        """The document, None where it is none of this kind."""
        reading = replace(self._manner.reading, kind=kind, selectors=None, place=None)
        now = self._means.clock()
        job = Job(response.body, dict(response.headers), response.url, reading, now)
        try:
            return (await self._means.parsers.read(job)).document
        except ParseError:
            return None

    async def _page(self, response: Response) -> SitePage | None:
        now, headers = self._means.clock(), dict(response.headers)
        try:
            return await self._means.parsers.call(
                read_site_page, response.body, headers, response.url, self._manner.reading, now
            )
        except ParseError:
            return None

    async def _get(self, url: str) -> Response | None:
        """None where it cannot be had, with the reason kept, or where it was asked before."""
        if url in self._asked:
            return None
        try:
            return await self._fetch(url)
        except HttpError as error:
            self._refused.append((url, str(error)))
            if error.status in _LEAVE_ALONE:
                raise _EndError(f"the site wants to be left alone: {error}") from error
        except BantinError as error:
            self._refused.append((url, str(error)))
        return None

    async def _fetch(self, url: str) -> Response:
        if self._requests >= self._manner.most_requests:
            raise _EndError(f"after {self._requests} addresses, the most of one search")
        collect, source = self._manner.collect, self._manner.source
        site, gap = manners.site(source, collect, url), manners.gap(source, collect, url)
        loop, sites = asyncio.get_running_loop(), self._means.sites
        while (free_at := sites.free_at(site, gap)) is None or free_at > loop.time():
            until = loop.time() + BUSY_S if free_at is None else free_at
            if until > self._until:
                break
            await asyncio.sleep(until - loop.time())
        left = self._until - loop.time()
        if left <= 0 or free_at is None or free_at > loop.time():
            raise _EndError(f"after {self._manner.longest_s:g} seconds, the longest of one search")
        self._asked.add(url)
        self._requests += 1
        self._means.tell(url)
        sites.begin(site, gap, loop.time())
        try:
            return await self._means.client.get(
                url, timeout=min(left, 60.0), allow=manners.allowed(source, collect),
                access=self._access,
            )  # fmt: skip
        finally:
            sites.end(site, gap, loop.time())


def _lasting(url: str, response: Response) -> str:
    """Where it stands for good: a chain of permanent redirects is walked, another is not."""
    hops = response.redirects
    return response.url if hops and all(hop.is_permanent for hop in hops) else url


def _has_headlines(document: Document) -> bool:
    return any(one.title for one in document.entries)
