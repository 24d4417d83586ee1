"""Several relays: which one serves, and what becomes of mail while it cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.mail.drain import drain
from service.model import DeliveryState
from service.store import tables as t
from service.store.mailing.relays import relay_states
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import PEOPLE, Clock

S = DeliveryState
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.fixture
def run(any_store, clock, tmp_path):
    """Sends what is due over these, in the order of their priority."""

    async def send(*sinks):
        lines = []
        for number, sink in enumerate(sinks, start=1):
            line = sink.line(priority=number)
            line.name = f"so-{number}"
            lines.append(line)
        settings = stock.settings(tmp_path)
        return await drain(any_store, settings, clock, owner="o", relays=lines)

    return send


def recipients(sink):
    return sorted(one.recipient for one in sink.received)


async def test_the_second_takes_nothing_while_the_first_one_serves(any_store, clock, run):
    stock.fill(any_store, clock.at, PEOPLE)
    async with Sink() as first, Sink() as second:
        done = await run(first, second)
    assert done.counts == {S.ACCEPTED: 12}
    assert (recipients(first), second.connections) == (PEOPLE, 0)


async def test_the_second_takes_over_at_once_and_gives_back(any_store, clock, run):
    stock.fill(any_store, clock.at, PEOPLE[:6])
    async with Sink() as first, Sink() as second:
        port = first.port
        await first.stop()
        done = await run(first, second)
        assert done.counts == {S.ACCEPTED: 6}, "nobody waits because the first one is down"
        assert list(done.paused) == ["so-1"]
        assert recipients(second) == PEOPLE[:6]
        with any_store.read() as connection:
            [noted] = relay_states.states(connection, ["so-1"])
            assert not connection.scalar(select(t.attempt.c.n).where(t.attempt.c.relay == "so-1"))
        assert noted.failing_since == clock.at

        await first.start(port)
        stock.fill(any_store, clock.at, PEOPLE[6:8], digest="ngay")
        done = await run(first, second)
        assert (first.connections, done.counts) == (0, {S.ACCEPTED: 2}), "not asked before its time"
        assert list(done.paused) == ["so-1"]

        clock.at += 2 * MINUTE
        stock.fill(any_store, clock.at, PEOPLE[8:], digest="thang")
        done = await run(first, second)
        assert (done.counts, done.paused) == ({S.ACCEPTED: 4}, {})
        assert first.received, "it is asked again beside the other one"
        with any_store.read() as connection:
            [noted] = relay_states.states(connection, ["so-1"])
        assert noted.failing_since is None
        before = len(second.received)
        stock.fill(any_store, clock.at, PEOPLE, digest="nam")
        await run(first, second)
        assert len(second.received) == before


async def test_a_first_that_refuses_us_leaves_the_others_to_the_second(any_store, clock, run):
    stock.fill(any_store, clock.at, PEOPLE)
    refuses = "550 5.7.1 not from you"
    async with Sink(lambda at, _: refuses if at == "mail" else None) as first, Sink() as second:
        done = await run(first, second)
        assert done.counts == {S.ACCEPTED: 12}
        assert refuses in done.paused["so-1"]
        clock.at += 16 * MINUTE
        stock.fill(any_store, clock.at, PEOPLE, digest="ngay")
        assert (await run(first, second)).counts == {S.ACCEPTED: 12}, "also who probes it"
    assert len([at for at, _ in first.steps if at == "mail"]) == 2


async def test_where_none_takes_mail_all_wait(any_store, clock, run):
    stock.fill(any_store, clock.at, PEOPLE)
    async with Sink() as first, Sink() as second:
        pass
    done = await run(first, second)
    assert sorted(done.paused) == ["so-1", "so-2"]
    assert done.left == {S.DEFERRED: 12}


async def test_what_strangers_met_moves_no_mail_to_the_second(any_store, clock, run):
    made = stock.fill(any_store, clock.at, PEOPLE[:2])
    stock.had_news_before(any_store, made, clock.at)
    strangers = [f"la@xau-{n}.example" for n in range(4)]
    stock.ask_to_confirm(any_store, clock.at, strangers, made.digest)

    def script(at, who):
        return "421 4.7.0 no" if at == "rcpt" and "xau" in who else None

    async with Sink(script) as first, Sink() as second:
        await run(first, second)
        await run(first, second)
    assert (recipients(first), second.connections) == (PEOPLE[:2], 0)
