"""What is wrong in the configuration of what readers see."""

from __future__ import annotations

from urllib.parse import urlsplit

from service.config.schema import Settings
from service.errors import Finding
from service.render.colour import READABLE, WHITE, contrast, is_colour, readable_on_white
from service.store.content.stale_feeds import EVERYTHING, HOT


def faults(settings: Settings) -> list[Finding]:
    """Every fault, in no order."""
    return [*_accent(settings.branding.accent), *_base_url(settings), *_topics(settings)]


def _accent(accent: str) -> list[Finding]:
    path = ("branding", "accent")
    if not is_colour(accent):
        return [(path, f"{accent!r} is not a colour", 'write it as "#rrggbb"')]
    measured = contrast(accent, WHITE)
    if measured >= READABLE:
        return []
    problem = f"contrast to white is {measured:.1f}:1, too little to read links by"
    return [(path, problem, f'{READABLE}:1 or more, such as "{readable_on_white(accent)}"')]


def _base_url(settings: Settings) -> list[Finding]:
    address = settings.site.base_url
    if address is None:
        return []
    path, right = ("site", "base_url"), 'such as "https://tin.example.vn"'
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return [(path, f"{address!r} is not a web address", right)]
    if parts.query or parts.fragment or parts.username:
        return [(path, "an address to which paths are added has no ?, # or user", right)]
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        return [(path, f"{parts.hostname!r} is not a name of a host", right)]
    return []


def _topics(settings: Settings) -> list[Finding]:
    reserved = {EVERYTHING: "all topics", HOT: "hot stories"}
    return [
        (("topic", name), f"the feed of {what} has the name {name!r}", "another id for this topic")
        for name, what in reserved.items()
        if name in settings.topic
    ]
