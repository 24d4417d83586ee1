"""The kinds of sources. A new one needs its module, a line here, and its name in `model`."""

from __future__ import annotations

from collections.abc import Mapping

from service.model import SourceKind
from service.parse.kind import Continuation, Kind

KINDS: Mapping[SourceKind, Kind] = {
    SourceKind.FEED: Kind(
        "service.parse.feed.feed:read", xml="service.parse.feed.feed:is_xml", is_feed=True
    ),
    SourceKind.PAGE: Kind(
        "service.parse.html.listing.page:read_page",
        for_people=True,
        further=Continuation.NEXT_PAGES,
    ),
    SourceKind.SITEMAP: Kind(
        "service.parse.sitemap.sitemap:read_sitemap",
        bounds_itself=True,
        further=Continuation.CHILDREN,
    ),
}
