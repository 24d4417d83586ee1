"""Where a site keeps its sitemaps: what robots.txt names, and the usual places. Pure.

What is called after news comes first: it holds the headlines of the last two days.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urljoin, urlsplit

from service.model import Further
from service.parse.urls import web_address
from service.text.web.sites import site_of

MOST_NAMED = 50
"""Sitemaps that one robots.txt may name."""

_LINE = re.compile(r"(?im)^[ \t]*sitemap[ \t]*:[ \t]*(\S+)")
_NEWS = re.compile(r"(?i)news|tin-?tuc|tintuc|articles?|posts?|bai-?viet")
_NO_NEWS = re.compile(
    r"(?i)video|image|photo|tags?\b|topic|categor|chuyen-?muc|author|pages?\b|product|event"
)
_USUAL = (
    "/sitemap-news.xml", "/news-sitemap.xml", "/sitemap_news.xml", "/sitemap.xml",
    "/sitemap_index.xml",
)  # fmt: skip


def named_in(robots: str, url: str) -> list[str]:
    """The sitemaps that a robots.txt at `url` names, those of news first. Only of its own site."""
    found: dict[str, None] = {}
    for match in _LINE.finditer(robots):
        place = web_address(match[1], url)
        if place is not None and site_of(place) == site_of(url):
            found.setdefault(place)
        if len(found) == MOST_NAMED:
            break
    return by_promise(found)


def usual(url: str) -> list[str]:
    """Where sitemaps mostly are."""
    return [urljoin(url, path) for path in _USUAL]


def by_promise(places: Iterable[str]) -> list[str]:
    """Those that are called after news first, what is called after anything else last."""
    return sorted(places, key=_promise)


def best_of(index: Sequence[Further], most: int) -> list[str]:
    """Those sitemaps of an index that most likely hold the latest news."""
    dated = sorted(index, key=lambda one: one.changed.timestamp() if one.changed else 0.0)
    newest_first = [one.url for one in reversed(dated)]
    return by_promise(newest_first)[:most]


def _promise(place: str) -> int:
    name = urlsplit(place).path
    if _NEWS.search(name) and not _NO_NEWS.search(name):
        return 0
    return 2 if _NO_NEWS.search(name) else 1
