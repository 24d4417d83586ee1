"""When a topic's rules changed: the stored articles enter it quietly, or leave it.

What a changed rule adds is old (promise 10): stored and shown, never mailed. Each batch of articles
is a transaction of its own; the rules count as applied once all are through, so a run that was
killed is done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime

from service.config.schema import Settings, Topic
from service.curate.learned.in_use import LearnedModel
from service.curate.rules.matcher import Matcher, compile_rules, packed
from service.curate.stored import reasons, stays
from service.model import Changed
from service.store.content import articles, entries, search_index, stale_feeds, topics, versions
from service.store.content.articles import Matchable
from service.store.content.topics import TopicArticle
from service.store.core.database import Connection, Store

Progress = Callable[[int], None]

MATCHING = 3
"""Raised when the same rules come to mean something else: then all is matched anew."""


def rematch(
    store: Store,
    settings: Settings,
    now: datetime,
    progress: Progress = lambda _done: None,
    *,
    model: LearnedModel | None = None,
) -> Changed:
    """Apply changed rules, or another model, to all stored articles.

    `progress` is given how many are through.
    """
    hashes = {name: rules_hash(settings, name, model) for name in settings.topic}
    with store.read() as connection:
        stored = topics.rules(connection)
    changed = {
        name: topic
        for name, topic in settings.topic.items()
        if name in stored and stored[name] != hashes[name]
    }
    if not changed:
        return Changed()
    run = _Rematch(settings, changed, now, compile_rules(changed, model))
    done = last = 0
    while True:
        with store.write() as connection:
            entries.queue(connection)  # an article must not be merged away between read and write
            batch = articles.after(connection, last)
            run.over(connection, batch)
        if not batch:
            break
        last = batch[-1].id
        done += len(batch)
        progress(done)
    with store.write() as connection:
        for name in changed:
            topics.keep_rules(connection, name, hashes[name])
    return Changed(topics=frozenset(run.topics), articles=run.moved)


def rules_hash(settings: Settings, name: str, model: LearnedModel | None = None) -> bytes:
    """A hash of all that decides which articles are in the topic; its title does not."""
    topic = settings.topic[name]
    rules = packed({name: topic}).decode()
    filled = sorted(source.id for source in settings.source.values() if name in source.topics)
    learned = model.digest if topic.learn and model is not None else ""
    told = json.dumps([MATCHING, rules, filled, learned], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(told.encode(), digest_size=16).digest()


class _Rematch:
    """The changed topics over batches of stored articles."""

    def __init__(
        self, settings: Settings, changed: Mapping[str, Topic], now: datetime, matcher: Matcher
    ) -> None:
        self._settings = settings
        self._names = changed.keys()
        self._matcher = matcher
        self._now = now
        self.topics: set[str] = set()
        self.moved = 0

    def over(self, connection: Connection, batch: list[Matchable]) -> None:
        ids = {n: row for n, row in topics.ids(connection).items() if n in self._names}
        names = {row: name for name, row in ids.items()}
        standing = topics.of_articles(connection, (article.id for article in batch))
        enter: list[TopicArticle] = []
        explain: list[TopicArticle] = []
        leave: list[tuple[int, int]] = []
        for article in batch:
            there = {t: one for t, one in standing.get(article.id, {}).items() if t in names}
            said = reasons(self._matcher, self._settings, article)
            fits = {ids[name]: why for name, why in said.items() if name in ids}
            for topic, why in fits.items():
                if topic not in there:
                    enter.append(TopicArticle(article.id, topic, True, why))
                elif there[topic].reason != why:
                    explain.append(TopicArticle(article.id, topic, there[topic].quiet, why))
            leave += [
                (article.id, topic)
                for topic, one in there.items()
                if topic not in fits
                and not stays(self._matcher, self._settings, names[topic], one.reason)
            ]
        topics.enter(connection, [*enter, *explain], self._now)
        topics.leave(connection, leave)
        search_index.mark(connection, {one.article_id for one in enter} | {at for at, _ in leave})
        moved = {names[one.topic_id] for one in enter} | {names[topic] for _, topic in leave}
        if moved:
            stale_feeds.mark(connection, {*moved, stale_feeds.EVERYTHING}, self._now)
            versions.raise_(connection, [versions.STORIES])
        self.topics |= moved
        self.moved += len(enter) + len(leave)
