"""The way of an article in the log: its public id stands in a line of every step.

collected ("source", "delivered", "page") -> "stories judged" -> "published" -> "planned" -> "mails
accepted". The id is the article's, not one of a trace: docs/decisions/063-traces.md. Only news has
such lines; what a source had when it was first collected is never mailed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from service.runtime import logs
from service.store.content import articles
from service.store.core.database import Store
from service.store.mailing import edition_articles
from service.store.mailing.edition_articles import EditionArticles

IDS = 200
"""Articles in one line of the log at most."""


class Traces:
    """One for a process. It remembers what each feed had, to tell what has come into it."""

    def __init__(self) -> None:
        self._listed: dict[str, frozenset[int]] = {}

    def judged(self, store: Store, ids: Iterable[int], **counts: int) -> None:
        """It was judged which stories these articles tell."""
        with store.read() as connection:
            tell("stories judged", articles.news(connection, ids), **counts)

    def published(self, store: Store, feeds: Mapping[str, frozenset[int]]) -> None:
        """These feeds were written; what came into them since this process wrote them last."""
        for feed, listed in feeds.items():
            fresh = listed - self._listed.get(feed, frozenset())
            self._listed[feed] = listed
            with store.read() as connection:
                found = articles.news(connection, fresh)
            if found:
                tell("published", found, feed=feed)

    def planned(self, store: Store, editions: Mapping[int, int]) -> None:
        """So many deliveries of these editions were planned."""
        with store.read() as connection:
            found = edition_articles.of(connection, editions)
        for edition, told in found.items():
            tell_edition("planned", told, mails=editions[edition])


def tell_edition(event: str, edition: EditionArticles, *, mails: int) -> None:
    """What became of mails of an edition, with the articles that it lists."""
    tell(
        event,
        [article.public_id for article in edition.articles],
        digest=edition.digest,
        cadence=edition.cadence,
        cut_at=edition.cut_at.isoformat(),
        mails=mails,
    )


def tell(event: str, ids: Sequence[str], **more: object) -> None:
    """One line, or several where there are many articles."""
    for start in range(0, max(1, len(ids)), IDS):
        logs.get().info(event, **more, articles=ids[start : start + IDS])
