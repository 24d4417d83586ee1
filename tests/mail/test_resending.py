"""`mail.uncertain = "resend"`: what may not have arrived is sent again by itself, a few times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes

import pytest
from sqlalchemy import select

from service.mail.drain import drain
from service.mail.leases import Watch
from service.mail.relay import Timeouts
from service.mail.relays import outbox_of
from service.model import DeliveryState
from service.store import tables as t
from service.store.core.lease import LASTS
from service.store.mailing import claims, deliveries, outcomes, resending, uncertain_deliveries
from service.store.mailing.outcomes import DeliveryOutcome
from tests.mail import stock
from tests.mail.relays import DROP, QUICK, SILENCE, Sink
from tests.mail.test_drain import Clock

S = DeliveryState
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LAN, MINH = "lan@example.vn", "minh@example.vn"


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.fixture
def settings(tmp_path):
    return stock.settings(tmp_path, uncertain="resend")


@pytest.fixture
def send(any_store, clock, settings):
    async def run(sink, *, owner="o", settings=settings, timeouts=QUICK):
        lines = [sink.line(timeouts=timeouts)]
        return await drain(any_store, settings, clock, owner=owner, relays=lines)

    return run


def copies(sink, who=LAN):
    return [one.data for one in sink.received if one.recipient == who]


def held_editions(store):
    with store.read() as connection:
        return sum(one.mails for one in uncertain_deliveries.by_edition(connection))


def next_tries(store):
    with store.read() as connection:
        return [
            one.next_try_at for one in uncertain_deliveries.listed(connection, [S.UNCERTAIN], None)
        ]


@pytest.mark.parametrize(("step", "arrived"), [("body", 0), ("after", 1)])
async def test_it_goes_again_a_quarter_of_an_hour_later_as_the_same_mail(
    any_store, clock, send, step, arrived
):
    """Same Message-ID, same Date: the bytes are the same."""
    made = stock.fill(any_store, clock.at, [LAN, MINH])
    async with Sink(lambda s, who: DROP if (s, who) == (step, LAN) else None) as sink:
        assert (await send(sink)).counts == {S.ACCEPTED: 1, S.UNCERTAIN: 1}
        sink.script = lambda _s, _w: None
        assert next_tries(any_store) == [clock.at + resending.AFTER]
        assert held_editions(any_store) == 0, "it needs nobody's decision"
        clock.at += resending.AFTER - SECOND
        assert (await send(sink)).counts == {}
        clock.at += SECOND
        assert (await send(sink, owner="p")).counts == {S.ACCEPTED: 1}
        clock.at += 10 * resending.AFTER
        assert (await send(sink)).counts == {}
    assert len(copies(sink)) == arrived + 1
    assert len(set(copies(sink))) == 1
    assert message_from_bytes(copies(sink)[0])["Message-ID"] == f"<{made.message_ids[0]}>"
    assert len(copies(sink, MINH)) == 1
    assert stock.told_by(any_store, made.deliveries[0]) == set(made.articles)


async def test_a_relay_that_never_answers_gets_it_four_times_and_then_it_is_held(
    any_store, clock, send
):
    [one] = stock.fill(any_store, clock.at, [LAN]).deliveries
    async with Sink(lambda step, _who: DROP if step == "after" else None) as sink:
        for sent in range(1, resending.MOST + 2):
            assert (await send(sink)).counts == {S.UNCERTAIN: 1}
            assert len(copies(sink)) == sent
            clock.at += resending.AFTER
        for _ in range(3):
            assert (await send(sink)).counts == {}
            clock.at += timedelta(days=1)
    assert len(copies(sink)) == resending.MOST + 1
    assert (stock.states(any_store), next_tries(any_store)) == ({one: "uncertain"}, [None])
    assert held_editions(any_store) == 1
    with any_store.read() as connection:
        answers = connection.execute(select(t.attempt.c.answer)).scalars().all()
    assert len(answers) == resending.MOST + 1
    assert all(answer.startswith("no answer to the body") for answer in answers)


async def test_who_leaves_before_the_second_copy_gets_none_and_the_first_counts_as_told(
    any_store, clock, send
):
    made = stock.fill(any_store, clock.at, [LAN])
    async with Sink(lambda step, _who: DROP if step == "after" else None) as sink:
        await send(sink)
        sink.script = lambda _s, _w: None
        with any_store.ledger() as connection:
            connection.execute(t.subscription.update().values(ended_at=clock.at, ended_reason="x"))
        clock.at += resending.AFTER
        assert (await send(sink)).counts == {S.UNCERTAIN: 1}
    assert (len(copies(sink)), next_tries(any_store)) == (1, [None])
    assert stock.told_by(any_store, made.deliveries[0]) == set(made.articles)


async def test_whoever_waits_for_the_last_answer_has_stopped_before_it_goes_again():
    assert timedelta(seconds=Timeouts().body) + LASTS < resending.AFTER


@pytest.mark.parametrize("planned_again", [False, True])
async def test_a_late_250_comes_first_and_then_nothing_is_sent_again(
    any_store, clock, send, settings, planned_again
):
    """The owner seems dead and is not: its lease lapsed while the store was away."""
    [one] = stock.fill(any_store, clock.at, [LAN]).deliveries
    another = Watch(any_store, outbox_of(settings), clock, "another", again=True)

    def script(step, _who):
        if step == "after":
            clock.at += LASTS + SECOND
            another.sweep(None)
            assert stock.states(any_store) == {one: "uncertain"}
            if planned_again:
                clock.at += resending.AFTER
                another.sweep(None)
                assert stock.states(any_store) == {one: "planned"}

    async with Sink(script) as sink:
        assert (await send(sink)).counts == {S.ACCEPTED: 1}
        sink.script = lambda _s, _w: None
        for _ in range(3):
            clock.at += resending.AFTER
            assert (await send(sink, owner="p")).counts == {}
        assert len(copies(sink)) == 1
    assert stock.states(any_store) == {one: "accepted"}


async def test_once_somebody_has_it_in_hand_a_late_answer_is_nobodys(any_store, clock, settings):
    """Two who send one mail at one time is what a resend may cost; its row says what came last."""
    [one] = stock.fill(any_store, clock.at, [LAN]).deliveries
    late = DeliveryOutcome(one, S.ACCEPTED, "chinh", "250 at last")
    with any_store.ledger() as connection:
        claims.claim(connection, "first", clock.at, 9)
        claims.mark_sending(connection, "first", clock.at, {one: "chinh"})
    clock.at += LASTS + SECOND
    watch = Watch(any_store, outbox_of(settings), clock, "second", again=True)
    watch.sweep(None)
    clock.at += resending.AFTER
    watch.sweep(None)
    with any_store.ledger() as connection:
        assert [c.id for c in claims.claim(connection, "second", clock.at, 9).claimed] == [one]
        assert outcomes.settle(connection, "first", clock.at, [late]) == set()
        assert claims.mark_sending(connection, "second", clock.at, {one: "chinh"}).passed == {one}
        assert outcomes.settle(connection, "second", clock.at, [late]) == {one}


async def test_too_late_to_be_news_it_is_held(any_store, clock, send):
    expires = clock.at + 5 * MINUTE
    [one] = stock.fill(any_store, clock.at, [LAN], expires_at=expires).deliveries
    async with Sink(lambda step, _who: DROP if step == "after" else None) as sink:
        await send(sink)
        clock.at += resending.AFTER
        assert (await send(sink)).counts == {}
        assert len(copies(sink)) == 1
    assert (stock.states(any_store), held_editions(any_store)) == ({one: "uncertain"}, 1)


async def test_put_off_until_it_is_too_late_it_is_held_and_what_it_told_stays_told(
    any_store, clock, send
):
    """It may have arrived the first time: to tell its stories again would be to tell them twice."""
    made = stock.fill(any_store, clock.at, [LAN], expires_at=clock.at + 20 * MINUTE)
    async with Sink(lambda step, _who: DROP if step == "after" else None) as sink:
        await send(sink)
        sink.script = lambda step, _who: "450 4.2.2 full" if step == "rcpt" else None
        clock.at += resending.AFTER
        assert (await send(sink)).counts == {S.DEFERRED: 1}
        clock.at += 10 * MINUTE
        assert (await send(sink)).counts == {}
    assert stock.states(any_store) == {made.deliveries[0]: "uncertain"}
    assert held_editions(any_store) == 1
    assert stock.told_by(any_store, made.deliveries[0]) == set(made.articles)
    with any_store.ledger() as connection:
        assert deliveries.expire(connection, clock.at + timedelta(days=9)) == 0


async def test_a_policy_that_was_changed_to_hold_holds(any_store, clock, send, settings, tmp_path):
    stock.fill(any_store, clock.at, [LAN])
    async with Sink(lambda step, _who: DROP if step == "after" else None) as sink:
        await send(sink)
        sink.script = lambda _s, _w: None
        clock.at += MINUTE
        assert (await send(sink, settings=stock.settings(tmp_path))).counts == {}
        clock.at += timedelta(days=3)
        assert (await send(sink, settings=settings)).counts == {}  # nor does it wake what was held
        assert len(copies(sink)) == 1
    assert held_editions(any_store) == 1


async def test_a_relay_that_is_silent_after_the_body_is_no_other_case(any_store, clock, send):
    stock.fill(any_store, clock.at, [LAN])
    async with Sink(lambda step, _who: SILENCE if step == "body" else None) as sink:
        assert (await send(sink, timeouts=replace(QUICK, body=0.2))).counts == {S.UNCERTAIN: 1}
        sink.script = lambda _s, _w: None
        clock.at += resending.AFTER
        assert (await send(sink)).counts == {S.ACCEPTED: 1}
    assert len(copies(sink)) == 1


async def test_what_is_refused_for_its_content_the_second_time_is_held(any_store, clock, send):
    """The first copy may have arrived, so nothing is released; a third would be refused as well."""
    made = stock.fill(any_store, clock.at, [LAN])
    async with Sink(lambda step, _who: DROP if step == "body" else None) as sink:
        assert (await send(sink)).counts == {S.UNCERTAIN: 1}
        sink.script = lambda step, _who: "554 5.6.0 bad content" if step == "body" else None
        clock.at += resending.AFTER
        assert (await send(sink)).counts == {S.UNCERTAIN: 1}
        assert next_tries(any_store) == [None]
        sink.script = lambda _s, _w: None
        clock.at += resending.AFTER
        assert (await send(sink)).counts == {}
    assert held_editions(any_store) == 1
    assert stock.told_by(any_store, made.deliveries[0]) == set(made.articles)
