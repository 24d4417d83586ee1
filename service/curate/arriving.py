"""What documents bring: the entries that are new, and which documents are admitted together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.curate import identity
from service.curate.candidates import (
    AdmitSource,
    ArticleCandidate,
    candidate,
    with_keys_of_their_own,
)
from service.curate.prepare import Prepared
from service.model import Refusal
from service.store.content import entries
from service.store.core.database import Connection
from service.store.sources import article_page_queue
from service.store.sources.article_page_queue import NewPage

MOST_OLD = 50
MOST_NEW = 1000
"""Pages of one source that wait to be read. Of what it had when it was first collected the newest
are enough; the rest stays as its list told it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What one source brings, made ready by a worker. Each entry key may stand there once."""

    source: AdmitSource
    made: Sequence[Prepared]


def fresh_of(
    connection: Connection, submissions: Sequence[Submission], places: Iterable[int], now: datetime
) -> dict[int, list[ArticleCandidate]]:
    """The entries that are new or say something else, of the documents at these places."""
    return {at: _fresh(connection, submissions[at], now) for at in places}


def pages_of(
    connection: Connection,
    submissions: Sequence[Submission],
    waiting: Mapping[int, Sequence[ArticleCandidate]],
) -> dict[int, list[NewPage]]:
    """The pages that are to be read first; their entries are held back until then."""
    return {
        at: _hold_back(connection, submissions[at].source.id, some) for at, some in waiting.items()
    }


def _fresh(connection: Connection, submission: Submission, now: datetime) -> list[ArticleCandidate]:
    source, made = submission.source, submission.made
    known = entries.known(connection, source.id, [one.key for one in made])
    return [
        candidate(one, known.get(one.key), source, now)
        for one in made
        if one.key not in known or known[one.key].hash != one.hash
    ]


def apart(
    connection: Connection, fresh: Mapping[int, list[ArticleCandidate]]
) -> tuple[list[int], list[int]]:
    """The first ones, which share no article and are admitted together; and the rest.

    The rest waits whole, so that articles are made, and numbered, in the order of the documents.
    """
    order = list(fresh)
    first = order[: with_keys_of_their_own(fresh.values())]
    by_key = entries.articles_by_key(
        connection, (key for at in first for one in fresh[at] for key in one.keys)
    )
    taken: set[str | int] = set()
    for place, at in enumerate(first):
        own: set[str | int] = set()
        for one in fresh[at]:
            led = [by_key[key] for key in one.keys if key in by_key]
            if one.known and one.known.article_id is not None:
                led.append(one.known.article_id)
            one.leads_to, one.first = set(led), next(iter(led), 0)
            one.by_address = any(key in by_key for key in filter(identity.is_address, one.keys))
            own.update(one.leads_to)
            if one.made.values is not None:
                own.update(one.keys)
        if taken & own:
            return order[:place], order[place:]
        taken |= own
    return first, order[len(first) :]


def _hold_back(
    connection: Connection, source_id: int, candidates: Sequence[ArticleCandidate]
) -> list[NewPage]:
    """Those whose pages are to be read, as many as may wait; the others are as they are."""
    pages: list[NewPage] = []
    if not any(one.made.listed for one in candidates):
        return pages
    waiting = article_page_queue.number(connection, source_id)
    for one in candidates:
        made = one.made
        if not made.listed or not made.link:
            continue
        if waiting + len(pages) < (MOST_OLD if one.quiet else MOST_NEW):
            pages.append(NewPage(made.key, made.link, made.listed))
            one.made = replace(made, values=None, refusal=Refusal.UNREAD, reasons={})
    return pages
