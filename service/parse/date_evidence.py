"""What a document says of how its dates are meant: their order, the zone of times without one.

The same for feeds, JSON feeds, lists of pages and article pages. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from service.parse.options import ParseOptions
from service.text.instants import dayorder, zones


def settled(
    reading: ParseOptions,
    pairs: Iterable[tuple[str, str]],
    now: datetime,
    *,
    language: str | None,
    url: str,
) -> ParseOptions:
    """The reading with the orders and the zone of one document.

    `pairs`: of each entry the date that machines are told and the one that people see, "" = none.
    `language` of the dates; `url`: whose host may tell the country. What the TOML says stands.
    """
    zone = zones.home_of(reading.zone, language, _host(url))
    pairs = list(pairs)
    told, shown = dayorder.orders_of(pairs, now, language=language, zone=reading.zone)
    return replace(
        reading, language=language, order=reading.order or shown, told_order=told, zone=zone
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
