"""An entry on its way to an article: what it makes, and whether it is news. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.curate import identity
from service.curate.prepare import Prepared
from service.store.content.article_values import ArticleValues
from service.store.content.articles import Stored
from service.store.content.entries import StoredEntry

CLOCK_SKEW = timedelta(minutes=15)
"""How far ahead an outlet's clock may go. What is dated later has a wrong zone, and says nothing
about when it was published."""


@dataclass(frozen=True, slots=True)
class AdmitSource:
    """The source of a document, as curating needs it. `first_fetch_at`: its first try ever.

    `home`: the home page that the document names, None = none; its row has what earlier ones named.
    """

    id: int
    name: str
    title: str
    weight: float
    language: str | None
    topics: tuple[str, ...]
    first_collection: bool
    first_fetch_at: datetime | None
    home: str | None = None


@dataclass(slots=True)
class ArticleCandidate:
    """An entry with what it makes, and the article it leads to once that is known.

    `leads_to`: the articles that its keys know, and what it told before; `first`: the one of the
    strongest key, 0 = there is none; `by_address`: one of its addresses knows one. `was_there`: the
    article was stored before this document. `repeats`: its source had told it before, under this or
    another entry key.
    """

    source: AdmitSource
    made: Prepared
    known: StoredEntry | None
    quiet: bool
    leads_to: set[int] = field(default_factory=set)
    first: int = 0
    by_address: bool = False
    article_id: int = 0
    was_there: bool = False
    repeats: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return self.made.keys

    @property
    def values(self) -> ArticleValues:
        assert self.made.values is not None
        return self.made.values

    def leading(self, stored: Stored | None) -> Sequence[str]:
        """The keys by which its article is known from now on. `stored`: as it was, None = new.

        Where an entry has another headline and another address than the article of another source
        that it led to, the address may be of something else, which its outlet is yet to tell.
        """
        if stored is None or self.known is None or self.by_address:
            return self.keys
        # One that was taken back with its headline has none.
        as_before = stored.values.title in ("", self.values.title)
        if as_before or stored.source_id == self.source.id:
            return self.keys
        return [key for key in self.keys if not identity.is_address(key)]


def candidate(
    made: Prepared, known: StoredEntry | None, source: AdmitSource, now: datetime
) -> ArticleCandidate:
    """What an entry is to this source: known or new, news or old."""
    if known is None:
        return ArticleCandidate(source, made, known, _is_old(made.published, source, now))
    quiet = known.quiet
    if quiet and known.article_id is None:  # its page may know better when it was published
        quiet = not _is_after(made.published, source.first_fetch_at, now)
    return ArticleCandidate(source, made, known, quiet)


def with_keys_of_their_own(documents: Iterable[Sequence[ArticleCandidate]]) -> int:
    """How many of these documents, from the first one on, share no key with one another."""
    taken: set[str] = set()
    number = 0
    for some in documents:
        own = {key for one in some if one.made.values is not None for key in one.keys}
        if taken & own:
            break
        taken |= own
        number += 1
    return number


def share(candidates: Sequence[ArticleCandidate]) -> None:
    """Let entries that share a key lead to the same articles, also where only one of them is known.

    A story is listed again: the second entry has a link that is in no key yet, as it was under
    several headlines before, or only its twin's key in common with the first one.
    """
    first: dict[str, ArticleCandidate] = {}
    pairs = [
        (first[key], one)
        for one in candidates
        for key in one.keys
        if first.setdefault(key, one) is not one
    ]
    changed = bool(pairs)
    while changed:
        changed = False
        for one, other in (*pairs, *reversed(pairs)):  # both ways along a chain of twins
            if one.leads_to != other.leads_to:
                one.leads_to = other.leads_to = one.leads_to | other.leads_to
                changed = True


def made_one(
    one: ArticleCandidate, became: Mapping[int, int], told_by: Mapping[int, AbstractSet[int]]
) -> list[int]:
    """The articles that an entry shows to be one, in order; those it leads to, if it is several.

    `became`: article -> the one that it is now. `told_by`: article -> rows of sources. Of articles
    that other sources tell it takes one alone, that of its strongest key: a list whose guids are
    ranks, or a stranger, would make one article of whatever it leads to (docs/decisions/087).
    """
    found = {end(became, article) for article in one.leads_to}
    of_others = {article for article in found if told_by.get(article, set()) - {one.source.id}}
    if len(of_others) > 1:
        found -= of_others - {end(became, one.first) if one.first else min(of_others)}
    return sorted(found)


def end(became: Mapping[int, int], article_id: int) -> int:
    """What an article has become in the end."""
    while article_id in became:
        article_id = became[article_id]
    return article_id


def _is_old(published: datetime | None, source: AdmitSource, now: datetime) -> bool:
    """Old is what a source had when it was first collected (promise 10)."""
    if not source.first_collection:
        return False
    return not _is_after(published, source.first_fetch_at, now)


def _is_after(published: datetime | None, begun: datetime | None, now: datetime) -> bool:
    return published is not None and (begun or now) < published <= now + CLOCK_SKEW
