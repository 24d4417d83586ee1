"""What is taken from inside feedparser, in one place and under a guard.

The fast path stands on names of feedparser that any release of it may change. Without one
of them, or in another release than the one that we have been compared with, `ARE_KNOWN` is False:
then every document goes to `feedparser.parse`, its public entrance, which takes longer and says the
same. Nobody imports what is here but those who have asked `ARE_KNOWN`.
"""

from __future__ import annotations

import importlib
from typing import Any

import feedparser

KNOWN_RELEASE = "6.0.14"
"""Another one is asked the long way until `strict_parser` has been compared with it."""


def _inside(module: str, name: str) -> Any:
    """What a module of feedparser calls so; None where this release has none such."""
    try:
        return getattr(importlib.import_module(f"feedparser.{module}"), name, None)
    except Exception:  # noqa: BLE001 - whatever another release does when it is imported
        return None


StrictFeedParser = _inside("api", "StrictFeedParser")
parse_date = _inside("datetimes", "_parse_date")
convert_to_utf8 = _inside("encodings", "convert_to_utf8")
windows_1252 = _inside("html", "_cp1252")
join_addresses = _inside("urls", "_urljoin")
make_safe_absolute_uri = _inside("urls", "make_safe_absolute_uri")
FeedParserDict = _inside("util", "FeedParserDict")
KEYMAP: Any = getattr(FeedParserDict, "keymap", None)

_ALL = (
    StrictFeedParser, parse_date, windows_1252, join_addresses, make_safe_absolute_uri,
    FeedParserDict, KEYMAP,
)  # fmt: skip

OF_ITS_PARSER = (
    "_end_created", "_end_dcterms_issued", "_end_issued", "_end_lastbuilddate", "_end_modified",
    "_end_pubdate", "_end_published", "_end_updated", "_get_context", "_matchnamespaces", "_save",
    "_start_entry", "_start_item", "_summaryKey", "basestack", "baseuri", "can_be_relative_uri",
    "contentparams", "decls", "depth", "elementstack", "entries", "feeddata", "handle_data",
    "hasContent", "inauthor", "incontent", "incontributor", "inentry", "infeed", "ingeometry",
    "inimage", "inpublisher", "insource", "intextinput", "lang", "langstack", "looks_like_html",
    "map_content_type", "namespacemap", "namespaces_in_use", "pop", "property_depth_map",
    "psc_chapters_flag", "push", "push_content", "resolve_uri", "sourcedata",
    "startPrefixMapping", "svgOK", "title_depth", "track_namespace", "unknown_endtag",
    "unknown_starttag", "version",
)  # fmt: skip
"""What `fast_expat` calls, reads or puts something else in the place of in a strict parser.

Where one is missing, no error need come of it: feedparser's handlers take an AttributeError for an
element that nobody knows.
"""


def _are_known() -> bool:
    if getattr(feedparser, "__version__", "") != KNOWN_RELEASE or None in _ALL:
        return False
    try:
        parser = StrictFeedParser("", None, "utf-8")
    except Exception:  # noqa: BLE001 - as in `_inside`
        return False
    return all(hasattr(parser, name) for name in OF_ITS_PARSER)


ARE_KNOWN = _are_known()
