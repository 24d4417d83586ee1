"""One document's entries in one transaction: Entry -> Article -> Story -> Topics.

    unchanged entries ──> nothing
    the others ──> shaped, or refused with a reason
              ──> led to the articles that their keys know; two that turn out to be one are merged
              ──> new articles, each with a story of its own
              ──> topics with reasons, and the feeds that show them marked

Quiet (promise 10): what a source had when it was first collected is stored and shown, never
mailed, except what it published after the first fetch. A loud entry wakes a quiet article.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.curate import identity
from service.curate.articles import Shaped, entry_hash, shape
from service.curate.rules import Described, Matcher, Reason
from service.model import Document, Entry, Refusal
from service.store import articles, entries, stale, topics
from service.store.articles import Stored, Values
from service.store.database import Connection
from service.store.entries import Known, NewEntry
from service.store.topics import Placed

OLD_NEWS = timedelta(days=7)
"""An article seen this long ago that enters a topic because it was edited is no news there."""


@dataclass(frozen=True, slots=True)
class AdmitSource:
    """The source of a document, as curating needs it. `first_fetch_at`: its first try ever."""

    id: int
    name: str
    title: str
    weight: float
    language: str | None
    topics: tuple[str, ...]
    first_collection: bool
    first_fetch_at: datetime | None


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
    fresh = {entry.key: entry for entry in reversed(document.entries)}
    hashes = {key: entry_hash(entry) for key, entry in fresh.items()}
    known = entries.known(connection, source.id, fresh)
    told = [
        entry
        for key, entry in reversed(fresh.items())
        if key not in known or known[key].hash != hashes[key]
    ]
    if not told:
        return Admitted()
    entries.queue(connection)
    admission = _Admission(connection, source, now, matcher, known, hashes)
    return admission.run(told, document.language)


@dataclass(slots=True)
class _Candidate:
    """An entry on its way: what it makes, and the article it leads to once that is known."""

    entry: Entry
    shaped: Shaped | Refusal
    known: Known | None
    quiet: bool
    keys: tuple[str, ...]
    article_id: int | None = None
    is_first: bool = False  # its article is new, and made of it

    @property
    def is_news(self) -> bool:
        return self.known is None and not self.quiet


@dataclass(slots=True)
class _Admission:
    """The steps over one document, sharing what was read."""

    connection: Connection
    source: AdmitSource
    now: datetime
    matcher: Matcher
    known: dict[str, Known]
    hashes: dict[str, bytes]
    touched: set[int] = field(default_factory=set)  # articles that look otherwise now

    def run(self, told: list[Entry], language: str | None) -> Admitted:
        candidates = [self._candidate(entry, language) for entry in told]
        accepted = [one for one in candidates if isinstance(one.shaped, Shaped)]
        self._find(accepted)
        self._make_articles(accepted)
        self._keep_entries(candidates)
        self._amend_articles(accepted)
        changed_topics = self._place(accepted)
        new = sum(one.known is None for one in candidates)
        return Admitted(
            new=new,
            changed=len(candidates) - new,
            refused=len(candidates) - len(accepted),
            topics=changed_topics,
        )

    def _candidate(self, entry: Entry, language: str | None) -> _Candidate:
        known = self.known.get(entry.key)
        try:
            shaped = shape(entry, self.source.language or language)
        except (ValueError, RecursionError):
            shaped = Refusal.UNREADABLE
        quiet = known.quiet if known else self._is_old(entry)
        return _Candidate(entry, shaped, known, quiet, identity.keys(entry, self.source.name))

    def _is_old(self, entry: Entry) -> bool:
        if not self.source.first_collection:
            return False
        begun = self.source.first_fetch_at or self.now
        return entry.published is None or entry.published <= begun

    def _find(self, accepted: list[_Candidate]) -> None:
        """Lead each to the article that its keys know; merge where they know several."""
        by_key = entries.articles_by_key(
            self.connection, (key for one in accepted for key in one.keys)
        )
        became: dict[int, int] = {}
        for one in accepted:
            ids = {by_key[key] for key in one.keys if key in by_key}
            if one.known and one.known.article_id is not None:
                ids.add(one.known.article_id)
            ids = {_end(became, found) for found in ids}
            if not ids:
                continue
            winner, *losers = sorted(ids)
            for loser in losers:
                articles.merge(self.connection, winner, loser)
                became[loser] = winner
                self.touched.add(winner)
            one.article_id = winner
        for one in accepted:
            if one.article_id is not None:
                one.article_id = _end(became, one.article_id)

    def _make_articles(self, accepted: list[_Candidate]) -> None:
        """New articles, one for all entries of the document that share a key."""
        makers: dict[str, _Candidate] = {}
        rows: list[tuple[str, Values]] = []
        followers: list[tuple[_Candidate, _Candidate]] = []
        first: list[_Candidate] = []
        for one in accepted:
            if one.article_id is not None:
                continue
            maker = next((makers[key] for key in one.keys if key in makers), None)
            if maker is not None:
                followers.append((one, maker))
                continue
            makers |= dict.fromkeys(one.keys, one)
            first.append(one)
            rows.append((identity.public_id(one.keys[0]), _values(one.shaped)))
        ids = articles.add(self.connection, self.source.id, rows, self.now)
        for one, article_id in zip(first, ids, strict=True):
            one.article_id, one.is_first = article_id, True
        for one, maker in followers:
            one.article_id = maker.article_id
        pairs = [(key, one.article_id) for one in accepted for key in one.keys if one.article_id]
        entries.lead_to(self.connection, pairs)

    def _keep_entries(self, candidates: list[_Candidate]) -> None:
        rows = [(one.known, self._row(one)) for one in candidates]
        new = [row for known, row in rows if known is None]
        entries.add(self.connection, self.source.id, new, self.now)
        entries.amend(self.connection, [(known.id, row) for known, row in rows if known])

    def _row(self, one: _Candidate) -> NewEntry:
        refused = one.shaped if isinstance(one.shaped, Refusal) else None
        article_id = one.article_id
        if refused and one.known and one.known.article_id is not None:
            # It made an article once; that it says nothing now does not take it back.
            refused, article_id = None, one.known.article_id
        shaped = one.shaped if isinstance(one.shaped, Shaped) else None
        return NewEntry(
            entry_key=one.entry.key,
            guid=one.entry.guid,
            link=shaped.link if shaped else one.entry.link,
            title=shaped.title if shaped else one.entry.title,
            hash=self.hashes[one.entry.key],
            article_id=article_id,
            refused_reason=refused,
            quiet=one.quiet,
            published=one.entry.published,
        )

    def _amend_articles(self, accepted: list[_Candidate]) -> None:
        """An article says what its own source says now, if that differs in substance."""
        old = [one for one in accepted if one.article_id and not one.is_first]
        stored = articles.stored(self.connection, (one.article_id for one in old if one.article_id))
        rows: dict[int, tuple[int, Values, datetime | None]] = {}
        for one in old:
            assert one.article_id is not None
            self.touched.add(one.article_id)
            article = stored.get(one.article_id)
            values = _values(one.shaped)
            if article is None or not self._is_own_words(one, article):
                continue
            if values.hash != article.hash:
                rows[article.id] = (article.id, values, _updated(one.entry, self.now))
            elif values.link != article.link:
                rows[article.id] = (article.id, values, article.updated)
        articles.amend(self.connection, rows.values())

    def _is_own_words(self, one: _Candidate, article: Stored) -> bool:
        return article.source_id == self.source.id and one.known is not None

    def _place(self, accepted: list[_Candidate]) -> frozenset[str]:
        """Topics with reasons. Returns those whose feeds look otherwise."""
        known_topics = topics.ids(self.connection)
        ids = [one.article_id for one in accepted if one.article_id is not None]
        standing = topics.of_articles(self.connection, ids)
        stored = articles.stored(self.connection, ids)
        woken = [one.article_id for one in accepted
                 if one.is_news and one.article_id and not one.is_first]  # fmt: skip
        topics.become_news(self.connection, woken, self.now)
        self.touched |= {one.article_id for one in accepted if one.is_first and one.article_id}
        rows: dict[tuple[int, int], Placed] = {}
        left: list[tuple[int, int]] = []
        for one in accepted:
            assert one.article_id is not None
            reasons = self._reasons(one, known_topics)
            there = standing.get(one.article_id, {})
            quiet = self._enters_quietly(one, stored[one.article_id])
            for topic_id, reason in reasons.items():
                placed = Placed(one.article_id, topic_id, quiet, reason)
                before = rows.get((one.article_id, topic_id))
                if before is None or (before.quiet and not quiet):
                    rows[one.article_id, topic_id] = placed
            if self._may_leave(one, stored[one.article_id]):
                left += [(one.article_id, gone) for gone in there if gone not in reasons]
        topics.enter(self.connection, list(rows.values()), self.now)
        topics.leave(self.connection, left)
        return self._mark(known_topics, {topic for _, topic in left})

    def _reasons(self, one: _Candidate, known_topics: dict[str, int]) -> dict[int, Reason]:
        assert isinstance(one.shaped, Shaped)
        described = Described(
            title=one.shaped.title,
            text=one.shaped.text,
            source=self.source.name,
            categories=one.shaped.categories,
            language=one.shaped.language,
            own_topics=self.source.topics,
        )
        found = self.matcher.match(described)
        return {known_topics[name]: why for name, why in found.items() if name in known_topics}

    def _enters_quietly(self, one: _Candidate, article: Stored) -> bool:
        return one.quiet or (one.known is not None and self.now - article.first_seen_at > OLD_NEWS)

    def _may_leave(self, one: _Candidate, article: Stored) -> bool:
        """Only the source whose words an article is can take it out of a topic by an edit."""
        return one.known is not None and article.source_id == self.source.id

    def _mark(self, known_topics: dict[str, int], left: set[int]) -> frozenset[str]:
        standing = topics.of_articles(self.connection, self.touched)
        shown = {topic for placed in standing.values() for topic in placed} | left
        names = frozenset(name for name, row in known_topics.items() if row in shown)
        if names:
            stale.mark(self.connection, {*names, stale.EVERYTHING}, self.now)
        return names


def _end(became: dict[int, int], article_id: int) -> int:
    while article_id in became:
        article_id = became[article_id]
    return article_id


def _values(shaped: Shaped | Refusal) -> Values:
    assert isinstance(shaped, Shaped)
    return Values(**{name: getattr(shaped, name) for name in Values.__slots__})


def _updated(entry: Entry, now: datetime) -> datetime:
    """When the outlet says that it changed, if that is believable, else now."""
    said = entry.updated
    return said if said is not None and said <= now else now
