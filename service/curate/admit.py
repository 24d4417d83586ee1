"""The entries of documents in one transaction: Entry -> Article -> Story -> Topics.

    unchanged entries ──> nothing
    the others ──> shaped, or refused with a reason
              ──> led to the articles that their keys know; two that turn out to be one are merged
              ──> new articles, each with a story of its own; old ones amended by their own source,
                  or handed over to the one whose host their link names
              ──> topics with reasons, and the feeds that show them marked

Documents of several sources that have nothing in common take each step together: a step costs as
much for twenty as for one. Where two speak of one article, the second comes after the first.

Quiet (promise 10): what a source had when it was first collected is stored and shown, never
mailed, except what it published after the first fetch. Another source that tells a quiet article
as news wakes it; the same source under another guid or address does not: it had it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from service.curate import identity
from service.curate.amending import Amending
from service.curate.arriving import Submission, apart, fresh_of, pages_of
from service.curate.candidates import (
    AdmitSource,
    ArticleCandidate,
    candidate,
    end,
    made_one,
    share,
)
from service.curate.citing import write_citations
from service.curate.placing import Placing
from service.curate.prepare import Prepared, Told, prepare
from service.curate.rules.matcher import Matcher
from service.curate.stories import recalling
from service.model import Document
from service.store.content import (
    articles,
    entries,
    merges,
    search_index,
    stale_feeds,
    topics,
    versions,
)
from service.store.content.articles import Stored
from service.store.content.entries import ArticleTeller, NewEntry
from service.store.core.database import Connection
from service.store.sources import article_page_queue

__all__ = [
    "AdmitSource",
    "Admitted",
    "NewsTold",
    "Submission",
    "admit",
    "admit_listed",
    "admit_prepared",
]


@dataclass(frozen=True, slots=True)
class NewsTold:
    """A new entry's article, if it is news. `article`: its public id.

    `late_s`: from its publication to now, where this entry made it and says when it was published.
    """

    article: str
    late_s: int | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """How many entries were new, changed, refused. `topics`: whose feeds look otherwise now."""

    new: int = 0
    changed: int = 0
    refused: int = 0
    topics: frozenset[str] = frozenset()
    news: tuple[NewsTold, ...] = ()


def admit(
    connection: Connection,
    source: AdmitSource,
    document: Document,
    now: datetime,
    matcher: Matcher,
) -> Admitted:
    """Take a document's entries in. Needs a write transaction; the caller commits."""
    told = Told(source.id, source.name, source.title, source.language, source.topics)
    made, _ = prepare(document, told, matcher)
    (admitted,) = admit_prepared(connection, [Submission(source, made)], now, matcher)
    return admitted


def admit_prepared(
    connection: Connection,
    submissions: Sequence[Submission],
    now: datetime,
    matcher: Matcher,
) -> list[Admitted]:
    """The same for what several sources bring, each once; as if they came one after the other."""
    became = [Admitted()] * len(submissions)
    waiting = fresh_of(connection, submissions, range(len(submissions)), now)
    if any(waiting.values()) and entries.queue(connection):
        # What was read before may be out of date.
        waiting = fresh_of(connection, submissions, waiting, now)
    pages = pages_of(connection, submissions, waiting)
    while any(waiting.values()):
        together, rest = apart(connection, waiting)
        admission = _Admission(connection, now, matcher)
        for at, admitted in zip(
            together, admission.run([waiting[at] for at in together]), strict=True
        ):
            became[at] = admitted
            article_page_queue.add(connection, submissions[at].source.id, pages[at], now)
        waiting = {at: waiting[at] for at in rest}
        if admission.merged:  # entries of others have become another article's
            waiting = fresh_of(connection, submissions, rest, now)
            pages = pages_of(connection, submissions, waiting)
    return became


def admit_listed(
    connection: Connection, source: AdmitSource, made: Prepared, now: datetime, matcher: Matcher
) -> Admitted:
    """An entry of a list whose page was read, or given up: admitted whatever its hash."""
    entries.queue(connection)
    known = entries.known(connection, source.id, [made.key])
    one = candidate(made, known.get(made.key), source, now)
    apart(connection, {0: [one]})
    (admitted,) = _Admission(connection, now, matcher).run([[one]])
    return admitted


@dataclass(slots=True)
class _Admission:
    """The steps over documents that share no article; they share what was read.

    `before` are the stored articles as they were, `tellers` the sources that had told them.
    """

    connection: Connection
    now: datetime
    matcher: Matcher
    before: dict[int, Stored] = field(default_factory=dict)
    tellers: dict[int, dict[int, ArticleTeller]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)  # articles that look otherwise now
    merged: dict[int, int] = field(default_factory=dict)  # articles that became others
    gone: dict[int, list[Stored]] = field(
        default_factory=dict
    )  # what they said, by what they became
    public_ids: dict[int, str] = field(default_factory=dict)

    def run(self, documents: Sequence[Sequence[ArticleCandidate]]) -> list[Admitted]:
        """What became of each."""
        candidates = [one for some in documents for one in some]
        accepted = [one for one in candidates if one.made.values is not None]
        self._find(accepted)
        self._make_articles([one for one in accepted if not one.was_there])
        leading = ((one.leading(self.before.get(one.article_id)), one) for one in accepted)
        entries.lead_to(
            self.connection, [(key, one.article_id) for keys, one in leading for key in keys]
        )
        self._keep_entries(candidates)
        accepted = self._without_recalled(accepted)
        changes = Amending(self.connection, self.before, self.gone, self.now).amend(accepted)
        placing = Placing(self.connection, self.matcher, self.before, self.tellers, self.now)
        placed = placing.place(accepted, changes.own)
        self.touched |= changes.own | changes.taken | placed.touched
        cites_otherwise = write_citations(self.connection, accepted, changes.words)
        names = {row: name for name, row in topics.ids(self.connection).items()}
        became = [self._became(some, placed.shown, names) for some in documents]
        marks = frozenset[str]().union(*(one.topics for one in became))
        stale_feeds.mark_listed(self.connection, marks, self.now)
        shown_otherwise = [versions.REFERENCES] if cites_otherwise else []
        again = self.touched & {one.article_id for one in accepted if one.was_there}
        if again:
            shown_otherwise.append(versions.STORIES)
            search_index.mark(self.connection, again)
        versions.raise_(self.connection, shown_otherwise)
        return became

    def _find(self, accepted: list[ArticleCandidate]) -> None:
        """Lead each to the article that its keys know; merge where they know several."""
        became = self.merged
        share(accepted)
        several = {at for one in accepted if len(one.leads_to) > 1 for at in one.leads_to}
        told = entries.tellers(self.connection, several)
        told_by = {at: set(some) for at, some in told.items()}
        for one in accepted:
            if not one.leads_to:
                continue
            one.article_id, *losers = made_one(one, became, told_by)
            one.was_there = True
            for loser in losers:
                merges.merge(self.connection, one.article_id, loser)
                became[loser] = one.article_id
                told_by.setdefault(one.article_id, set()).update(told_by.pop(loser, ()))
                self.touched.add(one.article_id)
        there = [one for one in accepted if one.was_there]
        for one in there:
            one.article_id = end(became, one.article_id)
        ids = {one.article_id for one in there}
        for lost, stored in articles.stored(self.connection, became).items():
            self.gone.setdefault(end(became, lost), []).append(stored)
        self.before = articles.stored(self.connection, ids)
        self.tellers = entries.tellers(self.connection, ids)
        self.public_ids |= {one.id: one.public_id for one in self.before.values()}
        for one in there:
            self._recall(one)

    def _without_recalled(self, accepted: list[ArticleCandidate]) -> list[ArticleCandidate]:
        """What was taken back stays so: an article that is known, and one with the same words.

        Of what is left out nothing is amended and nothing placed; its words are not kept.
        """
        there = {one.article_id for one in accepted if one.was_there}
        fresh = {one.article_id: one.values for one in accepted if not one.was_there}
        became = set(self.merged.values())
        gone = recalling.known_again(self.connection, there, fresh, became, self.now)
        for article_id in gone:
            self.touched.discard(article_id)
            self.public_ids.pop(article_id, None)  # it is no news
            self.before.pop(article_id, None)
        return [one for one in accepted if one.article_id not in gone]

    def _recall(self, one: ArticleCandidate) -> None:
        """What its source had told before stays as it was: news or quiet."""
        own = self.tellers.get(one.article_id, {}).get(one.source.id)
        told = one.known is not None and one.known.article_id is not None
        one.repeats = told or own is not None
        if one.known is None and own is not None:
            one.quiet = own.quiet
        elif own is None:
            self.touched.add(one.article_id)  # another outlet has it

    def _make_articles(self, fresh: list[ArticleCandidate]) -> None:
        """New articles, one for all entries of a document that share a key."""
        makers: dict[str, ArticleCandidate] = {}
        followers: list[tuple[ArticleCandidate, ArticleCandidate]] = []
        waiting: list[ArticleCandidate] = []
        for one in fresh:
            maker = next((makers[key] for key in one.keys if key in makers), None)
            if maker is not None:
                followers.append((one, maker))
                continue
            makers |= dict.fromkeys(one.keys, one)
            waiting.append(one)
        attempt = 0
        while waiting:
            named = {identity.public_id(_first_key(one), attempt): one for one in waiting}
            rows = [articles.New(name, one.source.id, one.values) for name, one in named.items()]
            ids = articles.add(self.connection, rows, self.now)
            for public_id, article_id in ids.items():
                named[public_id].article_id = article_id
                self.public_ids[article_id] = public_id
                self.touched.add(article_id)
            waiting = [one for one in waiting if not one.article_id]
            attempt += 1
        for one, maker in followers:
            one.article_id = maker.article_id

    def _keep_entries(self, candidates: list[ArticleCandidate]) -> None:
        new = [(one.source.id, self._row(one)) for one in candidates if one.known is None]
        entries.add(self.connection, new, self.now)
        entries.amend(
            self.connection, [(one.known.id, self._row(one)) for one in candidates if one.known]
        )

    def _row(self, one: ArticleCandidate) -> NewEntry:
        made = one.made
        refused = made.refusal
        article_id = one.article_id or None
        if refused and one.known and one.known.article_id is not None:
            # It made an article once; that it says nothing now does not take it back.
            refused, article_id = None, end(self.merged, one.known.article_id)
        return NewEntry(
            entry_key=made.key,
            guid=made.guid,
            link=made.link,
            title=made.title,
            hash=made.hash,
            article_id=article_id,
            refused_reason=refused,
            quiet=one.quiet,
            published_at=made.published,
        )

    def _became(
        self,
        document: Sequence[ArticleCandidate],
        shown: Mapping[int, AbstractSet[int]],
        names: Mapping[int, str],
    ) -> Admitted:
        """What became of one document. Its topics show what looks otherwise, or showed it."""
        new = sum(one.known is None for one in document)
        own = {one.article_id for one in document if one.article_id in self.touched}
        rows = {row for article_id in own for row in shown.get(article_id, ())}
        return Admitted(
            new=new,
            changed=len(document) - new,
            refused=sum(one.made.values is None for one in document),
            topics=frozenset(names[row] for row in rows if row in names),
            news=tuple(
                NewsTold(self.public_ids[one.article_id], self._late_s(one))
                for one in document
                if (one.known is None or one.known.article_id is None)
                and one.article_id in self.public_ids
                and not one.quiet
            ),
        )

    def _late_s(self, one: ArticleCandidate) -> int | None:
        published = one.made.published
        if one.was_there or published is None:
            return None
        return round((self.now - published).total_seconds())


def _first_key(one: ArticleCandidate) -> str:
    return identity.first_key(one.keys, one.made.key, one.source.id, one.source.name)
