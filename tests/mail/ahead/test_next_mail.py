"""A whole run in which envelopes go behind bodies: what is decided before, at 354, and after."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from service.mail.batch import Supply
from service.mail.drain import drain
from service.mail.personal import Message
from service.mail.relays import relay_line
from service.model import DeliveryState
from service.store import tables as t
from service.store.core.database import Store
from service.store.mailing.deliveries import LEASE
from service.store.mailing.due_mail import Lane
from tests.mail import stock
from tests.mail.relays import DROP, QUICK, SILENCE, relay_of
from tests.mail.smtp.scripted import Scripted
from tests.mail.test_drain import PEOPLE, Clock
from tests.mail.test_fairness import Ticks

S = DeliveryState


@pytest.fixture
def clock(now):
    return Clock(now)


def line_to(relay, *, connections=1, timeouts=QUICK, **options):
    table = {"host": "127.0.0.1", "port": relay.port, "connections": connections, **options}
    return relay_line(relay_of(table), "tin.example.vn", timeouts)


def recipients(relay):
    """To whom bodies came, in their order."""
    lines = (line for body in relay.bodies for line in body.split(b"\r\n"))
    return [line.split()[1].decode() for line in lines if line.startswith(b"To: ")]


def readers(relay):
    return sorted(recipients(relay))


async def test_editions_go_ahead_by_turns_with_letters_and_more_are_claimed_in_time(any_store, now):
    made = stock.fill(any_store, now, [f"nguoi-{n:02}@example.vn" for n in range(30)])
    ticks = Ticks()
    supply = Supply(any_store, lambda: now, "o", None, ticks)

    def ahead(*, fit=True):
        one = supply.take_news(lambda _: fit, aside=lambda: True)
        return None if one is None else one.lane

    async def takes():
        return (await supply.take(one=False, aside=lambda: True)).lane

    assert ahead() is None  # nothing is in hand
    assert await takes() is Lane.NEWS
    assert [ahead(fit=False), ahead()] == [None, Lane.NEWS]
    stock.ask_to_confirm(any_store, now, ["la@xa.example"], made.digest)
    assert not supply.is_due
    ticks.at += 2.0
    assert supply.is_due  # a letter may wait
    await supply.look()
    assert ahead() is None
    assert await takes() is Lane.TRANSACTIONAL
    with supply.spending(Lane.TRANSACTIONAL):
        ticks.at += 0.5
    await supply.look()
    assert [ahead() for _ in range(14)] == [Lane.NEWS] * 14
    assert supply.is_due  # of twenty are four left
    fetching = asyncio.create_task(supply.look())
    await asyncio.sleep(0)
    assert [ahead() for _ in range(3)] == [Lane.NEWS] * 3  # meanwhile the others go on
    await fetching
    assert supply.number == 11


@pytest.mark.parametrize("connections", [1, 3])
async def test_a_mail_takes_one_round_trip_where_the_next_is_ready(
    any_store, clock, tmp_path, connections
):
    stock.fill(any_store, clock.at, PEOPLE)
    async with Scripted() as relay:
        lines = [line_to(relay, connections=connections)]
        done = await drain(any_store, stock.settings(tmp_path), clock, owner="o", relays=lines)
        assert done.counts == {S.ACCEPTED: 12}
        assert readers(relay) == PEOPLE
        assert len(relay.connections) == connections
        # Neither the first, which is the relay's proof, nor the last of each has one behind it.
        assert len(relay.ahead) >= 12 - 1 - 2 * connections


class Watched(Store):
    """Looks after each commit of the ledger how many bodies may be under way."""

    def __init__(self, url):
        super().__init__(url)
        self.most = 0
        self._lock = threading.Lock()

    @contextmanager
    def ledger(self):
        with self._lock:  # so that no other commit comes in between
            with super().ledger() as connection:
                yield connection
            with self.read() as connection:
                sending = t.delivery.c.state == S.SENDING.value
                found = connection.scalar(select(func.count()).where(sending))
            self.most = max(self.most, found)


@pytest.mark.parametrize("connections", [1, 2, 4])
async def test_no_more_are_under_way_than_there_are_connections_at_any_commit(
    store, clock, tmp_path, connections
):
    """A kill leaves one uncertain of each connection at most, though two envelopes are given."""
    stock.fill(store, clock.at, [f"nguoi-{n:03}@example.vn" for n in range(60)])
    watched = Watched(store.engine.url.render_as_string(hide_password=False))
    try:
        async with Scripted(pause_s=0.0) as relay:
            lines = [line_to(relay, connections=connections)]
            await drain(watched, stock.settings(tmp_path), clock, owner="o", relays=lines)
            assert len(relay.bodies) == 60
            assert len(relay.ahead) > 30
    finally:
        watched.close()
    assert 1 <= watched.most <= connections


async def test_who_leaves_while_the_envelope_is_out_gets_no_body(any_store, clock, tmp_path):
    made = stock.fill(any_store, clock.at, PEOPLE[:5])

    def script(number, step):
        if step == "RCPT" and len(relay.bodies) == 2:  # the third's, which came behind the second
            stock.end(any_store, made.subscriptions[2], clock.at)

    async with Scripted(script) as relay:
        lines = [line_to(relay)]
        done = await drain(any_store, stock.settings(tmp_path), clock, owner="o", relays=lines)
        assert 2 in relay.ahead
        assert readers(relay) == sorted(set(PEOPLE[:5]) - {PEOPLE[2]})
    assert done.counts == {S.ACCEPTED: 4, S.SUPPRESSED: 1}
    assert stock.told_by(any_store, made.deliveries[2]) == set()
    with any_store.read() as connection:
        tried = connection.scalars(select(t.attempt.c.delivery_id)).all()
    assert made.deliveries[2] not in tried


async def test_what_is_made_anew_while_the_envelope_is_out_gets_no_old_body(store, clock, tmp_path):
    """As a recall does: the row is put off, and given another segment."""
    made = stock.fill(store, clock.at, PEOPLE[:5])
    later = clock.at + timedelta(minutes=30)

    def script(number, step):
        if step == "RCPT" and len(relay.bodies) == 2:
            row = update(t.delivery).where(t.delivery.c.id == made.deliveries[2])
            with store.ledger() as connection:
                connection.execute(
                    row.values(state="deferred", next_try_at=later, **LEASE.given_back)
                )

    async with Scripted(script) as relay:
        lines = [line_to(relay)]
        await drain(store, stock.settings(tmp_path), clock, owner="o", relays=lines)
        assert readers(relay) == sorted(set(PEOPLE[:5]) - {PEOPLE[2]})
    assert stock.states(store)[made.deliveries[2]] == "deferred"
    assert stock.row(store, made.deliveries[2]).tries == 0


async def test_what_was_given_and_not_begun_is_given_back_when_it_stops(any_store, clock, tmp_path):
    made = stock.fill(any_store, clock.at, PEOPLE[:6])
    stop = asyncio.Event()

    def script(number, step):
        if step == "BODY" and len(relay.bodies) == 3:
            stop.set()

    async with Scripted(script) as relay:
        lines = [line_to(relay)]
        done = await drain(
            any_store, stock.settings(tmp_path), clock, owner="o", relays=lines, stop=stop
        )
        assert len(relay.bodies) == 3
        assert relay.ahead[-1] == 3
    assert done.counts == {S.ACCEPTED: 3}
    states = stock.states(any_store)
    assert [states[one] for one in made.deliveries] == ["accepted"] * 3 + ["planned"] * 3


async def test_a_body_that_is_not_answered_keeps_no_other_mail(any_store, clock, tmp_path):
    """The one behind it goes over another connection before that body has its answer."""
    stock.fill(any_store, clock.at, PEOPLE)
    rest, silent = asyncio.Event(), iter([SILENCE])

    def script(number, step):
        if step == "BODY" and len(set(readers(relay))) == len(PEOPLE):
            rest.set()
        is_it = step == "BODY" and len(relay.bodies) >= 3
        return next(silent, None) if is_it else None

    async with Scripted(script) as relay:
        patience = replace(QUICK, ahead=0.2, body=60.0)
        lines = [line_to(relay, connections=2, timeouts=patience)]
        running = asyncio.create_task(
            drain(any_store, stock.settings(tmp_path), clock, owner="o", relays=lines)
        )
        await asyncio.wait_for(rest.wait(), 30)
        await relay.hang_up()
        done = await running
        assert readers(relay) == PEOPLE
    assert done.counts == {S.ACCEPTED: 11, S.UNCERTAIN: 1}


@pytest.mark.parametrize("limited", ["the relay", "the destination"])
async def test_what_waits_for_its_moment_goes_behind_no_body(store, clock, tmp_path, limited):
    others = [f"nguoi-{n:02}@khac.example" for n in range(12)]
    both = [one for pair in zip(PEOPLE, others, strict=True) for one in pair]
    stock.fill(store, clock.at, both)
    rate = {"rate": "1000/s"} if limited == "the relay" else {}
    rates = {} if rate else {"rates": {"example.vn": "1000/s"}}
    async with Scripted() as relay:
        lines = [line_to(relay, **rate)]
        settings = stock.settings(tmp_path, **rates)
        done = await drain(store, settings, clock, owner="o", relays=lines)
        assert done.counts == {S.ACCEPTED: 24}
        assert set(relay.behind) <= (set() if rate else set(others))
        assert len(relay.behind) >= (0 if rate else 4)


async def test_letters_have_their_turns_beside_editions_that_go_ahead(store, clock, tmp_path):
    made = stock.fill(store, clock.at, PEOPLE)
    strangers = [f"la-{n}@xa.example" for n in range(4)]
    stock.ask_to_confirm(store, clock.at, strangers, made.digest)
    async with Scripted() as relay:
        await drain(store, stock.settings(tmp_path), clock, owner="o", relays=[line_to(relay)])
        assert set(relay.behind) <= set(PEOPLE)
        came = recipients(relay)
    assert sorted(came) == sorted(PEOPLE + strangers)
    assert came.index(strangers[0]) <= 1


async def test_what_cannot_be_made_goes_behind_no_body_and_stops_nobody(store, clock, tmp_path):
    made = stock.fill(store, clock.at, ["not an address", *PEOPLE[:5], "cũng không"])
    async with Scripted() as relay:
        done = await drain(
            store, stock.settings(tmp_path), clock, owner="o", relays=[line_to(relay)]
        )
        assert readers(relay) == PEOPLE[:5]
    assert done.counts == {S.ACCEPTED: 5, S.REJECTED: 2}
    assert done.unsent == 0
    assert len(made.deliveries) == 7


async def test_a_domain_that_rests_has_no_envelope_behind_a_body(store, clock, tmp_path):
    theirs = [f"nguoi-{n:02}@cham.example" for n in range(8)]
    made = stock.fill(store, clock.at, [PEOPLE[0], *theirs, *PEOPLE[1:]])
    stock.had_news_before(store, made, clock.at)

    def script(number, step):
        return "450 4.7.1 slow down" if step == "RCPT" and "cham" in relay.asked[-1] else None

    async with Scripted(script) as relay:
        await drain(store, stock.settings(tmp_path), clock, owner="o", relays=[line_to(relay)])
        assert readers(relay) == PEOPLE
        assert len([one for one in relay.asked if one in theirs]) == 3


async def test_a_mail_whose_connection_ended_is_asked_again_whether_its_destination_rests(
    any_store, clock, tmp_path
):
    """The third of its destination is put off behind its body; the fourth was to follow it."""
    theirs = [f"nguoi-{n:02}@cham.example" for n in range(6)]
    made = stock.fill(any_store, clock.at, [PEOPLE[0], *theirs, *PEOPLE[1:]])
    stock.had_news_before(any_store, made, clock.at)

    def script(number, step):
        if "cham" not in (relay.asked or [""])[-1]:
            return None
        if step == "RCPT" and len(relay.asked) <= 3:
            return "450 4.7.1 slow down"
        return "421 4.7.1 slow down" + DROP if step == "BODY" else None

    async with Scripted(script) as relay:
        await drain(any_store, stock.settings(tmp_path), clock, owner="o", relays=[line_to(relay)])
        assert [one for one in relay.asked if one in theirs] == theirs[:3]
        assert relay.behind.count(theirs[3]) == 1  # so it was the channel's
    assert recipients(relay) == [PEOPLE[0], theirs[2], *PEOPLE[1:]]


def messages():
    """How many are held in this process."""
    return sum(isinstance(one, Message) for one in gc.get_objects())


@pytest.mark.parametrize("why", ["a rate", "a rest"])
async def test_no_messages_are_held_of_mails_that_wait(any_store, clock, tmp_path, why):
    """However many: each of them is some hundred kilobytes."""
    theirs = [f"nguoi-{n:02}@cham.example" for n in range(60)]
    made = stock.fill(any_store, clock.at, [*PEOPLE[:2], *theirs, *PEOPLE[2:]])
    stock.had_news_before(any_store, made, clock.at)
    held = []

    def script(number, step):
        if step != "RCPT":
            return None
        if relay.asked[-1] == PEOPLE[-1]:
            held.append(messages())
        return "450 4.7.1 slow down" if "cham" in relay.asked[-1] and not rates else None

    rates = {"cham.example": "1/m"} if why == "a rate" else {}
    before = messages()
    async with Scripted(script) as relay:
        settings = stock.settings(tmp_path, rates=rates)
        lines = [line_to(relay, connections=4)]
        done = await drain(any_store, settings, clock, owner="o", relays=lines)
    assert done.left[S.DEFERRED] >= 50
    assert held[0] - before <= 2 * 4
