"""What a page of a site offers to collect: the feeds it names, and its own list of news. Pure.

Runs in a worker, since pages are as hostile as feeds.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lxml.html import HtmlElement

from service.collect import page, selecting
from service.collect.addresses import web_address
from service.collect.feed_habits import habits_of
from service.collect.feed_links import Candidate, feeds_of
from service.collect.pagetree import base_of, tree_of
from service.collect.reading import Reading
from service.collect.same_site import site_of
from service.collect.selecting import Selected
from service.errors import ParseError
from service.model import Document, SourceKind
from service.text.clean import title_text

_REFRESH = re.compile(r"(?i)\s*\d+(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"'\s>]+)")


@dataclass(frozen=True, slots=True)
class SitePage:
    """`feeds`: what it names; `habits`: where its software keeps feeds, and usual places.

    `listed`: its list of news, None where none can be made out; `selected`: selectors that give
    just that list, None where there are none. `name`: what the site calls itself. `leads_to`: where
    a page without a list sends its visitors, None where it does not.
    """

    url: str
    title: str
    name: str
    feeds: tuple[Candidate, ...]
    habits: tuple[Candidate, ...]
    listed: Document | None = None
    selected: Selected | None = None
    leads_to: str | None = None


def read_site_page(
    body: bytes, headers: Mapping[str, str], url: str, reading: Reading, now: datetime
) -> SitePage:
    """`reading`: language and dates. Raises ParseError for what is no page."""
    tree = tree_of(body, headers)
    base = base_of(tree, url)
    as_page = replace(reading, kind=SourceKind.PAGE, selectors=None, place=None)
    listed, selected = None, None
    with contextlib.suppress(ParseError):
        listed, found = page.read_tree(tree, url, as_page, now)
        spoken = page.spoken(tree, as_page)
        selected = selecting.selectors_of(tree, found, base, spoken, now, listed.entries)
    return SitePage(
        url=url,
        title=title_text(tree.findtext(".//title") or ""),
        name=_name(tree),
        feeds=tuple(feeds_of(tree, base, url)),
        habits=tuple(habits_of(body, url)),
        listed=listed,
        selected=selected,
        leads_to=None if listed else _leads_to(tree, base, url),
    )


def _leads_to(tree: HtmlElement, base: str, url: str) -> str | None:
    """A refresh to another page of the site: the first page of many a portal is nothing else."""
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
