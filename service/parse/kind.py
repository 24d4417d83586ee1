"""What is to be known of a kind of source: what reads it, and what is expected of it. Pure.

`kinds.py` lists them all.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from service.model import Document
from service.parse.options import ParseOptions


class Continuation(StrEnum):
    """What the addresses are that a document names as `further`."""

    NEXT_PAGES = "next pages"  # the rest of its list, one page after another
    CHILDREN = "children"  # documents of the same kind, any of which may have changed


@dataclass(frozen=True, slots=True)
class Kind:
    """What reads it, and what is expected of it.

    `reader`: "module:function" of what reads it; `xml`: of what tells whether bytes may be cut into
    entries (`incremental`), "" where none of the kind may. They are loaded with the first document:
    only workers read documents, and a command need not wait for what it does not use.

    `is_feed`: made to be read by programs again and again. It may be empty for a while, says more
    of its entries than their pages do, and other readers and hubs know it. `for_people`: robots.txt
    is asked first, and it may be an article itself. `bounds_itself`: its reader unpacks it and says
    how much of it counts.
    """

    reader: str
    xml: str = ""
    is_feed: bool = False
    for_people: bool = False
    bounds_itself: bool = False
    further: Continuation | None = None

    def read(
        self,
        body: bytes,
        headers: Mapping[str, str],
        url: str,
        options: ParseOptions,
        now: datetime,
    ) -> Document:
        """The document in these bytes. Raises ParseError."""
        document: Document = _loaded(self.reader)(body, headers, url, options, now)
        return document

    def is_xml(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether these bytes may be cut into entries."""
        return bool(self.xml) and bool(_loaded(self.xml)(body, headers))


def _loaded(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)
