"""Keep which official documents articles cite: of what is admitted, and of what was stored before.

An article's rows follow its own words. An article that was merged away keeps its rows: it is still
one of its story's articles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.curate.articles import matched_text
from service.curate.candidates import ArticleCandidate
from service.curate.citations import cited, cited_by
from service.store.content import entries, references, versions
from service.store.content.article_values import ArticleValues
from service.store.core import facts
from service.store.core.database import Connection, Store

READING = 1
"""Count it up when the same words come to cite something else: all is then read anew."""

BATCHES = 10
"""Batches of stored articles that are read in one run: a second or two."""

_READ = "references_read"
_ALL = "all"


def write_citations(
    connection: Connection,
    accepted: Sequence[ArticleCandidate],
    words: Mapping[int, ArticleValues],
) -> bool:
    """What new articles cite, and those that say something else now (`words`).

    A new one says what its first entry does. True: an article cites what it did not before.
    """
    new: dict[int, tuple[str, ...]] = {}
    for one in accepted:
        if not one.was_there:
            new.setdefault(one.article_id, one.made.references)
    changed = references.add(connection, new)
    if words:
        now = {number: cited_by(values) for number, values in words.items()}
        changed |= references.become(connection, now)
    return changed


def read_stored(store: Store) -> bool:
    """Read some of the articles that were stored before this could be read. True: there are more.

    Each batch is a transaction of its own, which keeps how far it came.
    """
    for _ in range(BATCHES):
        with store.read() as connection:
            last = _read_up_to(connection)
        if last is None or not _read_batch(store):
            return False
    return True


def _read_up_to(connection: Connection) -> int | None:
    """The last article that was read; None: all were."""
    reading, _, last = (facts.get(connection, _READ) or "").partition(" ")
    if reading != str(READING):
        return 0
    return None if last == _ALL else int(last)


def _read_batch(store: Store) -> bool:
    with store.write() as connection:
        entries.queue(connection)  # an article must not be amended between read and write
        last = _read_up_to(connection)
        if last is None:
            return False
        batch = references.words_after(connection, last)
        now = {one.id: cited(one.title, matched_text(one.lead, one.content)) for one in batch}
        if references.become(connection, now):
            versions.raise_(connection, [versions.REFERENCES, versions.STORIES])
        facts.put(connection, _READ, f"{READING} {batch[-1].id if batch else _ALL}")
    return bool(batch)
