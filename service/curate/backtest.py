"""What a topic's rule would add and drop among the stored articles, before it runs.

The articles are walked through as a changed rule walks through them, but nothing is kept: each
batch is a short read of its own, so that whoever writes waits for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from service.config.schema import Settings
from service.curate.learned.in_use import LearnedModel
from service.curate.rules.matcher import Reason, compile_rules
from service.curate.stored import reasons, refusal, stays
from service.store.content import articles, topics
from service.store.content.articles import Matchable
from service.store.core.database import Store


@dataclass(frozen=True, slots=True)
class Move:
    """An article that would enter (`added`) or leave. `reason`: why it fits now, or why not.

    `before`: why it is in the topic now, None for one that would enter.
    """

    article: Matchable
    added: bool
    reason: Reason
    before: Reason | None


class Backtest:
    """One topic's rule over the articles first seen since an instant, None = over all.

    The counts are those of the articles that were walked through so far.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        name: str,
        since: datetime | None = None,
        *,
        model: LearnedModel | None = None,
    ) -> None:
        self._store, self._settings, self._name = store, settings, name
        self._since, self._model = since, model
        self.articles = self.kept = self.added = self.dropped = 0

    def moves(self) -> Iterator[Move]:
        """What would enter and leave, in the order in which the articles came."""
        topic = self._settings.topic[self._name]
        matcher = compile_rules({self._name: topic}, self._model)
        with self._store.read() as connection:
            row = topics.row(connection, self._name, topic.was)
            last = 0 if self._since is None else articles.before_since(connection, self._since)
        while True:
            with self._store.read() as connection:
                batch = articles.after(connection, last, self._since)
                standing = topics.of_articles(connection, (article.id for article in batch))
            if not batch:
                return
            last = batch[-1].id
            for article in batch:
                self.articles += 1
                there = standing.get(article.id, {}).get(row) if row is not None else None
                why = reasons(matcher, self._settings, article).get(self._name)
                if why is not None and there is None:
                    self.added += 1
                    yield Move(article, True, why, None)
                elif there is None:
                    continue
                elif why is not None or stays(matcher, self._settings, self._name, there.reason):
                    self.kept += 1
                else:
                    self.dropped += 1
                    why_not = refusal(matcher, self._settings, article, self._name)
                    yield Move(article, False, why_not, there.reason)
