"""The hubs and the topic that a document names itself (WebSub, section 4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.parse.urls import web_address
from service.text.web.link_header import HeaderLink


def named(pairs: Iterable[tuple[object, object]], base: str) -> tuple[tuple[str, ...], str | None]:
    """The hubs and the self of a document's own links: (rel, href) each, read against `base`."""
    found = []
    for rels, href in pairs:
        url = web_address(href, base) if isinstance(href, str) else None
        if url is not None:
            found.append(HeaderLink(url, frozenset(str(rels or "").lower().split())))
    topic, hubs = topic_and_hubs(found)
    return hubs, topic


def of_json(feed: Mapping[str, Any], base: str) -> tuple[tuple[str, ...], str | None]:
    """The same of a JSON Feed: `hubs` of the type WebSub, and `feed_url`."""
    listed = feed.get("hubs")
    hubs = [
        ("hub", one.get("url"))
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and str(one.get("type", "")).lower() == "websub"
    ]
    return named([*hubs, ("self", feed.get("feed_url"))], base)


def topic_and_hubs(found: Iterable[HeaderLink]) -> tuple[str | None, tuple[str, ...]]:
    """The first rel=self and every rel=hub of these links, in order."""
    found = list(found)
    topic = next((one.url for one in found if "self" in one.rels), None)
    return topic, tuple(one.url for one in found if "hub" in one.rels)
