"""How many entries of one document are taken. Pure.

An archive of a hundred thousand entries would keep the one writer busy for minutes. The newest are
taken; how many were not is counted, and told as refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from service.model import Document, Entry

ENTRIES = 10_000
"""Of one document. The largest honest feeds, of podcasts and repositories, have a few thousand."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def bounded(document: Document, most: int = ENTRIES) -> Document:
    """The document with its newest `most` entries, in its own order.

    Those without a date count as the oldest; where none has one, the first of the document stay.
    """
    entries = document.entries
    if len(entries) <= most:
        return document
    newest_first = sorted(range(len(entries)), key=lambda n: _date(entries[n]), reverse=True)
    kept = tuple(entries[n] for n in sorted(newest_first[:most]))
    return replace(document, entries=kept, beyond=document.beyond + len(entries) - most)


def _date(entry: Entry) -> datetime:
    return entry.published or entry.updated or _NEVER
