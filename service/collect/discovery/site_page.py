"""What a page of a site offers to collect: the feeds it names, and its own list of news. Pure.

Runs in a worker, since pages are as hostile as feeds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from lxml.html import HtmlElement

from service.collect.discovery.common_paths import common_feeds_of
from service.collect.discovery.feed_links import FeedLink, feeds_of
from service.model import Document, SourceKind
from service.parse.html.listing import page, suggest_selectors
from service.parse.html.listing.suggest_selectors import Selected
from service.parse.html.tree import base_of, tree_of
from service.parse.options import ParseOptions
from service.parse.urls import web_address
from service.text.clean import title_text
from service.text.web.sites import site_of

_REFRESH = re.compile(r"(?i)\s*\d+(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"'\s>]+)")


_MOST_LINKS = 10
"""Of a page that is nothing but a way to another one."""


@dataclass(frozen=True, slots=True)
class SitePage:
    """`feeds`: what it names; `common`: where such software keeps feeds, and usual places.

    `name`: what the site calls itself. `leads_to`: where a page without a content of its own sends
    its visitors, None where it does not.
    """

    url: str
    name: str
    feeds: tuple[FeedLink, ...]
    common: tuple[FeedLink, ...]
    leads_to: str | None = None


@dataclass(frozen=True, slots=True)
class NewsList:
    """A page's own list. `selected`: selectors that give just that, None where there are none."""

    document: Document
    selected: Selected | None


def read_site_page(body: bytes, headers: Mapping[str, str], url: str) -> SitePage:
    """Raises ParseError for what is not a page."""
    tree = tree_of(body, headers)
    base = base_of(tree, url)
    return SitePage(
        url=url,
        name=_name(tree),
        feeds=tuple(feeds_of(tree, base, url)),
        common=tuple(common_feeds_of(body, url)),
        leads_to=_leads_to(tree, base, url),
    )


def read_news_list(
    body: bytes, headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> NewsList:
    """`reading`: language and dates. Raises ParseError where no list can be made out."""
    tree = tree_of(body, headers)
    as_page = replace(reading, kind=SourceKind.PAGE, selectors=None, place=None)
    document, found = page.read_tree(tree, url, as_page, now)
    base, spoken = base_of(tree, url), page.spoken(tree, as_page)
    selected = suggest_selectors.selectors_of(tree, found, base, spoken, now, document.entries)
    return NewsList(document, selected)


def _leads_to(tree: HtmlElement, base: str, url: str) -> str | None:
    """A refresh to another page of the site: the first page of many a portal is nothing else."""
    if sum(1 for _ in islice(tree.iter("a"), _MOST_LINKS + 1)) > _MOST_LINKS:
        return None
    for element in tree.iter("meta"):
        if (element.get("http-equiv") or "").lower() != "refresh":
            continue
        told = _REFRESH.match(element.get("content") or "")
        place = web_address(told[1], base) if told else None
        if place is not None and place != url and site_of(place) == site_of(url):
            return place
    return None


def _name(tree: HtmlElement) -> str:
    for element in tree.iter("meta"):
        if element.get("property") == "og:site_name":
            return title_text(element.get("content") or "")
    return ""
