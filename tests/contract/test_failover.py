"""PostgreSQL dies, or another server becomes the primary: what senders know is not mailed twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from service.errors import StoreError
from service.mail.drain import drain
from service.mail.handed_over import Memory
from service.mail.relay import Timeouts
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.failover import PAUSE
from service.store.core.lease import LASTS, TERM, Term
from service.store.core.migrate import migrate
from service.store.mailing import uncertain_deliveries
from tests.contract.fleet import DIGEST, Fleet
from tests.contract.mail.office import Office
from tests.contract.way import outlets, parsed
from tests.levels import WHOLE
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import Clock
from tests.postgres_servers import needs_servers, servers
from tests.running import eventually

pytestmark = needs_servers

PEOPLE = [f"ban-doc-{number:02}@example.vn" for number in range(24)]


class Site:
    """Readers with a mail each, on a primary with a standby; senders reach whichever writes."""

    def __init__(self, primary, standby, folder, now):
        self.primary, self.standby, self.clock = primary, standby, Clock(now)
        both = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        self.url = f"postgresql://postgres@{both}/postgres?connect_timeout=2"
        self.settings = stock.settings(folder)
        with closing(Store(self.url)) as store:
            migrate(store)
            stock.fill(store, now, PEOPLE)

    def follow(self):
        self.standby.follow(self.primary)
        self.standby.start()
        self.standby.has_all_of(self.primary)

    def fail_over(self):
        self.primary.kill()
        self.standby.promote()

    async def send(self, store, owner, memory, sink, timeouts=None, term=TERM):
        """One run, which the fail-over may end."""
        with suppress(StoreError):
            await drain(
                store, self.settings, self.clock, owner=owner, memory=memory,
                relays=[sink.line(connections=2, timeouts=timeouts)], term=term,
            )  # fmt: skip

    def states(self):
        with closing(Store(self.url)) as store:
            return Counter(stock.states(store).values())


def losing(site, lost_from, over_at):
    """A relay's script: the standby hears nothing from one mail on, and takes over at another."""
    bodies = 0

    def script(step, _who):
        nonlocal bodies
        if step == "body":
            bodies += 1
            if bodies == lost_from:
                site.standby.loses_sight()
            if bodies == over_at:
                site.fail_over()

    return script


@pytest.fixture
def site(tmp_path, now):
    with servers(2) as (primary, standby):
        made = Site(primary, standby, tmp_path, now)
        made.follow()
        yield made


async def test_what_a_sender_knows_is_not_mailed_again_after_commits_were_lost(site):
    """Neither by itself nor by another one, which hears of the fail-over first."""
    memory, other = Memory(), Memory()
    async with Sink(losing(site, 6, 14)) as sink:
        with closing(Store(site.url)) as store, closing(Store(site.url)) as beside:
            await site.send(store, "a", memory, sink)
            assert site.states()["planned"], "some of what went out is forgotten"
            before = len(sink.received)
            await site.send(beside, "b", other, sink)
            assert len(sink.received) == before, "it waits"
            await site.send(store, "a", memory, sink)
            assert len(sink.received) == before
            site.clock.at += PAUSE
            await asyncio.gather(
                site.send(beside, "b", other, sink), site.send(store, "a", memory, sink)
            )
            site.clock.at += timedelta(minutes=1)
            await site.send(store, "a", memory, sink)
        told = Counter(one.recipient for one in sink.received)
    assert told == Counter(PEOPLE)
    assert site.states() == {"accepted": len(PEOPLE)}


def are_renewed(site):
    """Whether whatever somebody has in hand is his for longer than until the clock moves again."""
    with closing(Store(site.url)) as store, store.read() as connection:
        until = connection.scalar(select(func.min(t.delivery.c.lease_until)))
    return until is None or until > site.clock.at + LASTS / 2


async def test_a_run_that_waits_for_a_slow_answer_says_at_once_what_it_knows(site):
    """The pause is over long before the answer comes: others send what is left meanwhile."""
    answered, taking_over, bodies = asyncio.Event(), losing(site, 6, 14), []

    def script(step, who):
        if step == "after":
            bodies.append(who)
            return answered if len(bodies) == 10 else None
        return taking_over(step, who)

    async with Sink(script) as sink:
        with closing(Store(site.url)) as store, closing(Store(site.url)) as beside:
            slow = asyncio.create_task(
                site.send(store, "a", Memory(), sink, Timeouts(), Term(renew_every_s=0.2))
            )
            await eventually(lambda: len(bodies) >= 14)
            other = Memory()
            await site.send(beside, "b", other, sink)
            await eventually(lambda: site.states()["uncertain"] or slow.done())
            paused_at = site.clock.at
            while site.clock.at < paused_at + PAUSE:
                site.clock.at += LASTS / 2
                await eventually(lambda: are_renewed(site))
            await site.send(beside, "b", other, sink)
            assert not slow.done()
            answered.set()
            await slow
            site.clock.at += timedelta(minutes=1)
            await site.send(beside, "b", other, sink)
    assert Counter(one.recipient for one in sink.received) == Counter(PEOPLE)
    assert site.states() == {"accepted": len(PEOPLE)}


async def test_what_a_sender_that_died_as_well_had_claimed_is_held(site):
    """Nobody is left who knows: mailed again is at most what the standby saw nothing of."""
    async with Sink(losing(site, 6, 14)) as sink:
        with closing(Store(site.url)) as store:
            await site.send(store, "a", Memory(), sink)
            forgotten = site.states()["planned"]
            after = Memory()
            await site.send(store, "b", after, sink)
            site.clock.at += PAUSE
            await site.send(store, "b", after, sink)
        told = Counter(one.recipient for one in sink.received)
    states = site.states()
    assert set(told) | held(site) == set(PEOPLE)
    assert sum(told.values()) - len(told) <= min(forgotten, 14)
    assert states["accepted"] + states["uncertain"] == len(PEOPLE)
    assert states["uncertain"]


def not_put_off(office):
    """What could not be noted when the server died waits for a minute: not here."""
    with office.store.ledger() as connection:
        waits = t.delivery.c.state == "deferred"
        connection.execute(update(t.delivery).where(waits).values(next_try_at=datetime.now(UTC)))
    return True


def message_id(received):
    return parsed(received.data)["Message-ID"]


def held(site):
    with closing(Store(site.url)) as store, store.read() as connection:
        return {one.address for one in uncertain_deliveries.unsettled(connection)}


@pytest.mark.sampled
async def test_a_server_that_dies_and_is_back_costs_no_mail_and_doubles_none(tmp_path):
    """Processes in their roles go on by themselves."""
    with servers() as (server,):
        with closing(Store(server.url)) as store:
            migrate(store)
        async with outlets() as served, Sink() as relay:
            with Office(tmp_path, relay.port, url=server.url, digest=DIGEST) as office:
                with office.config.open("a") as file:
                    file.write(
                        f'rate = "10/s"\n[source.bao]\nurl = "{served.url("/rss")}"\n'
                        'topics = ["chu-de-tuan"]\n[collect]\nallow_networks = ["127.0.0.0/8"]\n'
                    )
                fleet = Fleet(
                    office,
                    served,
                    relay,
                    PEOPLE,
                    random.Random(5),
                    names=("web", "collect", "mail") if WHOLE else ("collect", "mail"),
                )
                fleet.begin()
                try:
                    await fleet.collected()  # what a source has at first is old
                    fleet.news()
                    await fleet.collected()
                    await eventually(lambda: not fleet.is_sending())
                    fleet.cut()
                    await eventually(lambda: len(relay.received) >= len(PEOPLE) + 5)
                    await asyncio.to_thread(server.kill)
                    await asyncio.sleep(0.5)
                    await asyncio.to_thread(server.start)
                    await eventually(lambda: not_put_off(office) and fleet.is_settled())
                finally:
                    await fleet.end()
                received, uncertain = fleet.received(), fleet.uncertain()
    assert max(received.values()) == 1
    assert received.keys() | uncertain == {(one, "1") for one in PEOPLE}
    assert max(Counter((one.recipient, message_id(one)) for one in relay.received).values()) == 1
