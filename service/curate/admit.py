"""One document's entries in one transaction: Entry -> Article -> Story -> Topics.

    unchanged entries ──> nothing
    the others ──> shaped, or refused with a reason
              ──> led to the articles that their keys know; two that turn out to be one are merged
              ──> new articles, each with a story of its own; old ones amended by their own source
              ──> topics with reasons, and the feeds that show them marked

Quiet (promise 10): what a source had when it was first collected is stored and shown, never
mailed, except what it published after the first fetch. Another source that tells a quiet article
as news wakes it; the same source under another guid or address does not: it had it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.curate import identity
from service.curate.candidates import AdmitSource, Candidate, candidate
from service.curate.placing import Placing
from service.curate.prepare import Prepared, Told, prepare
from service.curate.rules import Matcher
from service.model import Document, Refusal
from service.store import articles, entries, merges, stale, topics, unread
from service.store.articles import Stored
from service.store.database import Connection
from service.store.entries import NewEntry, Teller
from service.store.unread import NewPage
from service.store.values import Values

MOST_OLD = 50
MOST_NEW = 1000
"""Pages of one source that wait to be read. Of what it had when it was first collected the newest
are enough; the rest stays as its list told it."""

__all__ = ["AdmitSource", "Admitted", "admit", "admit_listed", "admit_prepared"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """How many entries were new, changed, refused. `topics`: whose feeds look otherwise now."""

    new: int = 0
    changed: int = 0
    refused: int = 0
    topics: frozenset[str] = frozenset()


def admit(
    connection: Connection,
    source: AdmitSource,
    document: Document,
    now: datetime,
    matcher: Matcher,
) -> Admitted:
    """Take a document's entries in. Needs a write transaction; the caller commits."""
    told = Told(source.name, source.title, source.language, source.topics)
    made, _ = prepare(document, told, matcher)
    return admit_prepared(connection, source, made, now, matcher)


def admit_prepared(
    connection: Connection,
    source: AdmitSource,
    made: Sequence[Prepared],
    now: datetime,
    matcher: Matcher,
) -> Admitted:
    """The same for entries that a worker has made ready. Each key may stand there once."""
    keys = [one.key for one in made]
    known = entries.known(connection, source.id, keys)
    if all(one.key in known and known[one.key].hash == one.hash for one in made):
        return Admitted()
    if entries.queue(connection):
        known = entries.known(connection, source.id, keys)
    candidates = [
        candidate(one, known.get(one.key), source, now)
        for one in made
        if one.key not in known or known[one.key].hash != one.hash
    ]
    pages = _hold_back(connection, source.id, candidates)
    admitted = _Admission(connection, source, now, matcher).run(candidates)
    unread.add(connection, source.id, pages, now)
    return admitted


def admit_listed(
    connection: Connection, source: AdmitSource, made: Prepared, now: datetime, matcher: Matcher
) -> Admitted:
    """An entry of a list whose page was read, or given up: admitted whatever its hash."""
    entries.queue(connection)
    known = entries.known(connection, source.id, [made.key])
    one = candidate(made, known.get(made.key), source, now)
    return _Admission(connection, source, now, matcher).run([one])


def _hold_back(
    connection: Connection, source_id: int, candidates: Sequence[Candidate]
) -> list[NewPage]:
    """Of those whose pages are to be read, as many as may wait; the others are as they are."""
    pages: list[NewPage] = []
    if not any(one.made.listed for one in candidates):
        return pages
    waiting = unread.number(connection, source_id)
    for one in candidates:
        made = one.made
        if not made.listed or not made.link:
            continue
        if waiting + len(pages) < (MOST_OLD if one.quiet else MOST_NEW):
            pages.append(NewPage(made.key, made.link, made.listed))
            one.made = replace(made, values=None, refusal=Refusal.UNREAD, reasons={})
    return pages


@dataclass(slots=True)
class _Admission:
    """The steps over one document, sharing what was read.

    `before` are the stored articles as they were, `tellers` who had told them.
    """

    connection: Connection
    source: AdmitSource
    now: datetime
    matcher: Matcher
    before: dict[int, Stored] = field(default_factory=dict)
    tellers: dict[int, dict[int, Teller]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)  # articles that look otherwise now

    def run(self, candidates: list[Candidate]) -> Admitted:
        accepted = [one for one in candidates if one.made.values is not None]
        self._find(accepted)
        self._make_articles([one for one in accepted if not one.was_there])
        entries.lead_to(
            self.connection, [(key, one.article_id) for one in accepted for key in one.keys]
        )
        self._keep_entries(candidates)
        amended = self._amend_articles(accepted)
        placing = Placing(
            self.connection, self.source, self.matcher, self.before, self.tellers, self.now
        )
        standing = topics.of_articles(self.connection, self.before)
        self.touched |= amended | placing.place(accepted, amended)
        new = sum(one.known is None for one in candidates)
        return Admitted(
            new=new,
            changed=len(candidates) - new,
            refused=len(candidates) - len(accepted),
            topics=self._mark(standing),
        )

    def _find(self, accepted: list[Candidate]) -> None:
        """Lead each to the article that its keys know; merge where they know several."""
        by_key = entries.articles_by_key(
            self.connection, (key for one in accepted for key in one.keys)
        )
        became: dict[int, int] = {}
        for one in accepted:
            ids = {by_key[key] for key in one.keys if key in by_key}
            if one.known and one.known.article_id is not None:
                ids.add(one.known.article_id)
            if not ids:
                continue
            one.article_id, *losers = sorted({_end(became, found) for found in ids})
            one.was_there = True
            for loser in losers:
                merges.merge(self.connection, one.article_id, loser)
                became[loser] = one.article_id
                self.touched.add(one.article_id)
        there = [one for one in accepted if one.was_there]
        for one in there:
            one.article_id = _end(became, one.article_id)
        ids = {one.article_id for one in there}
        self.before = articles.stored(self.connection, ids)
        self.tellers = entries.tellers(self.connection, ids)
        for one in there:
            self._recall(one)

    def _recall(self, one: Candidate) -> None:
        """What this source had told before stays as it was: news or quiet."""
        own = self.tellers.get(one.article_id, {}).get(self.source.id)
        told = one.known is not None and one.known.article_id is not None
        one.repeats = told or own is not None
        if one.known is None and own is not None:
            one.quiet = own.quiet
        elif own is None:
            self.touched.add(one.article_id)  # another outlet has it

    def _make_articles(self, fresh: list[Candidate]) -> None:
        """New articles, one for all entries of the document that share a key."""
        makers: dict[str, Candidate] = {}
        followers: list[tuple[Candidate, Candidate]] = []
        waiting: list[Candidate] = []
        for one in fresh:
            maker = next((makers[key] for key in one.keys if key in makers), None)
            if maker is not None:
                followers.append((one, maker))
                continue
            makers |= dict.fromkeys(one.keys, one)
            waiting.append(one)
        attempt = 0
        while waiting:
            named = {identity.public_id(one.keys[0], attempt): one for one in waiting}
            rows = [(public_id, one.values) for public_id, one in named.items()]
            ids = articles.add(self.connection, self.source.id, rows, self.now)
            for public_id, article_id in ids.items():
                named[public_id].article_id = article_id
                self.touched.add(article_id)
            waiting = [one for one in waiting if not one.article_id]
            attempt += 1
        for one, maker in followers:
            one.article_id = maker.article_id

    def _keep_entries(self, candidates: list[Candidate]) -> None:
        rows = [(one.known, self._row(one)) for one in candidates]
        new = [row for known, row in rows if known is None]
        entries.add(self.connection, self.source.id, new, self.now)
        entries.amend(self.connection, [(known.id, row) for known, row in rows if known])

    def _row(self, one: Candidate) -> NewEntry:
        made = one.made
        refused = made.refusal
        article_id = one.article_id or None
        if refused and one.known and one.known.article_id is not None:
            # It made an article once; that it says nothing now does not take it back.
            refused, article_id = None, one.known.article_id
        return NewEntry(
            entry_key=made.key,
            guid=made.guid,
            link=made.link,
            title=made.title,
            hash=made.hash,
            article_id=article_id,
            refused_reason=refused,
            quiet=one.quiet,
            published=made.published,
        )

    def _amend_articles(self, accepted: list[Candidate]) -> set[int]:
        """An article says what its own source says now. `updated` moves with the substance alone.

        Where a document tells an article twice, what stands first in it is the newer.
        """
        rows: dict[int, tuple[int, Values, datetime | None]] = {}
        seen: set[int] = set()
        for one in accepted:
            stored = self.before.get(one.article_id)
            if stored is None or one.article_id in seen or stored.source_id != self.source.id:
                continue
            seen.add(one.article_id)
            values = one.values.after(stored.values)
            if values != stored.values:
                same = values.hash == stored.values.hash
                at = stored.updated if same else self._updated(one.made.updated, stored)
                rows[one.article_id] = (one.article_id, values, at)
        articles.amend(self.connection, rows.values())
        return set(rows)

    def _updated(self, said: datetime | None, stored: Stored) -> datetime:
        """When the outlet says that it changed, if that is new and believable, else now."""
        before = stored.updated or stored.values.published or stored.first_seen_at
        return said if said is not None and before < said <= self.now else self.now

    def _mark(self, stood: Mapping[int, Mapping[int, object]]) -> frozenset[str]:
        """The feeds that show what looks otherwise, or showed it. `stood`: where articles were."""
        if not self.touched:
            return frozenset()
        standing = topics.of_articles(self.connection, self.touched)
        shown = {
            topic for one in self.touched for topic in (*standing.get(one, ()), *stood.get(one, ()))
        }
        names = frozenset(n for n, row in topics.ids(self.connection).items() if row in shown)
        if names:
            stale.mark(self.connection, {*names, stale.EVERYTHING}, self.now)
        return names


def _end(became: dict[int, int], article_id: int) -> int:
    while article_id in became:
        article_id = became[article_id]
    return article_id
