"""The job that brings the search index up to date: new articles, and those that are marked.

Admission does not wait for it. Each batch is a transaction that keeps how far it came: a run that
was killed goes on from there, and an upgrade indexes what is stored in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.store.content import entries, search_index
from service.store.content.search_index import IndexedWords
from service.store.core.database import Connection, Store
from service.text.search_tokens import article_tokens

BATCH = 400
"""Articles in one transaction: some 100 ms, in which nobody else writes."""

BATCHES = 2
"""In one run: while a first collection goes on, it must not cost much of the processor."""

BY_HAND = 25
"""Batches after a pass by hand: what it brings at the most, some seconds."""


def index_stored(store: Store, batches: int = BATCHES, most: int = BATCH) -> bool:
    """Index what waits, some batches of `most` articles. True: there is more."""
    return all(_index_batch(store, most) for _ in range(batches))


def _index_batch(store: Store, most: int) -> bool:
    """True: there may be more."""
    with store.read() as connection:
        if not search_index.due(connection, 1):
            return False
    with store.write() as connection:
        entries.queue(connection)  # an article must not be amended between read and write
        ids = search_index.due(connection, most)
        _index(connection, ids)
    return len(ids) == most


def _index(connection: Connection, ids: Sequence[int]) -> None:
    found = search_index.words(connection, ids)
    search_index.put(connection, {one.id: tokens_of(one) for one in found})


def tokens_of(one: IndexedWords) -> set[str]:
    """What the article is found by: its words, topics and sources."""
    tokens = article_tokens(one.title, one.lead, one.content)
    tokens.update(map(search_index.topic_token, one.topics))
    tokens.update(map(search_index.source_token, one.sources))
    return tokens
