"""What is taken from inside feedparser, in one place and under a guard.

Whoever is in a hurry with feedparser stands on names that any release of it may change. Without one
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

ARE_KNOWN = getattr(feedparser, "__version__", "") == KNOWN_RELEASE and None not in _ALL
