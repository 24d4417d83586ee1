"""When a topic's rules changed: the stored articles enter it quietly, or leave it.

What a changed rule adds is old (promise 10): stored and shown, never mailed. Each batch of articles
is a transaction of its own; the rules count as applied once all are through, so a run that was
killed is done again.

Rules that are not those in force, since another process has applied newer ones, change nothing.
What such a process admitted meanwhile is placed by those in force, as news where it is news.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from service.config.schema import Settings, Topic
from service.curate.learned.in_use import LearnedModel
from service.curate.rules.matcher import Matcher, compile_rules
from service.curate.rules.terms import Rule
from service.curate.stored import reasons, stays
from service.model import Changed
from service.store.content import articles, entries, search_index, stale_feeds, topics, versions
from service.store.content.articles import Matchable
from service.store.content.topics import Ruled, TopicArticle
from service.store.core.database import Connection, Store

Progress = Callable[[int], None]

LOT = 100
"""Articles that are placed in one transaction."""

MATCHING = 3
"""Raised when the same rules come to mean something else: then all is matched anew."""


def rematch(
    store: Store,
    settings: Settings,
    now: datetime,
    progress: Progress = lambda _done: None,
    *,
    model: LearnedModel | None = None,
    decides: bool = False,
    ends: Callable[[], bool] = lambda: False,
) -> Changed:
    """Apply changed rules, or another model, to all stored articles.

    `progress` is given how many are through. `decides`: these are the rules, whichever are in
    force: no service runs that could have others. `ends`: asked after each batch; True where the
    process ends, which must not wait for a large archive. It is begun anew then.
    """
    hashes = rules_hashes(settings, model)
    with store.read() as connection:
        stored = topics.ruled(connection)
    changed = {
        name: topic
        for name, topic in settings.topic.items()
        if name in stored
        and stored[name].matched_hash != hashes[name]
        and (decides or stored[name].is_ruled_by(hashes[name]))
    }
    if not changed:
        return Changed()
    matcher = compile_rules(changed, model, None if decides else hashes)
    run = _Rematch(settings, changed, matcher)
    done = last = 0
    while True:
        with store.write() as connection:
            entries.queue(connection)  # an article must not be merged away between read and write
            batch = articles.after(connection, last)
            waiting = topics.among_unplaced(connection, (one.id for one in batch))
            names = run.over(connection, [one for one in batch if one.id not in waiting], now)
            if not batch:
                for name in names:
                    topics.keep_rules(connection, name, hashes[name])
        if not batch or not names:
            break
        last = batch[-1].id
        done += len(batch)
        progress(done)
        if ends():
            break
    return Changed(topics=frozenset(run.topics), articles=run.moved)


def place_unplaced(
    store: Store,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    model: LearnedModel | None = None,
) -> Changed:
    """Place what was admitted by rules that are not those in force, if ours are."""
    with store.read() as connection:
        if not topics.are_unplaced(connection):
            return Changed()
    hashes = rules_hashes(settings, model)
    run = _Rematch(settings, settings.topic, compile_rules(settings.topic, model, hashes))
    while True:
        with store.write() as connection:
            entries.queue(connection)
            some = topics.unplaced(connection, LOT)
            if not some or not _are_in_force(connection, hashes):
                break
            quiet: defaultdict[int, bool] = defaultdict(lambda: True)
            for article, is_quiet in some.values():
                quiet[article] &= is_quiet
            run.over(connection, articles.matchable(connection, quiet), clock(), quiet)
            topics.placed(connection, some)
    return Changed(topics=frozenset(run.topics), articles=run.moved)


def _are_in_force(connection: Connection, hashes: Mapping[str, bytes]) -> bool:
    known = topics.ruled(connection)
    return all(one.is_ruled_by(hashes.get(name)) for name, one in known.items())


def rules_hashes(settings: Settings, model: LearnedModel | None = None) -> dict[str, bytes]:
    """Topic -> a hash of all that decides which articles are in it; its title does not."""
    filled: defaultdict[str, list[str]] = defaultdict(list)
    for source in settings.source.values():
        for name in set(source.topics):
            filled[name].append(source.id)
    return {
        name: _hash(_written(topic), sorted(filled[name]), _digest(topic, model))
        for name, topic in settings.topic.items()
    }


def _written(topic: Topic) -> Any:
    """What its rules say, without what they leave out.

    So a later version, whose rules may say more, has the same hash of what says no more.
    """
    return _less_empty(asdict(Rule.of(topic)))


def _says(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", (), [], {})


def _less_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _less_empty(one) for key, one in value.items() if _says(one)}
    return [_less_empty(one) for one in value] if isinstance(value, list | tuple) else value


def _digest(topic: Topic, model: LearnedModel | None) -> str:
    return model.digest if topic.learn and model is not None else ""


def _hash(rules: Any, filled: Sequence[str], learned: str) -> bytes:
    told = json.dumps([MATCHING, rules, filled, learned], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(told.encode(), digest_size=16).digest()


class _Rematch:
    """The changed topics over batches of stored articles."""

    def __init__(self, settings: Settings, changed: Mapping[str, Topic], matcher: Matcher) -> None:
        self._settings = settings
        self._names = changed.keys()
        self._matcher = matcher
        self.topics: set[str] = set()
        self.moved = 0

    def over(
        self,
        connection: Connection,
        batch: Sequence[Matchable],
        now: datetime,
        quiet: Mapping[int, bool] = MappingProxyType({}),
    ) -> set[str]:
        """Match a batch, by those of the topics whose rules are in force; which these are.

        `quiet`: whether an article enters topics quietly; as it does where nothing is said of it.
        """
        ids = {
            name: one.row
            for name, one in topics.ruled(connection).items()
            if self._rules(name, one)
        }
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
                    enter.append(TopicArticle(article.id, topic, quiet.get(article.id, True), why))
                elif there[topic].reason != why:
                    explain.append(TopicArticle(article.id, topic, there[topic].quiet, why))
            leave += [
                (article.id, topic)
                for topic, one in there.items()
                if topic not in fits
                and not stays(self._matcher, self._settings, names[topic], one.reason)
            ]
        topics.enter(connection, [*enter, *explain], now)
        topics.leave(connection, leave)
        search_index.mark(connection, {one.article_id for one in enter} | {at for at, _ in leave})
        moved = {names[one.topic_id] for one in enter} | {names[topic] for _, topic in leave}
        if moved:
            stale_feeds.mark_listed(connection, moved, now)
            versions.raise_(connection, [versions.STORIES])
        self.topics |= moved
        self.moved += len(enter) + len(leave)
        return set(ids)

    def _rules(self, name: str, topic: Ruled) -> bool:
        hashes = self._matcher.hashes
        return name in self._names and (hashes is None or topic.is_ruled_by(hashes[name]))
