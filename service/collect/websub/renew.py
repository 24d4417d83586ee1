"""Keeping subscriptions at hubs as they should be: the thin shell of WebSub's outgoing half.

what is wanted <-> what the rows say -> due requests claimed -> hub's turn -> POST -> recorded

A subscription begins when a publisher names a hub, is renewed before its lease ends, and is given
up when its source is removed, paused, or names another hub. The hub's answers come in at our
callbacks (`collect/websub/callback.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from service.store.core.lease import TERM, Term, claimed
from service.store.core.threads import in_thread
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

_Wanted = Mapping[int, tuple[AdvertisedHubs, str]]
"""Source -> what its publisher offers, and where hubs are to call us."""

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
    run = _Run(store, settings, dependencies)
    claim, clock = partial(run.prepare, owner, term), dependencies.clock
    async with claimed(store, rows.LEASE, owner, claim, _ids, clock, term) as prepared:
        if prepared.lapsed:
            _log.info("websub subscriptions expired", subscriptions=prepared.lapsed)
        if prepared.requests:
            async with await in_thread(dependencies.client) as client:
                await run.send_all(client, prepared)
    return Kept(len(prepared.requests), run.failed, prepared.lapsed)


def _ids(prepared: _Prepared) -> list[int]:
    return [request.id for request in prepared.requests]


class _Run:
    """`failed`: source -> why its request failed."""

    def __init__(self, store: Store, settings: Settings, dependencies: RenewalDependencies) -> None:
        self.failed: dict[str, str] = {}
        self._store = store
        self._settings = settings
        self._dependencies = dependencies
        self._clock = dependencies.clock

    def prepare(self, owner: str, term: Term) -> _Prepared:
        """End what is over, begin what is wanted, and claim the requests that are due."""
        now = self._clock()
        with self._store.read() as connection:
            # Most services have neither hubs nor subscriptions: they need not write all the time.
            wanted = _wanted(connection, self._settings, now)
            if not wanted and not rows.is_any(connection):
                return _Prepared()
            ended = rows.lapsed(connection, now)
            over = [held for held in rows.held(connection) if not _is_as_wanted(held, wanted)]

        def plan(silent: Silent) -> datetime:
            return subscriber.polled_at(silent, now)

        for row_id, source_id in ended:
            with self._store.write() as connection:
                rows.lapse(connection, row_id, source_id, now, plan)
        for held in over:
            with self._store.write() as connection:
                rows.leave(connection, held, now, plan)
        with self._store.write() as connection:
            self._begin(connection, wanted, now)
            rows.forget_left(connection, now, subscriber.MOST_UNSUBSCRIPTIONS)
            requests = rows.claim(connection, owner, now, now + term.lasts, IN_A_RUN)
            return _Prepared(len(ended), requests, facts.secret(connection))

    async def send_all(self, client: Client, prepared: _Prepared) -> None:
        """Each hub is asked no faster than a site of sources."""

        async def ask(_site: str, request: Request) -> None:
            await self._send(client, request, prepared.key)

        dispatcher = Dispatcher[Request](self._dependencies.sites, ask, AT_ONCE)
        for request in prepared.requests:
            rules = SiteRules(Source(url=request.hub), self._settings.collect)
            dispatcher.add(request.hub, rules, request)
        await dispatcher.run()

    def _begin(self, connection: Connection, wanted: _Wanted, now: datetime) -> None:
        """What is wanted gets a subscription; where a hub refuses, another one is asked."""
        there = rows.held(connection)
        for held in there:
            if _is_as_wanted(held, wanted):
                self._turn_if_hopeless(connection, held, *wanted[held.source_id], now)
        # In one order, as polls take the rows of sources: two that met half way would wait for
        # ever.
        for source_id in sorted(wanted.keys() - {held.source_id for held in there}):
            offer, base = wanted[source_id]
            token = self._dependencies.draw()
            callback = base + token
            rows.want(connection, offer, offer.hubs[0], token=token, callback=callback, now=now)

    def _turn_if_hopeless(
        self,
        connection: Connection,
        held: HubSubscription,
        offer: AdvertisedHubs,
        base: str,
        now: datetime,
    ) -> None:
        """The next hub of the list at once; once all have been asked, only after a rest."""
        hopeless = held.refused or held.failures >= subscriber.TRIED_ENOUGH
        if held.alive or not hopeless or len(offer.hubs) == 1:
            return
        at = offer.hubs.index(held.hub) + 1
        token = self._dependencies.draw()
        rows.turn_to(
            connection,
            held.id,
            offer.hubs[at % len(offer.hubs)],
            token=token,
            callback=base + token,
            at=now if at < len(offer.hubs) else now + subscriber.LONGEST_RETRY,
        )

    async def _send(self, client: Client, request: Request, key: bytes) -> None:
        """Ask a hub in the ways there are, and record how it went."""
        source = self._settings.source.get(request.source) or Source(url=request.source_url)
        rules = SiteRules(source, self._settings.collect)
        allowed = rules.allowed
        enters = subscriber.may_enter(request.source_url, request.hub, guard.networks(allowed))
        secret = subscriber.secret(key, request.token)
        error: BantinError | None = None
        for hub, is_private in subscriber.ways(request.hub):
            if not await in_thread(self._asking, request, signed=is_private):
                return  # it was given up, or given to another hub, a moment ago
            told = secret if is_private else None
            fields = subscriber.form(request.mode, request.topic, request.callback, told)
            try:
                await client.post(
                    hub, fields, limit=ANSWER_BYTES, allow=allowed, access=rules.access,
                    enters=enters,
                )  # fmt: skip
            except BantinError as trouble:
                error = trouble
                if isinstance(trouble, ForbiddenAddressError):
                    break
            else:
                await in_thread(self._accepted, request)
                return
        assert error is not None
        text = " ".join(nfc(str(error)).split())
        self.failed[request.source] = text
        await in_thread(self._failed, request, error, text)
        _log.info("websub", id=request.source, mode=request.mode, hub=request.hub, error=text)

    def _asking(self, request: Request, *, signed: bool) -> bool:
        with self._store.write() as connection:
            return rows.asking(connection, request, self._clock(), signed=signed)

    def _accepted(self, request: Request) -> None:
        at = self._again_at(request, first=subscriber.VERIFY_WITHIN)
        with self._store.write() as connection:
            rows.accepted(connection, request, at)

    def _failed(self, request: Request, error: BantinError, text: str) -> None:
        http = error if isinstance(error, HttpError) else None
        at = self._again_at(request, retry_after_s=None if http is None else http.retry_after_s)
        said_no = http is not None and http.status < HTTPStatus.INTERNAL_SERVER_ERROR
        with self._store.write() as connection:
            rows.failed(connection, request, error=text, next_try_at=at, refused=said_no)

    def _again_at(
        self,
        request: Request,
        *,
        first: timedelta = subscriber.FIRST_RETRY,
        retry_after_s: float | None = None,
    ) -> datetime:
        return subscriber.ask_again_at(
            self._clock(),
            request.failures + 1,
            request.subscribed_until,
            self._dependencies.random(),
            first=first,
            retry_after_s=retry_after_s,
        )


def _wanted(connection: Connection, settings: Settings, now: datetime) -> _Wanted:
    """What may be subscribed to now."""
    wanted = {}
    for offer in rows.offers(connection, now):
        base = subscriber.callback_base(settings, settings.source.get(offer.source))
        if base is not None and offer.hubs:
            wanted[offer.source_id] = offer, base
    return wanted


def _is_as_wanted(held: HubSubscription, wanted: _Wanted) -> bool:
    offer, base = wanted.get(held.source_id, (None, ""))
    if offer is None or held.topic != offer.topic or held.hub not in offer.hubs:
        return False
    return held.callback.startswith(base)
