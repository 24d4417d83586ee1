"""Which topics the articles of documents enter and leave, and whether as news."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.curate.articles import matched_text
from service.curate.candidates import ArticleCandidate
from service.curate.rules.matcher import Matcher
from service.curate.rules.terms import Described
from service.store.content import topics
from service.store.content.article_values import ArticleValues
from service.store.content.articles import Stored
from service.store.content.entries import ArticleTeller
from service.store.content.topics import Ruled, TopicArticle
from service.store.core.database import Connection

OLD_NEWS = timedelta(days=7)
"""An article seen this long ago that enters a topic because it was edited is not news there."""


@dataclass(frozen=True, slots=True)
class Placements:
    """`touched`: articles that look otherwise. `shown`: article -> topic rows that show or did."""

    touched: set[int]
    shown: Mapping[int, set[int]]


@dataclass(frozen=True, slots=True)
class Placing:
    """The rules, and what was read.

    `before` are the stored articles as they were before the documents, `tellers` the sources that
    had told them.
    """

    connection: Connection
    matcher: Matcher
    before: dict[int, Stored]
    tellers: dict[int, dict[int, ArticleTeller]]
    now: datetime

    def place(self, accepted: Sequence[ArticleCandidate], amended: AbstractSet[int]) -> Placements:
        """Write topics with their reasons, where the rules are those in force.

        Where they are not, as in a process whose configuration was replaced, nothing enters and
        nothing leaves: the articles are left to those that are.
        """
        known = topics.ruled(self.connection)
        rows = {name: one.row for name, one in known.items() if self._decides(name, one)}
        if len(rows) < len(known):
            left: dict[int, bool] = {}
            for one in accepted:
                quiet = left.get(one.article_id, True)
                left[one.article_id] = quiet and self._quietly(one)
            topics.leave_unplaced(self.connection, left)
        standing = topics.of_articles(self.connection, self.before)
        woken = {one.article_id for one in accepted if one.was_there and self._is_news(one)}
        topics.become_news(self.connection, sorted(woken), self.now)
        enter: dict[tuple[int, int], TopicArticle] = {}
        leave: set[tuple[int, int]] = set()
        for one in accepted:
            reasons = one.made.reasons
            for name, reason in reasons.items():
                if name in rows:
                    placed = TopicArticle(one.article_id, rows[name], self._quietly(one), reason)
                    _keep_louder(enter, placed)
            if one.article_id in amended:
                gone = self._left(one, reasons.keys())
                there = standing.get(one.article_id, {})
                leave |= {(one.article_id, rows[n]) for n in gone if rows.get(n) in there}
        leave -= enter.keys()
        topics.enter(self.connection, list(enter.values()), self.now, _made_now(accepted))
        topics.leave(self.connection, sorted(leave))
        entered = {at for at, topic in enter if topic not in standing.get(at, {})}
        shown = defaultdict[int, set[int]](set, {at: set(there) for at, there in standing.items()})
        for at, topic in enter:
            shown[at].add(topic)
        return Placements(woken | entered | {article for article, _ in leave}, shown)

    def _decides(self, name: str, topic: Ruled) -> bool:
        mine = self.matcher.hashes
        return mine is None or topic.is_ruled_by(mine.get(name))

    def _is_news(self, one: ArticleCandidate) -> bool:
        """A source that had not told it tells it now, and not in its first collection."""
        return not one.quiet and not one.repeats

    def _quietly(self, one: ArticleCandidate) -> bool:
        if one.quiet or not one.repeats:
            return one.quiet
        stored = self.before.get(one.article_id)
        return stored is not None and self.now - stored.first_seen_at > OLD_NEWS

    def _left(self, one: ArticleCandidate, held: Iterable[str]) -> set[str]:
        """Topics that its old words brought it into, by whichever source, and its new ones do not.

        What another outlet brought it into by itself is not theirs to take away.
        """
        old = self.before[one.article_id].values
        had: set[str] = set()
        still = set(held)
        for teller in self.tellers[one.article_id].values():
            had |= self.matcher.match(self._as_stored(old, teller.name)).keys()
            if teller.name != one.source.name:
                still |= self.matcher.match(self._as_stored(one.values, teller.name)).keys()
        return had - still

    @staticmethod
    def _as_stored(values: ArticleValues, source: str) -> Described:
        return Described(
            title=values.title,
            text=matched_text(values.lead, values.content),
            source=source,
            categories=values.categories,
            language=values.language,
            lead=values.lead,
            link=values.link,
            authors=values.authors,
        )


def _made_now(accepted: Sequence[ArticleCandidate]) -> dict[int, datetime | None]:
    """New articles -> when each came out: as its first entry says, which it was made of."""
    came_out: dict[int, datetime | None] = {}
    for one in accepted:
        if not one.was_there:
            came_out.setdefault(one.article_id, one.values.published_at)
    return came_out


def _keep_louder(rows: dict[tuple[int, int], TopicArticle], placed: TopicArticle) -> None:
    """Two entries of one document may tell one article: it is news if one of them is."""
    place = (placed.article_id, placed.topic_id)
    if place not in rows or (rows[place].quiet and not placed.quiet):
        rows[place] = placed
