"""What follows what. Every step is an idempotent job; the mark in the store is the truth.

    collect, or what a hub delivers ──> publish     (a topic changed: its feed is marked stale)
       ├──────> subscriptions at hubs               (a publisher names one: it is asked to deliver)
       └──────> digests ──> mail   (a cut is past: an edition is frozen and planned)
    (a source is dead) ──> seek    (its site is searched; what is found is suggested, not taken)
    a sign-up ────────────> mail   (its confirmation is a delivery too)
    a confirmation ─> digests ─> mail  (the welcome mail carries the last edition)

A step that is not called because the process died is found by the next tick.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from service.audience import housekeeping
from service.collect.politeness.rate_limit import Sites
from service.collect.politeness.robots import forget_hosts
from service.collect.polling import poll
from service.collect.polling.poll import Collected
from service.collect.schedule import next_poll
from service.collect.websub import inbox, renew
from service.collect.websub.inbox import Taken
from service.collect.websub.renew import Kept, RenewalDependencies
from service.collect.workers.pool import Parsers
from service.curate import judging
from service.curate.citing import read_stored
from service.curate.judging import Judged
from service.curate.rematch import place_unplaced, rematch
from service.curate.search.indexing import BATCHES, index_stored
from service.mail import relay_notes
from service.mail.drain import Drained, drain
from service.mail.relays import line_names
from service.newsletter.printing import press_of
from service.newsletter.pruning import prune
from service.newsletter.recalled.corrections import plan_corrections
from service.newsletter.recalled.remaking import Remade, remake
from service.newsletter.run import Planned, plan_due, plan_welcomes
from service.newsletter.scheduling import pull_back
from service.publish.build import Published, publish
from service.runtime import logs
from service.runtime.composition import Service
from service.runtime.monitoring.mails import MailsOfARun
from service.store import clock_repair
from service.store.content import page_queries

Progress = Callable[[int, int], None]

PLANS = ("mail", "all")
"""Roles whose processes plan editions."""


async def collect(
    service: Service,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    parsers: Parsers | None = None,
    sites: Sites | None = None,
    at_most_s: float | None = None,
) -> Collected:
    """One pass over what is due, or over the named sources at once.

    `parsers` and `sites` are kept by a caller that collects for long. After `at_most_s` none is
    begun. Stories of what is new are judged by what follows: a pass waits for no other's.
    """
    model = await asyncio.to_thread(service.model)
    hashes = await asyncio.to_thread(service.rules)
    with service.judge.yielding():
        done = await poll.collect(
            service.store,
            service.settings,
            service.clock,
            names=names,
            owner=service.owner,
            model=model,
            hashes=hashes,
            progress=progress,
            parsers=parsers,
            sites=sites,
            at_most_s=at_most_s,
            readers=service.readers,
        )
    service.counted.polled(done.tried, done.ok, done.failed, done.pages)
    service.counted.took_in(done.entries_new, done.late)
    if done.tried or done.pages:
        logs.get().info(
            "pass",
            tried=done.tried,
            ok=done.ok,
            failed=sorted(done.failed),
            new=done.entries_new,
            pages=done.pages,
        )
    return done


async def subscribe(service: Service, *, sites: Sites) -> Kept:
    """Keep the subscriptions at hubs as they should be: begin, renew, give up.

    Where the configuration was replaced, those of sources that it does not know would be given up.
    """
    if await asyncio.to_thread(service.replaced_by) is not None:
        return Kept(0, {})
    dependencies = RenewalDependencies(
        lambda: poll.open_client(service.store, service.settings, service.clock, service.readers),
        sites,
        service.clock,
        random.random,
        lambda: secrets.token_urlsafe(24),
    )
    done = await renew.keep(service.store, service.settings, dependencies, owner=service.owner)
    if done.sent:
        logs.get().info("hubs asked", sent=done.sent, failed=sorted(done.failed))
    return done


async def take_delivered(service: Service, *, parsers: Parsers) -> Taken:
    """Read what hubs have brought."""
    done = await inbox.take(
        service.store,
        service.settings,
        service.clock,
        owner=service.owner,
        parsers=parsers,
        random=random.random,
        model=await asyncio.to_thread(service.model),
        hashes=await asyncio.to_thread(service.rules),
    )
    service.counted.took_in(done.entries_new, done.late)
    return done


async def seek(service: Service, *, parsers: Parsers, sites: Sites) -> bool:
    """Search the sites of dead sources for what may be suggested. True: something was searched."""
    # Sought once a day at most: what reads pages need not be loaded for a service to start.
    from service.collect.discovery import dead_sources  # noqa: PLC0415

    client = await asyncio.to_thread(
        poll.open_client, service.store, service.settings, service.clock, service.readers
    )
    async with client:
        found = await dead_sources.seek(
            service.store,
            service.settings,
            service.clock,
            client,
            parsers,
            sites,
            owner=service.owner,
        )
    return bool(found)


async def repair_instants(service: Service) -> int:
    """What a clock that was ahead has left behind is computed anew. Returns how many values."""
    now = service.clock()
    changed = await asyncio.to_thread(_repair, service, now)
    if changed:
        logs.get().warning("the clock was ahead: instants computed anew", values=changed)
    return changed


def _repair(service: Service, now: datetime) -> int:
    settings = service.settings
    intervals = [settings.collect.interval, *(one.interval for one in settings.source.values())]
    longest = max(one.max for one in intervals if one is not None)
    with service.store.ledger() as connection:
        changed = clock_repair.repair(connection, now, next_poll.longest_wait(longest))
    zone = service.renderer.site.zone
    return changed + pull_back(service.store, settings, zone, now)


async def match_again(service: Service) -> None:
    """Rules may have changed with the configuration: stored articles enter and leave topics."""
    rules = await asyncio.to_thread(service.rules)  # a model that was replaced counts from now on
    changed = await asyncio.to_thread(
        lambda: rematch(
            service.store,
            service.settings,
            service.clock(),
            model=service.model(),
            decides=rules is None,
            ends=lambda: service.judge.closed,
        )
    )
    if changed.topics:
        logs.get().info("matched again", topics=sorted(changed.topics), articles=changed.articles)


async def place(service: Service) -> bool:
    """What was admitted by rules that were replaced enters its topics by those in force.

    False: no more is left that this process may place.
    """
    changed = await asyncio.to_thread(
        lambda: place_unplaced(
            service.store, service.settings, service.clock, model=service.model()
        )
    )
    if changed.topics:
        logs.get().info("placed", topics=sorted(changed.topics), articles=changed.articles)
    return False


async def read_references(service: Service) -> bool:
    """Which documents the articles cite that were stored before that was kept. True: more wait."""
    return await asyncio.to_thread(read_stored, service.store)


async def index_articles(service: Service, batches: int = BATCHES) -> bool:
    """Bring the search index up to date, some batches of it. True: there is more."""
    return await asyncio.to_thread(index_stored, service.store, batches)


async def judge_stories(service: Service) -> None:
    """Put new articles into the stories that other outlets tell already.

    Whatever publishes or mails stories calls this first, so that nobody sees one event twice.
    """
    done = await asyncio.to_thread(_judge, service)
    if done.articles:
        await asyncio.to_thread(
            service.traces.judged, service.store, done.ids, judged=done.articles, moved=done.moved
        )
    for article, reason in done.unread.items():
        logs.get().warning("article not judged", article=article, error=reason)


def _judge(service: Service) -> Judged:
    wanted, now = service.settings.stories, service.clock()
    if not wanted.enabled:
        judging.stop(service.store, now)
        return Judged()
    return service.judge.run(service.store, wanted.window, now)


async def mark_hot(service: Service) -> None:
    """Mark what many outlets tell within hours, before it is shown and mailed."""
    done = await asyncio.to_thread(
        service.marker.run, service.store, service.settings, service.clock()
    )
    if done.hot or done.cooled:
        logs.get().info("hot stories", hot=done.hot, cooled=done.cooled)


async def publish_stale(service: Service) -> Published:
    """Build what is marked stale. Nothing once the judge has been closed: articles may wait."""
    await judge_stories(service)
    if service.judge.closed:
        return Published()
    await mark_hot(service)
    done = await asyncio.to_thread(
        lambda: publish(
            service.store,
            service.settings,
            service.renderer,
            service.clock(),
            marked=service.replaced_by() is not None,
        )
    )
    if done.written or done.failed:
        logs.get().info("feeds", written=sorted(done.written), failed=sorted(done.failed))
        await asyncio.to_thread(service.traces.published, service.store, done.articles)
    return done


async def plan(
    service: Service,
    *,
    digest: str | None = None,
    at: datetime | None = None,
    parsers: Parsers | None = None,
) -> Planned:
    """Cut, freeze and plan what is due; welcomes first. `parsers`: they may render mails as well.

    Nothing once the judge has been closed: an edition without articles that wait would never tell
    them. Nothing where another process that plans has the configuration in force: each would set
    the cuts by its own.
    """
    if await asyncio.to_thread(service.is_relieved, PLANS):
        return Planned()
    await judge_stories(service)
    if service.judge.closed:
        return Planned()
    await mark_hot(service)
    await remake_mails(service)
    parts = (service.store, service.settings, service.renderer, service.clock())
    corrected = await asyncio.to_thread(plan_corrections, *parts)
    for subscription, reason in corrected.failed.items():
        logs.get().warning("correction not planned", subscription=subscription, error=reason)
    if corrected.planned:
        logs.get().info("corrections", mails=corrected.planned)
    welcomed = await asyncio.to_thread(plan_welcomes, *parts, digest)
    for subscription, reason in welcomed.failed.items():
        logs.get().warning("welcome not planned yet", subscription=subscription, error=reason)
    press = None if parsers is None else press_of(parsers.call, asyncio.get_running_loop())
    done = await asyncio.to_thread(
        plan_due, *parts, digest=digest, at=at, check=service.cuts, press=press
    )
    if done.editions or done.failed:
        logs.get().info(
            "editions", frozen=done.editions, deliveries=done.deliveries, failed=done.failed
        )
    if done.by_edition:
        await asyncio.to_thread(service.traces.planned, service.store, done.by_edition)
    return done


async def remake_mails(service: Service) -> Remade:
    """Make planned mails anew that show what was taken back since."""
    parts = (service.store, service.settings, service.renderer, service.clock())
    done = await asyncio.to_thread(remake, *parts)
    for segment, reason in done.failed.items():
        logs.get().warning("segment not made anew", segment=segment, error=reason)
    if done.planned or done.suppressed:
        logs.get().info("mails made anew", planned=done.planned, suppressed=done.suppressed)
    return done


async def send(
    service: Service, *, digest: str | None = None, stop: asyncio.Event | None = None
) -> Drained:
    """Hand over what is planned. `stop`: once set, messages in flight are finished, none begun."""
    watched, before = MailsOfARun(service.counted), service.loaded
    done = await drain(
        service.store,
        service.settings,
        service.clock,
        owner=service.owner,
        digest=digest,
        stop=stop,
        recorded=watched.note,
        random=random.random,
        memory=service.handed_over,
    )
    await asyncio.to_thread(watched.end, service.store, done.counts)
    if service.loaded is not before:  # a relay may have failed by what has been corrected since
        await asyncio.to_thread(probe_relays, service)
    if done.counts:
        logs.get().info("sent", **{str(state): number for state, number in done.counts.items()})
    return done


async def take_returned(service: Service, *, parsers: Parsers, stop: asyncio.Event) -> bool:
    """Read the mailbox of returned mail, where one is configured. Raises MailError, StoreError.

    Its mails are a stranger's: they are read in the processes that read documents.

    False: what comes in meanwhile is read at the next tick. `stop`: once set, the connection is
    closed.
    """
    bounces = service.settings.mail.bounces
    if bounces is None or bounces.imap is None:
        return False
    # Not everybody has one: what reads mail need not be loaded for a service to start.
    from service.mail.returned import imap_mailbox, intake, opened  # noqa: PLC0415

    counts: Counter[str] = Counter()

    def take(mails: Sequence[opened.OpenedMail]) -> None:
        counts.update(intake.take(service.store, service.clock(), mails))

    async def read(mails: Sequence[bytes]) -> list[opened.OpenedMail]:
        return await opened.open_apart(parsers.call, mails)

    await imap_mailbox.fetch(bounces.imap, take, stop, opened=read)
    if counts:
        logs.get().info("returned mail", **counts)
    return False


def probe_relays(service: Service) -> None:
    """A reload may have corrected a password: a relay that fails is tried at once."""
    with service.store.ledger() as connection:
        for name in line_names(service.settings):
            relay_notes.retry_now(connection, name, service.clock())


async def keep_house(service: Service) -> None:
    """Once an hour: unconfirmed sign-ups end, removed digests, and what no edition reaches back to.

    Topics are counted. Last, since it takes long and may fail, freed pages are written over.
    """
    newer = await asyncio.to_thread(service.replaced_by)
    if newer is not None:  # all of it goes by the configuration in force
        logs.get().warning("the configuration is older than the one in use", since=newer.since)
        return
    store, now = service.store, service.clock()
    await asyncio.to_thread(housekeeping.run, store, now)
    await asyncio.to_thread(prune, store, service.settings, now)
    await asyncio.to_thread(forget_hosts, store, now)
    await asyncio.to_thread(page_queries.keep_counts, store, now)
    await asyncio.to_thread(housekeeping.erase_freed_pages, store, now, service.settings.zone)
