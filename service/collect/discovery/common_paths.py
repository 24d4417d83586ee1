"""Where publishing software keeps its feeds, and where sites mostly do: addresses to try. Pure.

Tried only where nothing that a page says led to a feed; those of the section that was asked for
before those of the whole site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from service.collect.discovery.feed_links import FeedLink, LinkOrigin

MOST_USUAL = 8
"""Usual places that are tried on a site that says nothing: each costs it a request."""

_USUAL = (
    "/rss", "/feed/", "/rss.xml", "/feed.xml", "/atom.xml", "/rss/home.rss", "/index.xml",
    "/rss.html",
)  # fmt: skip

_SIGNS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("WordPress", re.compile(rb"(?i)/wp-(content|includes)/|content=[\"']WordPress")),
    ("Liferay", re.compile(rb"(?i)Liferay\.|/-/asset_publisher/|_INSTANCE_\w+_|/o/frontend-")),
    ("SharePoint", re.compile(rb"(?i)_spPageContextInfo|/_layouts/|content=[\"']Microsoft Share")),
    ("Joomla", re.compile(rb"(?i)content=[\"']Joomla|/media/(jui|system|vendor)/|com_content")),
    ("Drupal", re.compile(rb"(?i)content=[\"']Drupal|drupalSettings|/sites/default/files/")),
    ("Blogger", re.compile(rb"(?i)content=[\"']blogger|\.blogspot\.com|blogblog\.com")),
    ("Ghost", re.compile(rb"(?i)content=[\"']Ghost ")),
    ("Hugo", re.compile(rb"(?i)content=[\"']Hugo ")),
)
_INSTANCE = re.compile(
    rb"/-/asset_publisher/(\w{4,40})[/\"'?]"
    rb"|p_p_id_(?:101|com_liferay_asset_publisher_web_portlet_AssetPublisherPortlet)_INSTANCE_"
    rb"(\w{4,40}?)_"
)
_LIST = re.compile(rb"(?i)(?:pageListId|[?&]List)[\"']?\s*[:=]\s*[\"']?(?:\{|%7B)?([0-9a-f-]{36})")
_WEB = re.compile(rb"webServerRelativeUrl[\"']?\s*[:=]\s*[\"'](/[^\"']{0,200})[\"']")
_MOST_INSTANCES = 3


def common_feeds_of(body: bytes, url: str) -> list[FeedLink]:
    """Addresses that may be feeds of the page at `url` or of its site, each once."""
    software = [name for name, sign in _SIGNS if sign.search(body)]
    found: dict[str, FeedLink] = {}
    for name in software:
        for place in _PLACES[name](body, url):
            why = f"{name} keeps its feeds there"
            found.setdefault(place, FeedLink(place, LinkOrigin.GUESSED, "", why))
    for path in _USUAL[:MOST_USUAL]:
        place = urljoin(url, path)
        found.setdefault(place, FeedLink(place, LinkOrigin.GUESSED, "", "a usual place for feeds"))
    return list(found.values())


def _wordpress(_: bytes, url: str) -> Iterator[str]:
    if not is_home(url):
        yield _under(url, "feed/")
    yield urljoin(url, "/feed/")


def _liferay(body: bytes, url: str) -> Iterator[str]:
    """Each publisher of assets on a page gives its own feed, below the page's address."""
    page = urlsplit(url).path.partition("/-/")[0].rstrip("/")
    instances: dict[str, None] = {}
    for match in _INSTANCE.finditer(body):
        instances.setdefault((match[1] or match[2]).decode())
    for instance in list(instances)[:_MOST_INSTANCES]:
        yield urljoin(url, f"{page}/-/asset_publisher/{instance}/rss")


def _sharepoint(body: bytes, url: str) -> Iterator[str]:
    """The feed of the list that the page shows."""
    lists = _LIST.search(body)
    if lists is None:
        return
    web = _WEB.search(body)
    place = web[1].decode("utf-8", "replace").rstrip("/") if web else ""
    yield urljoin(url, f"{place}/_layouts/15/listfeed.aspx?List={lists[1].decode()}")


def _joomla(_: bytes, url: str) -> Iterator[str]:
    here = urlsplit(url)
    yield here._replace(query="format=feed&type=rss", fragment="").geturl()


def _drupal(_: bytes, url: str) -> Iterator[str]:
    if not is_home(url):
        yield _under(url, "feed")
    yield urljoin(url, "/rss.xml")


def _blogger(_: bytes, url: str) -> Iterator[str]:
    yield urljoin(url, "/feeds/posts/default")


def _ghost(_: bytes, url: str) -> Iterator[str]:
    yield _under(url, "rss/")


def _hugo(_: bytes, url: str) -> Iterator[str]:
    yield _under(url, "index.xml")


_PLACES = {
    "WordPress": _wordpress, "Liferay": _liferay, "SharePoint": _sharepoint, "Joomla": _joomla,
    "Drupal": _drupal, "Blogger": _blogger, "Ghost": _ghost, "Hugo": _hugo,
}  # fmt: skip


def is_home(url: str) -> bool:
    """Whether an address is a site's first page."""
    parts = urlsplit(url)
    path = parts.path.strip("/").lower()
    return not parts.query and re.fullmatch(r"((index|default|home)\.\w{2,5})?", path) is not None


def home_of(url: str) -> str:
    """The first page of the site that an address belongs to."""
    return urljoin(url, "/")


def _under(url: str, name: str) -> str:
    here = urlsplit(url)
    return here._replace(path=f"{here.path.rstrip('/')}/{name}", query="", fragment="").geturl()
