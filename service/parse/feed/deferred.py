"""What is left for later in what feedparser gives: dates, and whether a text is markup. Pure."""

from __future__ import annotations

import re
from typing import Any

from service.parse.feed import feedparser_private

_CLOSING_TAG_OR_ENTITY = re.compile(r"</\w+>|&#?\w+;")


class Unparsed(str):
    """A date as it is written, in the place of its parsed form; `instant` parses it."""

    __slots__ = ()

    @property
    def instant(self) -> Any:
        """A time.struct_time in UTC as feedparser reads it, None where it cannot."""
        return feedparser_private.parse_date(str(self))


def looks_like_html(text: str) -> bool:
    """Feedparser's `looks_like_html`, asked only where there is something to look at.

    Where it is not to be had, a closing tag or an entity is enough: what it would ask first.
    """
    if "<" not in text and "&" not in text:
        return False
    asked = getattr(feedparser_private.StrictFeedParser, "looks_like_html", None)
    return bool(asked(text) if asked else _CLOSING_TAG_OR_ENTITY.search(text))
