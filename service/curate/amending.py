"""What stored articles say once their sources have said something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.curate.candidates import ArticleCandidate
from service.curate.owning import SourceAddresses, fit
from service.store.content import articles
from service.store.content.article_values import ArticleValues
from service.store.content.articles import Amended, Stored
from service.store.core.database import Connection
from service.store.sources import polling_queue


@dataclass(frozen=True, slots=True)
class Changes:
    """Articles that say something else. `own`: by what their source says now.

    `taken`: they went over to the source whose host their link names. `words`: what they say now.
    """

    own: frozenset[int]
    taken: frozenset[int]
    words: Mapping[int, ArticleValues]


@dataclass(slots=True)
class Amending:
    """`before` are the stored articles as they were, `gone` those that became one of them."""

    connection: Connection
    before: Mapping[int, Stored]
    gone: Mapping[int, Sequence[Stored]]
    now: datetime
    _rows: dict[int, Amended] = field(default_factory=dict, init=False)

    def amend(self, accepted: Iterable[ArticleCandidate]) -> Changes:
        """An article says what its own source says now. `updated` moves with the substance alone.

        Where a document tells an article twice, what stands first in it is the newer. An article
        that goes over to its owner gets the owner's words and keeps its times: the outlet has
        changed nothing.
        """
        told: dict[int, ArticleCandidate] = {}
        for one in accepted:
            if one.article_id in self.before:
                told.setdefault(one.article_id, one)
        foreign = {at: one for at, one in told.items() if self._is_foreign(at, one)}
        places = self._places(foreign)
        taken = {at for at, one in foreign.items() if self._hand_over(at, one, places)}
        own = {at for at, one in told.items() if at not in taken and self._say(at, one)}
        articles.amend(self.connection, self._rows.values())
        words = {at: row.values for at, row in self._rows.items()}
        return Changes(frozenset(own), frozenset(taken), words)

    def _is_foreign(self, article_id: int, one: ArticleCandidate) -> bool:
        """Whether anybody but its source tells it here."""
        own = self.before[article_id].source_id
        others = (one.source.id, *(gone.source_id for gone in self.gone.get(article_id, ())))
        return any(other != own for other in others)

    def _places(self, foreign: Mapping[int, ArticleCandidate]) -> dict[int, SourceAddresses]:
        if not foreign:
            return {}
        ids = {one.source.id for one in foreign.values()}
        for at in foreign:
            ids |= {stored.source_id for stored in (self.before[at], *self.gone.get(at, ()))}
        stood = polling_queue.addresses(self.connection, ids)
        homes = {one.source.id: one.source.home for one in foreign.values()}
        return {
            row: SourceAddresses(fetched, tuple(one for one in (home, homes.get(row)) if one))
            for row, (fetched, home) in stood.items()
        }

    def _hand_over(
        self, article_id: int, one: ArticleCandidate, places: Mapping[int, SourceAddresses]
    ) -> bool:
        stored = self.before[article_id]
        claims = [(one.source.id, one.values)]
        claims += [(gone.source_id, gone.values) for gone in self.gone.get(article_id, ())]
        own = one.source.id == stored.source_id
        best, words = stored.source_id, one.values if own else stored.values
        for source_id, values in claims:
            if fit(values.link, places[source_id]) > fit(words.link, places[best]):
                best, words = source_id, values
        if best == stored.source_id:
            return False
        values = words.after(stored.values)
        self._rows[article_id] = Amended(article_id, best, values, stored.updated_at)
        return True

    def _say(self, article_id: int, one: ArticleCandidate) -> bool:
        stored = self.before[article_id]
        if stored.source_id != one.source.id:
            return False
        values: ArticleValues = one.values.after(stored.values)
        if values == stored.values:
            return False
        same = values.hash == stored.values.hash
        at = stored.updated_at if same else self._updated(one.made.updated, stored)
        self._rows[article_id] = Amended(article_id, stored.source_id, values, at)
        return True

    def _updated(self, said: datetime | None, stored: Stored) -> datetime:
        """When the outlet says that it changed, if that is new and believable, else now."""
        before = stored.updated_at or stored.values.published_at or stored.first_seen_at
        return said if said is not None and before < said <= self.now else self.now
