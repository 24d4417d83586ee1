"""Finding what a site has to collect, as one careful visitor: a few requests, one at a time.

address -> is it a feed, a sitemap itself? -> else a page: the feeds that it names -> those of the
home page -> where its software keeps feeds -> the sitemaps of robots.txt; the page's list of news

Each step is taken only where those before it found no news. Every candidate is fetched and read;
what is offered works. The gap between two requests is that of `[collect] per_site`; pages, but
the one that was named, are asked for as robots.txt lets us.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urljoin

from service.collect.discovery.candidates import (
    Discovery,
    SourceCandidate,
    in_order,
    is_own,
    offer_of,
)
from service.collect.discovery.common_paths import home_of, is_home
from service.collect.discovery.feed_links import FeedLink, LinkOrigin
from service.collect.discovery.site_page import SitePage
from service.collect.discovery.visitor import EndError, Scout, SearchDependencies, SearchTerms
from service.errors import FetchError, HttpError, RobotsError
from service.model import Document, SourceKind
from service.net.answers import Response, moved_to
from service.parse.kinds import KINDS
from service.parse.sitemap import well_known

MOST_INDEXES = 2
"""Pages that list feeds and are read for them."""

MOST_IN_VAIN = 4
"""Guessed addresses that answer with a page: some sites have one for everything."""

MOST_SITEMAPS = 6

_MISSING = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


async def discover(
    dependencies: SearchDependencies, terms: SearchTerms, url: str, *, sitemaps: bool = True
) -> Discovery:
    """Search the site at `url`. `sitemaps`: look for them where there is no feed.

    Raises FetchError where `url` cannot be had at all; an address that is missing is replaced by
    its site's home page.
    """
    return await _Search(dependencies, terms, url).run(sitemaps=sitemaps)


class _Search:
    def __init__(self, dependencies: SearchDependencies, terms: SearchTerms, url: str) -> None:
        self._dependencies = dependencies
        self._terms = terms
        self._url = url
        self._about = url  # what is looked for, also where its own address is missing
        self._scout = Scout(dependencies, terms)
        self._found: list[SourceCandidate] = []
        self._guessed: set[str] = set()
        self._indexes = 0
        self._in_vain = 0
        self._site = ""

    async def run(self, *, sitemaps: bool) -> Discovery:
        ended = ""
        try:
            response = await self._first()
            await self._from(response, sitemaps=sitemaps)
        except EndError as end:
            if not self._scout.requests:
                raise FetchError(str(end)) from end
            ended = str(end)
        found = in_order(self._found, self._about, self._dependencies.clock())
        return Discovery(
            self._url,
            self._site,
            found,
            self._scout.requests,
            tuple(self._scout.refused),
            frozenset(self._guessed),
            ended,
        )

    async def _first(self) -> Response:
        try:
            if KINDS[self._terms.rules.source.kind].for_people:
                await self._scout.permit(self._url)
            return await self._scout.fetch(self._url)
        except HttpError as error:
            if error.status not in _MISSING or is_home(self._url):
                raise
            self._scout.refuse(self._url, str(error))
            self._url = home_of(self._url)
            await self._scout.permit(self._url)
            return await self._scout.fetch(self._url)

    async def _from(self, response: Response, *, sitemaps: bool) -> None:
        for kind in (SourceKind.FEED, SourceKind.SITEMAP):
            document = await self._scout.read(response, kind)
            if document is not None:
                why = "it is one itself"
                self._found.append(offer_of(kind, response.url, document, why, LinkOrigin.ASKED))
                return
        self._scout.asked.add(response.url)
        seen = await self._behind(response)
        if seen is None:
            self._scout.refuse(response.url, "neither a feed nor a page")
            seen = await self._home(home_of(response.url))
        if seen is None:
            return
        response, page = seen
        self._site = page.name
        await self._feeds(page)
        await self._offer_list(response)
        if sitemaps and not self._has_feed():
            await self._sitemaps(page.url)

    async def _feeds(self, page: SitePage) -> None:
        await self._try_all(page.feeds)
        guesses = list(page.common)
        if not self._has_feed() and not is_home(page.url):
            seen = await self._home(home_of(page.url))
            if seen is not None:
                home = seen[1]
                self._site = self._site or home.name
                await self._try_all(
                    replace(one, why=one.why.replace("the page", "the home page"))
                    for one in home.feeds
                )
                guesses += home.common
        if not self._has_feed():
            self._guessed |= {one.url for one in guesses}
            await self._try_all(guesses, only_one=True)

    async def _home(self, url: str) -> tuple[Response, SitePage] | None:
        response = await self._scout.get(url, page=True)
        return None if response is None else await self._behind(response)

    async def _behind(self, response: Response) -> tuple[Response, SitePage] | None:
        """The page; where it is nothing but a way to another one, that one."""
        page = await self._scout.page(response)
        if page is None or page.leads_to is None or page.feeds:
            return None if page is None else (response, page)
        there = await self._scout.get(page.leads_to, page=True)
        behind = None if there is None else await self._scout.page(there)
        return (response, page) if there is None or behind is None else (there, behind)

    def _has_feed(self) -> bool:
        return any(one.kind is SourceKind.FEED and one.is_good for one in self._found)

    async def _try_all(self, candidates: Iterable[FeedLink], *, only_one: bool = False) -> None:
        """Fetch and read each. A page that lists feeds puts these before what still waits."""
        waiting = list(candidates)
        while waiting:
            one = waiting.pop(0)
            if one.url in self._scout.asked:
                continue
            if one.origin is LinkOrigin.GUESSED and self._in_vain >= MOST_IN_VAIN:
                continue
            waiting = [*await self._try(one), *waiting]
            if only_one and self._has_feed():
                return

    async def _try(self, one: FeedLink) -> list[FeedLink]:
        """Take it if it is a feed; else the feeds that the page there names."""
        response = await self._scout.get(one.url, page=_is_page(one))
        if response is None:
            return []
        document = await self._scout.read(response, SourceKind.FEED)
        if document is not None:
            url = moved_to(response.redirects) or one.url
            self._found.append(
                offer_of(SourceKind.FEED, url, document, one.why, one.origin, one.title)
            )
            return []
        if response.url != one.url:
            self._scout.asked.add(response.url)
        named: list[FeedLink] = []
        if one.origin is not LinkOrigin.DECLARED and self._indexes < MOST_INDEXES:
            page = await self._scout.page(response)
            if page is not None:
                named = [each for each in page.feeds if each.origin <= LinkOrigin.LINKED]
        if named:
            self._indexes += 1
            own = sorted(named, key=lambda each: not is_own(each.url, self._about))
            return [replace(each, why=f"{one.url} lists it") for each in own]
        self._scout.refuse(one.url, "an HTML page, no feed")
        self._in_vain += one.origin is LinkOrigin.GUESSED
        return []

    async def _offer_list(self, response: Response) -> None:
        """Offer the page's own list, if it may be asked for again."""
        listed = await self._scout.news_list(response)
        if listed is None:
            return
        try:
            await self._scout.permit(response.url)
        except RobotsError as error:
            self._scout.refuse(response.url, str(error))
            return
        why = "the list of news on the page itself"
        kind, document = SourceKind.PAGE, listed.document
        offer = offer_of(kind, response.url, document, why, LinkOrigin.ASKED)
        self._found.append(replace(offer, selected=listed.selected, comments=False))

    async def _sitemaps(self, url: str) -> None:
        with contextlib.suppress(RobotsError):  # of pages; sitemaps are there to be asked for
            await self._scout.permit(url)
        rules = await self._dependencies.fetch.permissions.rules(url)
        named = well_known.named_in(rules, urljoin(url, "/robots.txt"))
        why = "robots.txt names it" if named else "a usual place for sitemaps"
        places = named or well_known.usual(url)
        self._guessed |= set() if named else set(places)
        for place in places[:MOST_SITEMAPS]:
            if await self._sitemap(place, why):
                return

    async def _sitemap(self, place: str, why: str) -> bool:
        """Offer it if it holds addresses. True: it has headlines, so no other is needed."""
        response = await self._scout.get(place)
        document = await self._scout.read(response, SourceKind.SITEMAP)
        if response is None:
            return False
        if document is None:
            self._scout.refuse(place, "no sitemap")
            return False
        url = moved_to(response.redirects) or place
        if document.further:
            return await self._of_index(url, document, why)
        if not document.entries:
            self._scout.refuse(place, "a sitemap without addresses")
            return False
        offer = offer_of(SourceKind.SITEMAP, url, document, why, LinkOrigin.LINKED)
        self._found.append(offer)
        return _has_headlines(document)

    async def _of_index(self, url: str, index: Document, why: str) -> bool:
        """Its sitemap of news where it has one, else the whole index."""
        for place in well_known.best_of(index.further, 1):
            child = await self._scout.read(await self._scout.get(place), SourceKind.SITEMAP)
            if child is None or not child.entries:
                continue
            if _has_headlines(child):
                named = f"{url} names it"
                offer = offer_of(SourceKind.SITEMAP, place, child, named, LinkOrigin.LINKED)
                self._found.append(offer)
                return True
            offer = offer_of(SourceKind.SITEMAP, url, child, why, LinkOrigin.LINKED)
            self._found.append(replace(offer, sitemaps=len(index.further)))
        return False


def _is_page(one: FeedLink) -> bool:
    """Whether it is probably a page: feeds are asked for whatever robots.txt says of pages."""
    return one.origin >= LinkOrigin.NAMED or one.url.endswith((".htm", ".html"))


def _has_headlines(document: Document) -> bool:
    return any(one.title for one in document.entries)
