"""From the bytes of a source to a Document. Runs inside a worker that may be killed.

bytes -> a page? JSON? : its own reader ; else repair -> RSS and Atom
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.errors import ParseError
from service.model import Document, SourceKind
from service.parse.feed import json_feed, xml_feed
from service.parse.html.listing.page import read_page
from service.parse.options import ParseOptions
from service.parse.repair import pipeline
from service.parse.sitemap.sitemap import read_sitemap

_NOTHING = b" \t\r\n\0\xef\xbb\xbf"


def parse_document(
    body: bytes, headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> Document:
    """What one fetch says. `headers` has lower-case names; `url` is where the body came from.

    Raises ParseError with a reason in plain words. A feed without entries is a Document.
    """
    if not body.strip(_NOTHING):
        raise ParseError("the document is empty")
    if reading.kind is SourceKind.PAGE:
        return read_page(body, headers, url, reading, now)
    if reading.kind is SourceKind.SITEMAP:
        return read_sitemap(body, url, reading, now)
    if json_feed.is_json(body, headers):
        return json_feed.read(body, url, reading, now)
    return xml_feed.read(pipeline.repair(body, headers), headers, url, reading, now).document


def is_xml(body: bytes, headers: Mapping[str, str], reading: ParseOptions) -> bool:
    """Whether these bytes are read as RSS or Atom, if they can be read at all."""
    if reading.kind is not SourceKind.FEED or not body.strip(_NOTHING):
        return False
    return not json_feed.is_json(body, headers)
