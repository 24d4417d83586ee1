"""Keeping subscriptions at hubs as they should be: the thin shell of WebSub's outgoing half.

what is wanted <-> what the rows say -> due requests claimed -> hub's turn -> POST -> recorded

A subscription begins when a publisher names a hub, is renewed before its lease ends, and is given
up when its source is removed, paused, or names another hub. The hub's answers come in at our
callbacks (`collect/websub/callback.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

import structlog

from service.collect.politeness.rate_limit import Sites
from service.collect.politeness.site_rules import SiteRules
from service.collect.polling.dispatcher import Dispatcher
from service.collect.websub import subscriber
from service.config.schema import Settings, Source
from service.errors import BantinError, ForbiddenAddressError, HttpError
from service.net import guard
from service.net.client import Client
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.core.lease import TERM, Term, in_hand
from service.store.core.threads import claimed_in_thread, in_thread
from service.store.sources.push_state import Silent
from service.store.websub import hub_subscriptions as rows
from service.store.websub.hub_subscriptions import AdvertisedHubs, HubSubscription, Request
from service.text.fold import nfc

AT_ONCE = 8
"""Requests to hubs at one time; several at one hub wait for their turns as sources do."""

IN_A_RUN = 100
"""Requests that one run sends at most."""

ANSWER_BYTES = 64 * 1024
"""Of a hub's answer: nothing in it is read but its status."""

_log = structlog.get_logger("collect")


@dataclass(frozen=True, slots=True)
class RenewalDependencies:
    """What a run works with. `random` gives numbers in [0, 1), `draw` unguessable tokens.

    `client` opens one, in a thread, for a run that has something to ask.
    """

    client: Callable[[], Client]
    sites: Sites
    clock: Callable[[], datetime]
    random: Callable[[], float]
    draw: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run did. `lapsed`: how many leases had ended; `failed`: source -> why."""

    sent: int
    failed: dict[str, str]
    lapsed: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a run is to send. `lapsed`: how many leases had ended; `key`: secrets are made of it."""

    lapsed: int = 0
    requests: Sequence[Request] = ()
    key: bytes = b""


async def keep(
    store: Store,
    settings: Settings,
    dependencies: RenewalDependencies,
    *,
    owner: str,
    term: Term = TERM,
) -> Kept:
    """Bring subscriptions to what is wanted now.

    `owner`: one start of one process. `term`: of the leases of its requests. Raises StoreError; a
    hub's trouble is recorded with its subscription.
    """
    prepare = partial(_prepare, store, settings, dependencies, owner, term)
    prepared = await claimed_in_thread(prepare, partial(_give_back, store, owner))
    requests = prepared.requests
    if prepared.lapsed:
        _log.info("websub lapsed", subscriptions=prepared.lapsed)
    if not requests:
        return Kept(0, {}, prepared.lapsed)
    ids = [request.id for request in requests]
    async with (
        in_hand(store, rows.LEASE, owner, ids, dependencies.clock, term),
        await in_thread(dependencies.client) as client,
    ):
        failed = await _send_all(store, settings, dependencies, client, requests, prepared.key)
    return Kept(len(requests), failed, prepared.lapsed)


async def _send_all(
    store: Store,
    settings: Settings,
    dependencies: RenewalDependencies,
    client: Client,
    requests: Sequence[Request],
    key: bytes,
) -> dict[str, str]:
    """Source -> why its request failed. Each hub is asked no faster than a site of sources."""
    failed: dict[str, str] = {}

    async def ask(_site: str, request: Request) -> None:
        error = await _send(store, settings, dependencies, client, request, key)
        if error is not None:
            failed[request.source] = error

    dispatcher = Dispatcher[Request](dependencies.sites, ask, AT_ONCE)
    for request in requests:
        hub = SiteRules(Source(url=request.hub), settings.collect)
        dispatcher.add(request.hub, hub, request)
    await dispatcher.run()
    return failed


def _prepare(
    store: Store, settings: Settings, dependencies: RenewalDependencies, owner: str, term: Term
) -> _Prepared:
    now = dependencies.clock()
    with store.read() as connection:
        # Most services have neither hubs nor subscriptions: they need not write every few seconds.
        wanted = _wanted(connection, settings, now)
        if not wanted and not rows.is_any(connection):
            return _Prepared()
        ended = rows.lapsed(connection, now)
        over = [held for held in rows.held(connection) if not _is_as_wanted(held, wanted)]

    def plan(silent: Silent) -> datetime:
        return subscriber.polled_at(silent, now)

    for row_id, source_id in ended:
        with store.write() as connection:
            rows.lapse(connection, row_id, source_id, now, plan)
    for held in over:
        with store.write() as connection:
            rows.leave(connection, held, now, plan)
    with store.write() as connection:
        _begin(connection, wanted, dependencies, now)
        rows.forget_left(connection, now, subscriber.MOST_UNSUBSCRIPTIONS)
        requests = rows.claim(connection, owner, now, now + term.lasts, IN_A_RUN)
        return _Prepared(len(ended), requests, facts.secret(connection))


def _give_back(store: Store, owner: str, prepared: _Prepared) -> None:
    with store.write() as connection:
        rows.LEASE.release(connection, owner, [one.id for one in prepared.requests])


def _wanted(
    connection: Connection, settings: Settings, now: datetime
) -> dict[int, tuple[AdvertisedHubs, str]]:
    """Source -> what its publisher offers, and where hubs are to call us."""
    wanted = {}
    for offer in rows.offers(connection, now):
        base = subscriber.callback_base(settings, settings.source.get(offer.source))
        if base is not None and offer.hubs:
            wanted[offer.source_id] = offer, base
    return wanted


def _is_as_wanted(held: HubSubscription, wanted: Mapping[int, tuple[AdvertisedHubs, str]]) -> bool:
    offer, base = wanted.get(held.source_id, (None, ""))
    if offer is None or held.topic != offer.topic or held.hub not in offer.hubs:
        return False
    return held.callback.startswith(base)


def _begin(
    connection: Connection,
    wanted: Mapping[int, tuple[AdvertisedHubs, str]],
    dependencies: RenewalDependencies,
    now: datetime,
) -> None:
    """What is wanted and has no subscription gets one; where a hub refuses, another is asked."""
    there = rows.held(connection)
    for held in there:
        if _is_as_wanted(held, wanted):
            _turn_if_hopeless(connection, held, *wanted[held.source_id], dependencies, now)
    # In one order, as polls take the rows of sources: two that met half way would wait for ever.
    for source_id in sorted(wanted.keys() - {held.source_id for held in there}):
        offer, base = wanted[source_id]
        token = dependencies.draw()
        rows.want(connection, offer, offer.hubs[0], token=token, callback=base + token, now=now)


def _turn_if_hopeless(
    connection: Connection,
    held: HubSubscription,
    offer: AdvertisedHubs,
    base: str,
    dependencies: RenewalDependencies,
    now: datetime,
) -> None:
    """The next hub of the list at once; once all have been asked, only after a rest."""
    hopeless = held.refused or held.failures >= subscriber.TRIED_ENOUGH
    if held.alive or not hopeless or len(offer.hubs) == 1:
        return
    at = offer.hubs.index(held.hub) + 1
    token = dependencies.draw()
    rows.turn_to(
        connection,
        held.id,
        offer.hubs[at % len(offer.hubs)],
        token=token,
        callback=base + token,
        at=now if at < len(offer.hubs) else now + subscriber.LONGEST_RETRY,
    )


async def _send(
    store: Store,
    settings: Settings,
    dependencies: RenewalDependencies,
    client: Client,
    request: Request,
    key: bytes,
) -> str | None:
    """Ask a hub in the ways there are; why it failed, None: it took the request."""
    source = settings.source.get(request.source)
    rules = SiteRules(source or Source(url=request.source_url), settings.collect)
    allowed = rules.allowed
    if not subscriber.may_enter(request.source_url, request.hub, guard.networks(allowed)):
        allowed = ()
    secret = subscriber.secret(key, request.token)
    error: BantinError | None = None
    for hub, is_private in subscriber.ways(request.hub):
        if not await in_thread(_asking, store, dependencies, request, signed=is_private):
            return None  # it was given up, or given to another hub, a moment ago
        fields = subscriber.form(
            request.mode, request.topic, request.callback, secret if is_private else None
        )
        try:
            await client.post(hub, fields, limit=ANSWER_BYTES, allow=allowed, access=rules.access)
        except BantinError as trouble:
            error = trouble
            if isinstance(trouble, ForbiddenAddressError):
                break
        else:
            await in_thread(_accepted, store, dependencies, request)
            return None
    assert error is not None
    text = " ".join(nfc(str(error)).split())
    await in_thread(_failed, store, dependencies, request, error, text)
    _log.info("websub", id=request.source, mode=request.mode, hub=request.hub, error=text)
    return text


def _asking(
    store: Store, dependencies: RenewalDependencies, request: Request, *, signed: bool
) -> bool:
    with store.write() as connection:
        return rows.asking(connection, request, dependencies.clock(), signed=signed)


def _accepted(store: Store, dependencies: RenewalDependencies, request: Request) -> None:
    now = dependencies.clock()
    at = subscriber.ask_again_at(
        now,
        request.failures + 1,
        request.subscribed_until,
        dependencies.random(),
        first=subscriber.VERIFY_WITHIN,
    )
    with store.write() as connection:
        rows.accepted(connection, request, at)


def _failed(
    store: Store, dependencies: RenewalDependencies, request: Request, error: BantinError, text: str
) -> None:
    http = error if isinstance(error, HttpError) else None
    at = subscriber.ask_again_at(
        dependencies.clock(),
        request.failures + 1,
        request.subscribed_until,
        dependencies.random(),
        retry_after_s=None if http is None else http.retry_after_s,
    )
    said_no = http is not None and http.status < HTTPStatus.INTERNAL_SERVER_ERROR
    with store.write() as connection:
        rows.failed(connection, request, error=text, next_try_at=at, refused=said_no)
