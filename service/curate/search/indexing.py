"""The job that brings the search index up to date: new articles, and those that are marked.

Admission does not wait for it. Each batch is a transaction that keeps how far it came: a run that
was killed goes on from there, and an upgrade indexes what is stored in the same way.
"""

from __future__ import annotations

from service.store.content import entries, search_index
from service.store.content.search_index import IndexedWords
from service.store.core.database import Store
from service.text.search_tokens import article_tokens

BATCH = 100
"""Articles in one transaction: some 20 ms, in which nobody else writes, 70 of long texts."""

BATCHES = 2
"""In one run, after which it looks whether a pass needs the processor: then it is the only one in
5 seconds."""

BY_HAND = 100
"""Batches after a pass by hand: what it brings at the most, some seconds."""


def index_stored(store: Store, batches: int = BATCHES, most: int = BATCH) -> bool:
    """Index what waits, some batches of `most` articles. True: there is more."""
    return all(_index_batch(store, most) for _ in range(batches))


def _index_batch(store: Store, most: int) -> bool:
    """True: there may be more. Tokens are made while others may write, unless words change then."""
    with store.read() as connection:
        ids = search_index.due(connection, most)
        made = {one: tokens_of(one) for one in search_index.words(connection, ids)}
    if not ids:
        return False
    with store.write() as connection:
        entries.queue(connection)  # an article must not be amended between read and write
        ids = search_index.due(connection, most)
        found = search_index.words(connection, ids)
        search_index.put(connection, {one.id: made.get(one) or tokens_of(one) for one in found})
    return len(ids) == most


def tokens_of(one: IndexedWords) -> set[str]:
    """What the article is found by: its words, topics and sources."""
    tokens = article_tokens(one.title, one.lead, one.content)
    tokens.update(map(search_index.topic_token, one.topics))
    tokens.update(map(search_index.source_token, one.sources))
    return tokens
