"""Which hub brings a source's news, and under which name: WebSub's discovery (section 4). Pure.

Link header of the answer -> links in the document itself -> Link headers of the redirects on the
way: the first that names a hub counts. What a hub is asked for is the address that the document
calls itself (rel=self), which need not be the one that was fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarl import URL

from service.model import Document
from service.parse.hub_links import topic_and_hubs
from service.text.web.link_header import links

if TYPE_CHECKING:  # workers know no network, and need not load its client
    from service.net.answers import Hop

MOST_HUBS = 3
"""Of one source that are remembered. One is enough; the others are for when it refuses."""

LONGEST = 2000
"""Characters of an address of a hub or topic."""


@dataclass(frozen=True, slots=True)
class Advertised:
    """Where a source's news can be subscribed to. `hubs` in the publisher's order, at least one."""

    topic: str
    hubs: tuple[str, ...]


def advertised(
    headers: Mapping[str, str], url: str, hops: Sequence[Hop], document: Document
) -> Advertised | None:
    """What an answer from `url` says; None where it names no hub. `headers` in lower case."""
    said = links(headers.get("link", ""), url)
    topic, hubs = topic_and_hubs(said)
    topic = topic or document.self_url
    hubs = hubs or document.hubs
    for hop in reversed(hops):
        if hubs:
            break
        on_the_way, hubs = topic_and_hubs(links(hop.link, hop.asked))
        topic = topic or on_the_way
    usable = tuple(dict.fromkeys(hub for hub in hubs if _is_usable(hub)))
    topic = topic or url
    if not usable or not _is_usable(topic):
        return None
    return Advertised(topic, usable[:MOST_HUBS])


def _is_usable(url: str) -> bool:
    if len(url) > LONGEST or any(character.isspace() for character in url):
        return False
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)
