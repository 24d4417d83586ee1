"""What is remembered of a source's list: how long it usually is, where it stands, since when not.

These columns of `source_poll` are read with every claim and written with every document; what they
mean is decided in collect (`empty_source`), `listing/detect` and `sitemap_index`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from service.store.tables import source_poll as t


@dataclass(frozen=True, slots=True)
class Lists:
    """None everywhere: nothing is known yet.

    `drifting_since`: since when it gives no entries though it used to. `entries_usual`: how many
    its documents give. `list_path`: where in a page the list was found by itself. `sitemaps`: what
    is remembered of an index's sitemaps.
    """

    drifting_since: datetime | None = None
    entries_usual: int | None = None
    list_path: str | None = None
    sitemaps: Mapping[str, str] | None = None


UNKNOWN = Lists()
_NAMES = tuple(field.name for field in fields(Lists))
_read = attrgetter(*_NAMES)

COLUMNS = tuple(t.c[name] for name in _NAMES)
"""In the order of the fields."""


def values(lists: Lists) -> dict[str, Any]:
    """The values for a statement."""
    return dict(zip(_NAMES, _read(lists), strict=True))
