"""A question's answer: articles for a list, or the stories that they tell for a page or a feed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.curate.search.question import Question
from service.model import Story
from service.store.content import search_queries, stories, story_rows
from service.store.content.search_queries import FoundArticles
from service.store.content.search_statements import IndexTerms
from service.store.core.database import Connection
from service.text.search_tokens import marked_tokens, phrase_tokens

SCAN = 200
"""Articles, the last to come, of which the newest are listed, or the stories that they tell."""

PATIENCE_S = 2.0
"""How long a question may take; what was found by then is the answer."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class FoundStories:
    """The stories that answer, in order. `complete`, `indexing`: as in `FoundArticles`."""

    stories: tuple[Story, ...]
    complete: bool = True
    indexing: bool = False


def find_articles(
    connection: Connection,
    question: Question,
    most: int,
    patience_s: float = PATIENCE_S,
    clock: Clock = time.monotonic,
) -> FoundArticles:
    """The articles that answer, those with the question's marks first, the newest of each first."""
    scan = max(most, SCAN)
    found = search_queries.search(connection, terms(question), scan, clock() + patience_s, clock)
    return replace(found, ids=found.ids[:most], marked=min(found.marked, most))


def find_stories(connection: Connection, question: Question, most: int) -> FoundStories:
    """The same as stories, each once, where the first of its articles stands."""
    found = find_articles(connection, question, SCAN)
    to = story_rows.listed_to(connection)  # what waits for a judge would come twice in a feed
    ids = [one for one in found.ids if to is None or one <= to]
    told = story_rows.of_articles(connection, ids)
    order = list(dict.fromkeys(told[one] for one in ids if one in told))[:most]
    loaded = stories.by_ids(connection, order)
    listed = tuple(loaded[one] for one in order if one in loaded)
    return FoundStories(listed, found.complete, found.indexing)


def terms(question: Question) -> IndexTerms:
    """The question as the index is asked.

    Where its marks count, a marked word stands for itself: what has it has the bare word.
    """
    tokens: set[str] = set()
    marked: set[str] = set()
    for phrase in question.phrases:
        own, accents = phrase_tokens(phrase.folded), marked_tokens(phrase.words, phrase.folded)
        tokens.update(own)
        marked.update(accents)
        if len(phrase.folded) > 1 or not accents:
            marked.update(own)
    return IndexTerms(
        phrases=tuple(phrase.folded for phrase in question.phrases),
        tokens=frozenset(tokens),
        marked=frozenset(marked) if question.marked else None,
        topics=question.topics,
        sources=question.sources,
        since=question.since,
    )
