"""What is to be known of a kind of source: how it is read, and what is expected of it. Pure.

Each kind stands as KIND in the module that reads it; `kinds.py` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.model import Document
from service.parse.options import ParseOptions


class Continuation(StrEnum):
    """What the addresses are that a document names as `further`."""

    NEXT_PAGES = "next pages"  # the rest of its list, one page after another
    CHILDREN = "children"  # documents of the same kind, any of which may have changed


@dataclass(frozen=True, slots=True)
class Kind:
    """`read`: bytes, headers, address, options, now -> Document; raises ParseError.

    `is_feed`: made to be read by programs again and again. It may be empty for a while, says more
    of its entries than their pages do, and other readers and hubs know it. `for_people`: robots.txt
    is asked first, and it may be an article itself. `bounds_itself`: its reader unpacks it and says
    how much of it counts. `is_xml`: whether these bytes may be cut into entries (`incremental`).
    """

    read: Callable[[bytes, Mapping[str, str], str, ParseOptions, datetime], Document]
    is_feed: bool = False
    for_people: bool = False
    bounds_itself: bool = False
    further: Continuation | None = None
    is_xml: Callable[[bytes, Mapping[str, str]], bool] = lambda _body, _headers: False
