"""When a source is dead: its site is searched for where its news stand now, once a week at most.

dead for days -> its site's other dead sources -> claim -> one careful search -> suggestions

A source is never changed by it: what was found is shown beside its error, until it works again or
a person writes another address.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from service.collect.discovery import candidates
from service.collect.discovery.candidates import Discovery, SourceCandidate
from service.collect.discovery.search import discover
from service.collect.discovery.visitor import SearchDependencies, SearchTerms
from service.collect.politeness.fetch import Fetch
from service.collect.politeness.rate_limit import Sites
from service.collect.politeness.site_rules import rules_of
from service.collect.source_options import reading_of
from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.errors import BantinError
from service.net.client import Client
from service.store.core.database import Store
from service.store.core.lease import TERM, Term, claimed
from service.store.core.threads import in_thread
from service.store.sources import dead_sources
from service.store.sources.dead_sources import Dead, Suggestion
from service.store.sources.polling_queue import LEASE

DEAD_FOR = timedelta(days=2)
FAILURES = 3
"""So long, and so often in a row, a source gives nothing before anybody searches: servers are set
up wrongly for an evening. What its server calls gone for good is searched for at once."""

AGAIN = timedelta(days=7)
"""Between two searches on one site for the same source."""

MOST_REQUESTS = 20
LONGEST_S = 120.0

MOST_SITES = 20
"""Sites in one pass: the next one goes on."""

MOST_SUGGESTED = 3

_log = structlog.get_logger("collect")


async def seek(
    store: Store,
    settings: Settings,
    clock: Callable[[], datetime],
    client: Client,
    parsers: Parsers,
    sites: Sites,
    *,
    owner: str,
    term: Term = TERM,
) -> dict[str, tuple[Suggestion, ...]]:
    """One pass over dead sources. Returns id -> what is suggested now, for those sought.

    `owner`: one start of one process. `term`: of its leases. Raises StoreError.
    """
    owner = f"{owner} seeking"  # a pass of the same process must not find its claims given back
    found: dict[str, tuple[Suggestion, ...]] = {}
    collected = {source.url for source in settings.source.values()}
    dependencies = SearchDependencies(Fetch(client, clock, sites, store), parsers, clock)
    for group in (await in_thread(_groups, store, settings, clock()))[:MOST_SITES]:
        claim = partial(_claim, store, group, owner, clock(), term)
        # Cut off, it counts as none.
        async with claimed(store, LEASE, owner, claim, _ids, clock, term) as mine:
            if not mine:
                continue
            discovery = await _search(dependencies, settings, mine[0])
            for dead in mine:
                suggested = suggestions(discovery, dead, collected, clock())
                kept = await in_thread(_keep, store, dead, owner, clock(), suggested)
                if kept:
                    found[dead.name] = suggested
                _log.info(
                    "dead source searched",
                    id=dead.name,
                    found=[one.url for one in suggested],
                    kept=kept,
                )
    return found


def suggestions(
    discovery: Discovery | None, dead: Dead, collected: Container[str], now: datetime
) -> tuple[Suggestion, ...]:
    """What of a search may be the source's new place, its own section first. Pure.

    `collected`: addresses that the configuration has; what they bring is not missing.
    """
    if discovery is None:
        return ()
    told = [
        _suggestion(one)
        for one in candidates.in_order(discovery.offers, dead.url, now)
        if one.is_good
        and not candidates.is_stale(one, now)
        and one.url != dead.address
        and one.url not in collected
    ]
    return tuple(told[:MOST_SUGGESTED])


def _suggestion(one: SourceCandidate) -> Suggestion:
    newest = None if one.newest is None else one.newest.astimezone(UTC).isoformat()
    return Suggestion(str(one.kind), one.url, one.title, one.entries, newest)


async def _search(
    dependencies: SearchDependencies, settings: Settings, dead: Dead
) -> Discovery | None:
    rules = rules_of(settings, dead.name)
    reading = reading_of(rules.source, settings.site)
    terms = SearchTerms(rules, reading, MOST_REQUESTS, LONGEST_S)
    try:
        return await discover(dependencies, terms, dead.address)
    except BantinError as error:
        _log.info("dead source not searched", id=dead.name, error=str(error))
        return None


def _groups(store: Store, settings: Settings, now: datetime) -> list[list[Dead]]:
    """Those of one site together: it is searched once for all of them."""
    with store.read() as connection:
        dead = dead_sources.wanting(
            connection,
            now,
            dead_before=now - DEAD_FOR,
            sought_before=now - AGAIN,
            failures=FAILURES,
        )
    groups: dict[tuple[str, str], list[Dead]] = {}
    for one in dead:
        source = settings.source.get(one.name)
        if source is not None:
            site = rules_of(settings, one.name).site(one.address)
            own = one.name if source.auth or source.headers or source.proxy else ""
            groups.setdefault((site, own), []).append(one)
    return list(groups.values())


def _claim(
    store: Store, group: Sequence[Dead], owner: str, now: datetime, term: Term
) -> list[Dead]:
    with store.write() as connection:
        return dead_sources.claim(connection, group, owner, now, now + term.lasts)


def _ids(mine: Sequence[Dead]) -> list[int]:
    return [dead.id for dead in mine]


def _keep(
    store: Store, dead: Dead, owner: str, now: datetime, suggested: Sequence[Suggestion]
) -> bool:
    with store.write() as connection:
        return dead_sources.suggest(connection, dead, owner, now, suggested)
