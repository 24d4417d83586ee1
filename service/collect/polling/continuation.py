"""A visit that goes on beyond a source's first document: next pages, an index's sitemaps.

first document -> is anything wanted? -> the site's turn -> fetch and read -> … -> one result

Next pages are read while all on a page is unknown, up to the source's `pages`; sitemaps of an index
while they have changed, a few at a time. What cannot be had of them costs the first document
nothing: what it gave is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from service.collect.politeness.fetch import Fetch
from service.collect.polling.request import Asked, Failed, PolledDocument
from service.collect.schedule import empty_source
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask, PreparedResult
from service.curate.prepare import Prepared
from service.errors import BantinError
from service.model import Further
from service.parse.kind import Continuation
from service.parse.sitemap import sitemap_index
from service.parse.sitemap.sitemap_index import SitemapPlan
from service.store.content import entries
from service.store.core.database import Store
from service.store.sources.polling_queue import BodyFingerprint, ClaimedSource

LONGEST_S = 300.0
"""Of one visit. What is left then waits for the next one."""

Known = Callable[[Iterable[str]], AbstractSet[str]]
"""Entry keys -> which of them are stored of the source."""

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class Visit:
    """What has been read, as one result, and what is to be read next.

    `budget`: how many documents more this visit may read. `until`: by the loop's clock.
    """

    asked: Asked
    read: PolledDocument
    wanted: tuple[Further, ...]
    budget: int
    until: float
    plan: SitemapPlan | None = None
    done: tuple[Further, ...] = ()

    def goes_on(self, now_s: float) -> bool:
        return bool(self.wanted) and self.budget > 0 and now_s < self.until


def begin(
    asked: Asked, read: PolledDocument, pages: int, known: Known, now_s: float
) -> Visit | Failed:
    """What follows from the first document. Asks the store; Failed for a list that moved.

    `pages`: how many pages of a list one visit may read, the first included.
    """
    lists, document = read.source.lists, read.parsed.document
    visit = Visit(asked, read, (), 0, now_s + LONGEST_S)
    if asked.kind.further is None:
        return visit
    if asked.kind.further is Continuation.CHILDREN:
        return _of_index(visit, known)
    elsewhere = lists.list_path is not None and document.place != lists.list_path
    if not elsewhere and (pages == 1 or not document.further):
        return visit
    if _has_known(read.parsed, known):
        return visit
    if elsewhere and lists.entries_usual:
        error = empty_source.moved(lists.entries_usual, read.parsed.listed)
        return Failed(read.source, error, read.fingerprint, for_all=True)
    return replace(visit, wanted=document.further[:1], budget=pages - 1)


def known_of(store: Store, source: ClaimedSource) -> Known:
    """What the store has of a source; it is asked in a thread."""

    def known(keys: Iterable[str]) -> set[str]:
        with store.read() as connection:
            return set(entries.known(connection, source.id, keys))

    return known


async def ask(
    fetch: Fetch, visit: Visit, rules: bytes, clock: Callable[[], datetime]
) -> ParseTask | BantinError | None:
    """Fetch what is wanted next; the error where it cannot be had. None: it needs another turn."""
    asked = visit.asked
    try:
        response = await fetch.get(
            visit.wanted[0].url,
            asked.rules,
            page=asked.kind.for_people,
            site=asked.site,
            named=True,
        )
    except BantinError as error:
        _tell(visit, error)
        return error
    if response is None:
        return None
    return asked.task(response.body, response.headers, response.url, clock(), rules)


async def read(parsers: Parsers, visit: Visit, job: ParseTask) -> PreparedResult | None:
    """Let a worker read it; None where it cannot be read."""
    try:
        return await parsers.read(job)
    except BantinError as error:
        _tell(visit, error)
        return None


def take(visit: Visit, parsed: PreparedResult | None, known: Known) -> Visit:
    """Add what was wanted next, if it could be had. Asks the store whether the list goes on."""
    following, *rest = visit.wanted
    visit = replace(visit, wanted=tuple(rest), budget=visit.budget - 1)
    if parsed is None:
        return visit
    visit = replace(visit, done=(*visit.done, following))
    if visit.plan is not None:
        return _take_sitemap(visit, parsed, known)
    so_far = visit.read.parsed
    seen = {one.key for one in so_far.made}
    more = tuple(one for one in parsed.made if one.key not in seen)
    whole = replace(so_far, made=(*so_far.made, *more))
    onward = parsed.document.further[:1] if more and not _has_known(parsed, known) else ()
    return replace(visit, read=replace(visit.read, parsed=whole), wanted=onward)


def end(visit: Visit) -> PolledDocument:
    """The result of the visit."""
    plan = visit.plan
    if plan is None:
        return visit.read
    before, index = visit.read.source.lists.sitemaps, visit.read.parsed.document.further
    memory = sitemap_index.remember(index, before, visit.done, plan.wanted)
    failed = len(visit.done) < len(plan.wanted)
    again = failed or plan.more or sitemap_index.is_undated(index)
    fingerprint = _forgotten(visit.read.fingerprint) if again else visit.read.fingerprint
    return replace(visit.read, fingerprint=fingerprint, children=memory)


def _tell(visit: Visit, error: BantinError) -> None:
    source, url = visit.asked.claimed.name, visit.wanted[0].url
    _log.info("next document not read", id=source, url=url, error=str(error))


def _of_index(visit: Visit, known: Known) -> Visit:
    parsed = visit.read.parsed
    fresh = _without_known(parsed.made, known)
    visit = replace(visit, read=replace(visit.read, parsed=replace(parsed, made=fresh)))
    further = parsed.document.further
    if not further:
        return visit
    plan = sitemap_index.plan(further, visit.read.source.lists.sitemaps)
    return replace(visit, wanted=plan.wanted, budget=len(plan.wanted), plan=plan)


def _take_sitemap(visit: Visit, parsed: PreparedResult, known: Known) -> Visit:
    so_far, source = visit.read.parsed, visit.read.source
    fresh = _without_known(parsed.made, known)
    was_there = visit.plan is not None and visit.done[-1].url in visit.plan.old
    old: tuple[Prepared, ...] = ()
    if was_there and source.first_collected_at is not None:
        old = tuple(one for one in fresh if not _is_after(one, source.first_fetch_at))
        fresh = tuple(one for one in fresh if _is_after(one, source.first_fetch_at))
    whole = replace(
        so_far, made=(*so_far.made, *fresh), listed=so_far.listed + parsed.listed, memory=None
    )
    read = replace(visit.read, parsed=whole, old=(*visit.read.old, *old))
    return replace(visit, read=read)


def _has_known(parsed: PreparedResult, known: Known) -> bool:
    """What says nothing new is known; what does may be known under another text."""
    return len(parsed.made) < parsed.listed or bool(known(one.key for one in parsed.made))


def _without_known(made: Iterable[Prepared], known: Known) -> tuple[Prepared, ...]:
    """A plain sitemap says nothing of an address that it has not said before."""
    made = tuple(made)
    there = known(one.key for one in made if not one.title)
    return tuple(one for one in made if one.key not in there)


def _is_after(one: Prepared, first: datetime) -> bool:
    at = one.published or one.updated
    return at is not None and at > first


def _forgotten(fingerprint: BodyFingerprint) -> BodyFingerprint:
    """So that the index is read again next time, though it stays the same."""
    return BodyFingerprint(None, None, b"", fingerprint.read_as)
