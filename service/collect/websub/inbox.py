"""What hubs have delivered goes the way of what is fetched: claimed, read in a worker, recorded.

waiting body -> claim of its source -> read -> admitted, and the row deleted, in one transaction

A body that waits while its source is asked stays until that is done. One that cannot be read, or
whose entries could be taken for others, is dropped, and the source is asked itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from service.collect.polling import request
from service.collect.polling.record import Recorder
from service.collect.polling.request import PolledDocument
from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.curate.identity import address_key
from service.curate.learned.in_use import LearnedModel
from service.curate.prepare import Prepared
from service.curate.rules.matcher import compile_rules, packed
from service.errors import BantinError, first_of
from service.model import Changed
from service.net.limits import MEBI
from service.store.content import entries
from service.store.core.database import Store
from service.store.core.lease import TERM, Term, claimed
from service.store.core.threads import in_thread
from service.store.sources import polling_queue, push_state
from service.store.sources.polling_queue import LEASE, BodyFingerprint, ClaimedSource
from service.store.websub import callbacks
from service.store.websub.callbacks import Delivery, PendingPush

AT_ONCE = 8
"""Bodies read together at most."""

BYTES = 12 * MEBI
"""Of bodies read together, but for a single one: they fit beside those of a pass."""

_NOTHING_BEHIND = BodyFingerprint(None, None, b"", b"")

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a round gave. `tried`: bodies that it worked on, 0 = there is nothing to do now.

    `late`: seconds from publication to our first sight -> how many new articles.
    """

    tried: int = 0
    entries_new: int = 0
    changed: Changed = field(default_factory=Changed)
    late: Mapping[int, int] = field(default_factory=dict)


async def take(
    store: Store,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    owner: str,
    parsers: Parsers,
    random: Callable[[], float],
    model: LearnedModel | None = None,
    hashes: Mapping[str, bytes] | None = None,
    term: Term = TERM,
) -> Taken:
    """Read and record the oldest waiting body of a few sources. Raises StoreError.

    `owner`: one start of one process. `model`: of learned topics. `hashes`: of the rules of
    topics (`Matcher`). `term`: of its leases.
    """
    owner = f"{owner} delivered"  # a pass of the same process must not find its claims given back
    claim = partial(_claim, store, settings, clock(), owner, term)
    async with claimed(store, LEASE, owner, claim, _ids, clock, term) as work:
        if not work:
            return Taken()
        rules = packed(settings.topic, model)
        matcher = compile_rules(settings.topic, model, hashes)
        recorder = Recorder(store, settings, matcher, clock, random)
        try:
            async with asyncio.TaskGroup() as group:  # none goes on once the leases are given back
                reading = [
                    group.create_task(_read(store, settings, clock, parsers, rules, *one))
                    for one in work
                ]
        except ExceptionGroup as errors:
            raise first_of(errors) from errors
        read = [result for one in reading if (result := one.result()) is not None]
        recorded = await in_thread(recorder.record, read)
    bodies = {one.source.id: one.delivery for one in read}
    refused = [bodies[one.source.id] for one in recorded if one.error is not None]
    if refused:  # it counts as the source's failure; what it would not store is not tried for ever
        await in_thread(_drop, store, [row for row in refused if row is not None])
    for one in recorded:
        _log.info("delivered", **one.told())
    topics = frozenset[str]().union(*(one.topics for one in recorded))
    new = sum(one.new for one in recorded)
    changed = new + sum(one.changed for one in recorded)
    late = sum((Counter(one.late) for one in recorded), Counter[int]())
    return Taken(len(work), new, Changed(topics=topics, articles=changed), late)


def _claim(
    store: Store, settings: Settings, now: datetime, owner: str, term: Term
) -> list[tuple[ClaimedSource, Delivery]]:
    with store.read() as connection:
        waiting = _that_fit(callbacks.next_of_each(connection, now, AT_ONCE))
    if not waiting:
        return []
    wanted = {one.source: one.id for one in waiting if one.source in settings.source}
    with store.write() as connection:
        # Paused, removed or never collected meanwhile: what it brought is not wanted any more. A
        # source that is missing in this configuration alone is another process's.
        idle = callbacks.unwanted(connection, [one.source for one in waiting], now)
        dropped = [one.id for one in waiting if one.source in idle]
        callbacks.done(connection, dropped)
        due = polling_queue.named(connection, wanted.keys() - idle)
        taken = polling_queue.claim(connection, due, owner, now, now + term.lasts, at_once=True)
        work = [(one, callbacks.load(connection, wanted[one.name])) for one in taken]
        read_already = [one.id for one, delivery in work if delivery is None]
        LEASE.release(connection, owner, read_already)
    return [(one, delivery) for one, delivery in work if delivery is not None]


def _ids(work: Sequence[tuple[ClaimedSource, Delivery]]) -> list[int]:
    return [source.id for source, _ in work]


def _drop(store: Store, delivery_ids: Sequence[int]) -> None:
    with store.write() as connection:
        callbacks.done(connection, delivery_ids)


def _that_fit(waiting: Sequence[PendingPush]) -> Sequence[PendingPush]:
    """The first deliveries, as many as fit in memory at once; at least one."""
    size = 0
    for number, one in enumerate(waiting):
        size += one.size
        if size > BYTES and number:
            return waiting[:number]
    return waiting


async def _read(
    store: Store,
    settings: Settings,
    clock: Callable[[], datetime],
    parsers: Parsers,
    rules: bytes,
    source: ClaimedSource,
    delivery: Delivery,
) -> PolledDocument | None:
    """None: it cannot be read, so the source is asked itself."""
    headers = {"content-type": delivery.media_type}
    before = await request.remembered(store, source)
    asked = request.asked_of(source, settings)
    job = asked.task(delivery.body, headers, source.address, clock(), rules, before)
    trouble = ""
    try:
        parsed = await parsers.read(job)
        if await in_thread(_is_doubtful, store, source, parsed.made):
            trouble = "its entries may be known under other keys: the whole document tells"
    except Exception as error:  # noqa: BLE001 - a bug of ours must not come back with it for ever
        if not isinstance(error, BantinError):
            _log.exception("unexpected error", id=source.name)
        trouble = str(error) or type(error).__name__
    if trouble:
        _log.info("delivered", id=source.name, error=trouble)
        await in_thread(_ask_itself, store, settings, clock(), source, delivery)
        return None
    return PolledDocument(source, parsed, _NOTHING_BEHIND, None, delivery=delivery.id)


def _is_doubtful(store: Store, claimed: ClaimedSource, made: Sequence[Prepared]) -> bool:
    """Whether an entry could be one that is stored under another key.

    Keys are given over a whole document (`entry_keys.settle`), and this may be a part of one: what
    is alone here may be one of several there. So may its link be: where it stands under several
    headlines it leads to no article.
    """
    links = {one.key: one.link for one in made if one.link and _leads(one, one.link)}
    guids = {one.guid for one in made if one.guid}
    with store.read() as connection:
        stored = entries.alike(connection, claimed.id, guids, links.values())
    known = {one.entry_key for one in stored}
    told = {one.guid for one in stored if one.guid}
    shown = {one.link for one in stored if one.link}
    return any(
        one.guid in told or links.get(one.key) in shown for one in made if one.key not in known
    )


def _leads(made: Prepared, link: str) -> bool:
    """Whether its link identifies the entry, or the article that it tells."""
    return not made.guid or address_key(link) in made.keys


def _ask_itself(
    store: Store,
    settings: Settings,
    now: datetime,
    claimed: ClaimedSource,
    delivery: Delivery,
) -> None:
    told = settings.source[claimed.name]
    floor = (told.interval or settings.collect.interval).min
    with store.write() as connection:
        callbacks.done(connection, [delivery.id])
        push_state.wake(connection, claimed.id, now, floor)
