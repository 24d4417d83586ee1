"""One pass over the sources: the thin shell that claims, fetches, reads and records.

due (or the named ones) -> wait for the site's turn -> claim by lease -> fetch (in_flight at once)
-> read in a worker -> admit and record, one writer -> Collected

Nothing is held while the network is waited for but a lease in the row. Every outcome is recorded;
one bad source costs no other anything. When the pass is stopped, its claims are given back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from service.collect.politeness.fetch import Fetch
from service.collect.politeness.rate_limit import Sites
from service.collect.politeness.site_turns import Turns
from service.collect.polling.article_pages import PageRound
from service.collect.polling.counts import Progress
from service.collect.polling.record import Recorder
from service.collect.polling.sweep import PassDependencies, Sweep
from service.collect.reader_count import ReaderCount
from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.curate.learned.in_use import LearnedModel
from service.curate.rules.matcher import compile_rules, packed
from service.errors import BantinError, FetchError, UsageError, first_of
from service.model import Changed
from service.net.agent import user_agent
from service.net.client import Client
from service.store.core.database import Store
from service.store.core.kicks import Kick, kick
from service.store.core.lease import TERM, Term
from service.store.core.threads import in_thread
from service.store.sources import article_page_queue, polling_queue
from service.store.sources.polling_queue import Due
from service.text.unknown_name import no_such

SHARED = 100
"""Sources that one pass finds due before it calls other processes to help: a second's work."""

PAGES_S = 300.0
"""For how long a pass by hand reads articles' pages; the rest is read by the next one."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a pass gave.

    `failed`: id -> why. `changed`: what follows must be built anew. `left`: how many were due but
    left for the next pass. `pages`: articles' pages that were read, or tried in vain. `late`:
    seconds from publication to our first sight -> how many new articles.
    """

    tried: int = 0
    ok: int = 0
    failed: dict[str, BantinError] = field(default_factory=dict)
    entries_new: int = 0
    changed: Changed = field(default_factory=Changed)
    left: int = 0
    pages: int = 0
    late: Mapping[int, int] = field(default_factory=dict)


async def collect(
    store: Store,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    owner: str,
    names: Iterable[str] | None = None,
    model: LearnedModel | None = None,
    hashes: Mapping[str, bytes] | None = None,
    client: Client | None = None,
    parsers: Parsers | None = None,
    sites: Sites | None = None,
    progress: Progress | None = None,
    at_most_s: float | None = None,
    random: Callable[[], float] = random.random,
    term: Term = TERM,
    readers: ReaderCount | None = None,
) -> Collected:
    """Collect what is due, or the named sources at once, due or not.

    `owner`: one start of one process. `model`: of learned topics. `hashes`: of the rules of topics
    (`Matcher`). `client`, `parsers`, `sites` are kept by a long-running caller; without them the
    pass makes its own. `at_most_s`: after so many seconds no further source is begun, so that one
    crowded site does not keep what has become due meanwhile waiting; the rest stays due. `term`: of
    the leases of what is in hand. `readers`: as in `open_client`. Raises UsageError for a name that
    is not a source, StoreError.
    """
    wanted = await in_thread(_wanted, store, settings, clock(), names)
    if not wanted and not await in_thread(_has_pages, store, clock()):
        return Collected()
    if names is None and len(wanted) > SHARED:
        await in_thread(_call_others, store)
    async with AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(
                await in_thread(open_client, store, settings, clock, readers)
            )
        if parsers is None:
            parsers = await stack.enter_async_context(Parsers())
        matcher = compile_rules(settings.topic, model, hashes)
        fetch = Fetch(client, clock, sites, store)
        turns = Turns(settings, owner, fetch.sites)
        dependencies = PassDependencies(
            store,
            settings,
            clock,
            owner,
            term,
            fetch,
            parsers,
            matcher,
            packed(settings.topic, model),
            Recorder(store, settings, matcher, clock, random),
            turns,
        )
        sweep = Sweep(dependencies, at_once=names is not None, progress=progress)
        pages = PageRound(dependencies, names=names, random=random)
        sweep.want(wanted)
        del wanted  # thousands; the sweep lets each go once it has been asked
        async with turns.kept(store, clock, term):
            if at_most_s is None:  # by hand: what the sweep has found is read too
                await sweep.run(None)
                await pages.run(PAGES_S)
            else:
                await _beside(sweep.run(at_most_s), pages.run(at_most_s))
        return _collected(sweep, pages)


async def _beside(*runs: Coroutine[None, None, None]) -> None:
    """Run them at one time; the first error of one ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for run in runs:
                group.create_task(run)
    except ExceptionGroup as errors:
        raise first_of(errors) from errors


def open_client(
    store: Store,
    settings: Settings,
    clock: Callable[[], datetime],
    readers: ReaderCount | None = None,
) -> Client:
    """The client that says who we are and how many readers we have.

    `readers`: kept by a caller that opens one for each pass; None: they are counted now.
    """
    return client_of(settings, clock, (readers or ReaderCount()).now(store, clock()))


def client_of(settings: Settings, clock: Callable[[], datetime], readers: int = 0) -> Client:
    """The same where nobody has been counted: 0 readers are not mentioned."""
    site = settings.site
    agent = user_agent(_version(), base_url=site.base_url, contact=site.contact, readers=readers)
    return Client(agent, settings.collect.allow_networks, clock=clock)


def _version() -> str:
    try:
        return version("bantin")
    except PackageNotFoundError:
        return "0"


def _has_pages(store: Store, now: datetime) -> bool:
    with store.read() as connection:
        return article_page_queue.is_due(connection, now)


def _call_others(store: Store) -> None:
    """Not at their next tick: by then most of what is due has been asked."""
    with store.write() as connection:
        kick(connection, Kick.SOURCES)


def _wanted(
    store: Store, settings: Settings, now: datetime, names: Iterable[str] | None
) -> list[Due]:
    with store.read() as connection:
        if names is None:
            found = polling_queue.due(connection, now)
            return [source for source in found if source.name in settings.source]
        asked = list(dict.fromkeys(names))
        unknown = [name for name in asked if name not in settings.source]
        if unknown:
            raise UsageError(no_such("source", unknown[0], settings.source))
        found = polling_queue.named(connection, asked)
    missing = set(asked) - {source.name for source in found}
    if missing:
        raise UsageError(f"not in the store yet: {', '.join(sorted(missing))}")
    return found


def _collected(sweep: Sweep, pages: PageRound) -> Collected:
    counts = sweep.counts
    failed = dict(counts.failed)
    if sweep.at_once:
        for name in sweep.elsewhere:
            failed[name] = FetchError("another process is collecting it just now")
        for name in sweep.spared:
            failed[name] = FetchError("not asked: its site has just said that it is asked too much")
    return Collected(
        tried=counts.tried,
        ok=counts.ok,
        failed=failed,
        entries_new=counts.new,
        changed=Changed(
            topics=pages.topics | counts.topics, articles=counts.new + counts.changed + pages.read
        ),
        left=sweep.left,
        pages=pages.read + pages.failed,
        late=counts.late + pages.late,
    )
