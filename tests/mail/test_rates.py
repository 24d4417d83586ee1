"""A rate holds for all who send on one store, relays and destinations, and is used up."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event, func, select, update

from service.mail.drain import drain
from service.mail.throttle import Throttle
from service.store import tables as t
from service.store.mailing.relays import rates, slow_domains
from service.store.mailing.relays.rates import LONGEST_QUEUE
from service.store.mailing.relays.slow_domains import SlowDomain
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import Clock
from tests.running import eventually

RATE = 20.0
GAP = 1 / RATE


class Time:
    """One clock for all: seconds that only grow, and the time of day that goes with them."""

    def __init__(self, now):
        self._begin, self.at = now, 1000.0

    def ticks(self):
        return self.at

    def clock(self):
        return self._begin + timedelta(seconds=self.at - 1000.0)


def throttles(store, time, number=3, **limits):
    return [Throttle(store, time.clock, time.ticks, limits) for _ in range(number)]


async def test_three_senders_together_never_exceed_a_rate_and_use_it_up(any_store, now):
    """Whoever asks, in whatever order, with however many mails in hand, and however late."""
    time, chance = Time(now), random.Random(7)
    senders = throttles(any_store, time, chinh=RATE)
    moments = []
    for _ in range(400):
        sender = chance.choice(senders)
        moments.append(time.at + await sender.reserve("chinh", chance.randint(1, 21)))
        if chance.random() < 0.5:
            time.at = max(time.at, chance.choice(moments[-5:]))
        if chance.random() < 0.02:
            time.at += 3.0  # it hangs, and what it had in hand is late
    moments.sort()
    crowd = round(RATE) + 2  # a second touches so many of the rate's intervals at most
    assert all(
        after - before >= 1.0 for before, after in zip(moments, moments[crowd:], strict=False)
    )
    idle = 3.0 * 20
    assert moments[-1] - moments[0] < 400 * GAP * 3 + idle


async def test_one_sender_alone_uses_all_of_a_rate(any_store, now):
    time = Time(now)
    (sender,) = throttles(any_store, time, 1, chinh=RATE)
    for _ in range(100):
        time.at += await sender.reserve("chinh", 20)
    assert time.at - 1000.0 == pytest.approx(99 * GAP, abs=0.01)


async def test_a_statement_that_takes_a_while_costs_no_moment(any_store, now):
    class Slow(Time):
        def ticks(self):
            self.at += GAP / 10
            return self.at

    time = Slow(now)
    (sender,) = throttles(any_store, time, 1, chinh=RATE)
    waits = [await sender.reserve("chinh") for _ in range(10)]
    with any_store.read() as connection:
        taken = connection.scalar(select(t.mail_rate.c.taken_us))
    assert taken <= (now.timestamp() + 11 * GAP) * 1e6
    assert waits[-1] < 10 * GAP


async def test_what_a_sender_that_died_had_in_hand_costs_a_second_at_most(any_store, now):
    time = Time(now)
    dead, other = throttles(any_store, time, 2, chinh=RATE)
    assert await dead.reserve("chinh", 1000) == 0.0
    assert await other.reserve("chinh") == pytest.approx(1.0)


async def test_moments_of_a_clock_that_was_ahead_are_free(any_store, now):
    time = Time(now + timedelta(hours=3))
    ahead, after = throttles(any_store, time, 2, chinh=RATE)
    await ahead.reserve("chinh")
    time._begin = now
    assert await after.reserve("chinh") == 0.0


async def test_a_batch_of_mails_costs_one_statement(any_store, now):
    time = Time(now)
    (sender,) = throttles(any_store, time, 1, chinh=RATE)
    sent = []
    listen = (any_store.engine, "before_cursor_execute", lambda *told: sent.append(told[2]))
    event.listen(*listen)
    try:
        for _ in range(40):
            time.at += await sender.reserve("chinh", 20)
    finally:
        event.remove(*listen)
    assert len([one for one in sent if "mail_rate" in one]) == 2


async def test_a_destination_that_is_full_tells_each_mail_when_to_come_again(any_store, now):
    """One after the other, none before there may be room, and no later than half an hour."""
    time, name = Time(now), "@dich.example"
    senders = throttles(any_store, time, **{name: RATE})
    waits, told = [], []
    for number in range(200):
        found = await senders[number % 3].reserve_soon(name, 20)
        (waits if isinstance(found, float) else told).append(found)
    assert max(waits) <= 3.0
    assert len(waits) <= 4 * RATE
    told.sort()
    assert min(after - before for before, after in pairwise(told)) >= timedelta(seconds=0.99 * GAP)
    assert told[0] >= now + timedelta(seconds=1.5)
    time.at += 3600
    assert await senders[0].reserve_soon(name) == 0.0, "nobody waits any more"
    (slow,) = throttles(any_store, time, 1, **{"@cham.example": 0.001})
    for _ in range(4):
        found = await slow.reserve_soon("@cham.example")
    assert found == time.clock() + LONGEST_QUEUE


async def test_a_queue_of_half_an_hour_gets_no_longer_and_does_not_begin_anew(any_store, now):
    """As when tens of thousands wait for one destination."""
    name = "@dich.example"
    with any_store.write() as connection:
        free = rates.take(connection, name, now, RATE, 1) + timedelta(seconds=GAP)

    def told(queue):
        """The next two of a queue that is so long."""
        row = update(t.mail_rate).values(queued_us=round((now + queue).timestamp() * 1e6))
        with any_store.write() as connection:
            connection.execute(row)
            return [rates.queue(connection, name, now, RATE) for _ in range(2)]

    gap = timedelta(seconds=GAP)
    for minutes in (15, 29):
        at = now + timedelta(minutes=minutes)
        assert told(at - now) == [at, at + gap]
    assert told(LONGEST_QUEUE + gap) == [now + LONGEST_QUEUE] * 2
    assert told(timedelta(hours=3)) == [free, free + gap], "that was a clock that was ahead"


class RealClock:
    """The time of day of the test, which goes on."""

    def __init__(self, now):
        self._ahead = now - datetime.now(UTC)

    def __call__(self):
        return datetime.now(UTC) + self._ahead


async def test_three_runs_at_once_send_no_faster_than_one(any_store, now, tmp_path):
    people = [f"nguoi-{n:02}@example.vn" for n in range(12)]
    stock.fill(any_store, now, people)
    settings, clock = stock.settings(tmp_path), RealClock(now)
    async with Sink() as sink:
        begin = asyncio.get_running_loop().time()
        runs = [
            drain(any_store, settings, clock, owner=owner, relays=[sink.line(rate="5/s")])
            for owner in "abc"
        ]
        await asyncio.gather(*runs)
        took = asyncio.get_running_loop().time() - begin
        assert sorted(one.recipient for one in sink.received) == people
    assert took >= 11 / 5


async def test_mails_to_a_full_destination_wait_and_hold_up_no_others(any_store, now, tmp_path):
    """It is no try of theirs: each goes when its turn has come, as if it were the first time."""
    theirs = [f"nguoi-{n:02}@day.example" for n in range(20)]
    others = [f"nguoi-{n:02}@khac.example" for n in range(5)]
    stock.fill(any_store, now, [*theirs, *others])
    settings, clock = stock.settings(tmp_path, rates={"DAY.example": "1/m"}), Clock(now)
    async with Sink() as sink:
        await drain(any_store, settings, clock, owner="a", relays=[sink.line()])
        assert {one.recipient for one in sink.received} - set(others) == {theirs[0]}
        assert len(sink.received) == 6
        await drain(any_store, settings, clock, owner="b", relays=[sink.line()])
        assert len(sink.received) == 6
        with any_store.read() as connection:
            rows = connection.execute(
                select(t.delivery.c.tries, t.delivery.c.next_try_at)
                .where(t.delivery.c.state == "deferred")
            ).all()  # fmt: skip
            assert connection.scalar(select(func.count()).select_from(t.attempt)) == 6
        assert [row.tries for row in rows] == [0] * 19
        assert len({row.next_try_at for row in rows}) == 19
        for minute in range(1, 6):
            clock.at = now + timedelta(minutes=minute)
            await drain(any_store, settings, clock, owner="a", relays=[sink.line()])
            assert len(sink.received) == 6 + minute


async def test_a_run_of_one_digest_ends_when_each_mail_has_had_its_turn(any_store, now, tmp_path):
    """However long that takes: `digest send` drains the digest."""
    people = [f"nguoi-{n}@day.example" for n in range(3)]
    stock.fill(any_store, now, people)
    settings, clock = stock.settings(tmp_path, rates={"day.example": "3/m"}), Clock(now)
    async with Sink() as sink:
        run = asyncio.create_task(
            drain(any_store, settings, clock, owner="a", digest="tuan", relays=[sink.line()])
        )

        def has_ended():
            if set(stock.states(any_store).values()) <= {"accepted", "deferred"}:
                clock.at += timedelta(seconds=20)
            return run.done()

        await eventually(has_ended)
        drained = await run
        assert sorted(one.recipient for one in sink.received) == people
    assert drained.complete
    assert not drained.left


async def test_nobody_waits_for_the_turn_of_mails_that_no_relay_takes(any_store, now, tmp_path):
    stock.fill(any_store, now, [f"nguoi-{n}@day.example" for n in range(3)])
    settings, clock = stock.settings(tmp_path, rates={"day.example": "1/m"}), Clock(now)
    async with Sink(lambda step, _who: "421 4.3.2 down" if step == "helo" else None) as sink:
        drained = await drain(
            any_store, settings, clock, owner="a", digest="tuan", relays=[sink.line()]
        )
    assert drained.left == {"deferred": 3}
    assert not drained.complete


# -- a domain that puts mail off ------------------------------------------------------------------


def refusing(step, who):
    return "450 4.7.1 slow down" if step == "rcpt" and "cham.example" in who else None


async def test_a_domain_that_puts_off_mails_of_one_machine_is_not_tried_by_another(
    any_store, now, tmp_path
):
    theirs = [f"nguoi-{n:02}@cham.example" for n in range(9)]
    made = stock.fill(any_store, now, theirs)
    stock.had_news_before(any_store, made, now)
    settings, clock = stock.settings(tmp_path), Clock(now)

    def tried():
        return len([step for step, _ in sink.steps if step == "rcpt"])

    async with Sink(refusing) as sink:
        line = {"connections": 1}
        with any_store.ledger() as connection:
            for one in made.deliveries[5:]:
                put_off(connection, one, now + timedelta(seconds=20))
        await drain(any_store, settings, clock, owner="a", relays=[sink.line(**line)])
        assert tried() == 3
        clock.at = now + timedelta(seconds=20)
        await drain(any_store, settings, clock, owner="b", relays=[sink.line(**line)])
        assert tried() == 3, "the other machine has heard of it"
        clock.at = now + timedelta(seconds=60)
        await drain(any_store, settings, clock, owner="b", relays=[sink.line(**line)])
        assert tried() == 4, "the first that came back has asked again, and that was enough"
        sink.script = lambda _step, _who: None
        clock.at = now + timedelta(minutes=10)
        await drain(any_store, settings, clock, owner="a", relays=[sink.line(**line)])
        assert len(sink.received) == 9
        with any_store.read() as connection:
            assert slow_domains.known(connection, clock.at) == []


def put_off(connection, delivery, until):
    values = {"state": "deferred", "next_try_at": until}
    connection.execute(update(t.delivery).where(t.delivery.c.id == delivery).values(values))


async def test_a_domain_that_takes_mail_again_is_free_at_once(any_store, now):
    with any_store.write() as connection:
        slow_domains.note(connection, SlowDomain("cham.example", True, "rcpt: 450 later"), now)
        assert [one.held for one in slow_domains.known(connection, now)] == [True]
        after = now + slow_domains.HELD_FOR
        assert [one.held for one in slow_domains.known(connection, after)] == [False]
        assert slow_domains.resting(connection, after) == []
        slow_domains.forget(connection, "cham.example")
        assert slow_domains.known(connection, now) == []
