"""An entry on its way to an article: what it makes, and whether it is news. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from service.curate import identity
from service.curate.articles import Shaped, believable, shape
from service.model import Entry, Refusal
from service.store.articles import Values
from service.store.entries import Known

CLOCK_SKEW = timedelta(minutes=15)
"""How far ahead an outlet's clock may go. What is dated later has a wrong zone, and says nothing
about when it was published."""

_log = structlog.get_logger("curate")


@dataclass(frozen=True, slots=True)
class AdmitSource:
    """The source of a document, as curating needs it. `first_fetch_at`: its first try ever."""

    id: int
    name: str
    title: str
    weight: float
    language: str | None
    topics: tuple[str, ...]
    first_collection: bool
    first_fetch_at: datetime | None


@dataclass(slots=True)
class Candidate:
    """An entry with what it makes, and the article it leads to once that is known.

    `was_there`: that article was stored before this document. `repeats`: this source had told it
    before, under this or another entry key.
    """

    entry: Entry
    shaped: Shaped | Refusal
    known: Known | None
    quiet: bool
    keys: tuple[str, ...]
    article_id: int = 0
    was_there: bool = False
    repeats: bool = False

    @property
    def values(self) -> Values:
        assert isinstance(self.shaped, Shaped)
        return Values(**{name: getattr(self.shaped, name) for name in Values.__slots__})


def candidate(
    entry: Entry, known: Known | None, source: AdmitSource, language: str | None, now: datetime
) -> Candidate:
    """`language`: what the document says. An entry that cannot be read refuses itself alone."""
    try:
        shaped = shape(entry, outlet=source.title, told=source.language, said=language)
    except Exception:  # noqa: BLE001 - whatever it is, the other entries are not to blame
        _log.exception("entry not readable", source=source.name, entry=entry.key)
        shaped = Refusal.UNREADABLE
    quiet = known.quiet if known else _is_old(entry, source, now)
    return Candidate(entry, shaped, known, quiet, identity.keys(entry, source.name))


def _is_old(entry: Entry, source: AdmitSource, now: datetime) -> bool:
    """Old is what a source had when it was first collected (promise 10)."""
    if not source.first_collection:
        return False
    begun, published = source.first_fetch_at or now, believable(entry.published)
    return published is None or not begun < published <= now + CLOCK_SKEW
