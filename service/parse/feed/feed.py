"""Feeds: RSS and Atom, repaired where they are broken, and JSON Feed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.model import Document
from service.parse.feed import json_feed, xml_feed
from service.parse.options import ParseOptions
from service.parse.repair import pipeline


def read(
    body: bytes, headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> Document:
    """Raises ParseError. A feed without entries is a Document."""
    if is_xml(body, headers):
        return xml_feed.read(pipeline.repair(body, headers), headers, url, reading, now)[0]
    return json_feed.read(body, url, reading, now)


def is_xml(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether these bytes are read as RSS or Atom, if they can be read at all."""
    return not json_feed.is_json(body, headers)
