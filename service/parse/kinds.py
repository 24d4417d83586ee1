"""The kinds of sources. A new one needs its module, a line here, and its name in `model`."""

from __future__ import annotations

from collections.abc import Mapping

from service.model import SourceKind
from service.parse.feed import feed
from service.parse.html.listing import page
from service.parse.kind import Kind
from service.parse.sitemap import sitemap

KINDS: Mapping[SourceKind, Kind] = {
    SourceKind.FEED: feed.KIND,
    SourceKind.PAGE: page.KIND,
    SourceKind.SITEMAP: sitemap.KIND,
}
