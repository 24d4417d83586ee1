"""A whole run of sending against a real server: what one message's fate does to the others."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select, update

from service.errors import StoreBusyError
from service.mail.drain import drain
from service.mail.ledger.group_commit import GroupCommit
from service.mail.personal import PersonalMail, TransactionalComposer
from service.mail.relay import RelayConnection
from service.mail.relays import outbox_line, outbox_of
from service.model import DeliveryKind, DeliveryState, Parts
from service.render.marks import CLOSE, OPEN
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.lease import LASTS
from service.store.mailing import claims, deliveries, outcomes, uncertain_deliveries
from service.store.mailing.message_parts import pack
from service.store.mailing.outcomes import DeliveryOutcome
from tests.mail import stock
from tests.mail.relays import DROP, QUICK, Sink, relay_of

S = DeliveryState
MINUTE = timedelta(minutes=1)
PEOPLE = [f"nguoi-{n:02}@example.vn" for n in range(12)]


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, at):
        self.at = at

    def __call__(self):
        return self.at


@pytest.fixture
def clock(now):
    return Clock(now)


def recipients(sink):
    return sorted(one.recipient for one in sink.received)


def message_ids(sink):
    return sorted(message_from_bytes(one.data)["Message-ID"].strip("<>") for one in sink.received)


async def test_everything_planned_goes_out_once_over_kept_connections(any_store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    made = stock.fill(any_store, clock.at, PEOPLE)
    async with Sink() as sink:
        lines = [sink.line(connections=3)]
        done = await drain(any_store, settings, clock, owner="o", relays=lines)
        again = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 12}
    assert (done.left, done.paused, done.unsent, done.complete) == ({}, {}, 0, True)
    assert again.counts == {}
    assert recipients(sink) == PEOPLE
    assert message_ids(sink) == sorted(made.message_ids)
    assert sink.connections <= 3
    assert stock.parts_of(any_store, made.segment) is None


async def test_what_arrives_is_what_the_composer_makes(store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    stock.fill(store, clock.at, PEOPLE[:2])
    with store.ledger() as connection:
        claimed = claims.claim(connection, "preview", clock.at, 10).claimed
        claims.unclaim(connection, "preview", [one.id for one in claimed])
    shown = {
        one.recipient.address: TransactionalComposer(settings).compose(
            PersonalMail(one.kind, one.message_id, one.dated_at, one.language, one.segment,
                         stock.PARTS, one.recipient)
        )
        for one in claimed
    }  # fmt: skip
    async with Sink() as sink:
        await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert len(sink.received) == 2
    for one in sink.received:
        assert one.data == shown[one.recipient].data
        assert not {OPEN, CLOSE} & set(one.data.decode())


async def test_one_bad_address_stops_nobody_else(any_store, clock, tmp_path):
    bad = ["khong-co@example.vn", "not an address", "điệp@example.vn", "full@example.vn"]
    made = stock.fill(any_store, clock.at, [*bad, *PEOPLE])
    answers = {
        "khong-co@example.vn": "550 5.1.1 no such user",
        "full@example.vn": "452 4.2.2 mailbox full",
    }

    def script(step, who):
        if step == "rcpt":
            return answers.get(who.removeprefix("TO:<").removesuffix(">"))
        return None

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    assert recipients(sink) == PEOPLE
    assert done.counts == {S.ACCEPTED: 12, S.REJECTED: 3, S.DEFERRED: 1}
    states = stock.states(any_store)
    assert [states[one] for one in made.deliveries[:4]] == [
        "rejected", "rejected", "rejected", "deferred",
    ]  # fmt: skip
    with any_store.read() as connection:
        barred = connection.execute(select(t.suppression)).all()
    assert [row.evidence for row in barred] == ["rcpt: 550 5.1.1 no such user"]
    assert not done.complete


async def test_a_message_that_cannot_be_built_stops_nobody_else_and_is_released(
    store, clock, tmp_path
):
    settings = stock.settings(tmp_path)
    broken = stock.fill(store, clock.at, PEOPLE[:1], digest="hong")
    unmarked = Parts("x", f"{OPEN}nonsense{CLOSE}", "x")
    odd = stock.fill(store, clock.at, PEOPLE[1:2], digest="la", parts=unmarked)
    gone = stock.fill(store, clock.at, PEOPLE[2:3], digest="mat")
    stock.fill(store, clock.at, PEOPLE[3:])
    with store.ledger() as connection:
        for segment, parts in ((broken.segment, b"not packed"), (gone.segment, None)):
            connection.execute(
                update(t.segment).where(t.segment.c.id == segment).values(parts=parts)
            )
    async with Sink() as sink:
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert recipients(sink) == PEOPLE[3:]
    assert done.counts == {S.ACCEPTED: 9, S.REJECTED: 3}
    assert (done.unsent, done.complete) == (3, False)
    for one in (broken, odd, gone):
        assert stock.told_by(store, one.deliveries[0]) == set()
        assert stock.covered_to(store, one.subscriptions[0]) == clock.at - timedelta(days=7)


async def test_content_that_is_refused_is_released_for_the_next_edition(store, clock, tmp_path):
    made = stock.fill(store, clock.at, PEOPLE[:1])
    async with Sink(lambda s, _: "554 5.6.0 spam" if s == "body" else None) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.REJECTED: 1}
    assert stock.told_by(store, made.deliveries[0]) == set()
    assert stock.covered_to(store, made.subscriptions[0]) == clock.at - timedelta(days=7)


async def test_a_relay_that_is_down_for_eight_hours_costs_nobody_a_mail(any_store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    made = stock.fill(any_store, clock.at, PEOPLE)
    async with Sink() as sink:
        port = sink.port
    tries = 0
    begin = clock.at
    while clock.at < begin + timedelta(hours=8):
        down = sink.line()
        done = await drain(any_store, settings, clock, owner="o", relays=[down])
        tries += bool(done.counts)
        if done.counts:
            assert done.counts == {S.DEFERRED: 1}  # one message knocks for all
            assert list(done.paused) == ["chinh"]
            with any_store.read() as connection:
                waits = connection.execute(select(t.delivery.c.next_try_at)).scalars().all()
            assert max(waits) - clock.at <= timedelta(minutes=30)
        clock.at += 10 * MINUTE
    assert 15 <= tries <= 25
    sink.script = lambda _s, _w: None
    await sink.start(port)
    clock.at += 30 * MINUTE
    done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    await sink.stop()
    assert done.counts == {S.ACCEPTED: 12}
    assert recipients(sink) == PEOPLE
    assert message_ids(sink) == sorted(made.message_ids)


async def test_a_wrong_password_pauses_the_run_and_one_message_a_quarter_probes(
    store, clock, tmp_path
):
    settings = stock.settings(tmp_path)
    stock.fill(store, clock.at, PEOPLE)

    async def run(sink, password):
        relay = sink.line(username="tin", password=password)
        relay.connect = sink_channel(sink, password)
        return await drain(store, settings, clock, owner="o", relays=[relay])

    async with Sink(password="right") as sink:
        first = await run(sink, "wrong")
        assert "535" in first.paused["chinh"]
        assert sink.connections == 1
        assert set(stock.states(store).values()) == {"deferred"}
        clock.at += 14 * MINUTE
        await run(sink, "wrong")
        assert sink.connections == 1
        clock.at += MINUTE
        await run(sink, "wrong")
        assert sink.connections == 2
        assert sink.received == []
        clock.at += 15 * MINUTE
        done = await run(sink, "right")
    assert done.counts == {S.ACCEPTED: 12}
    assert recipients(sink) == PEOPLE


def sink_channel(sink, password):
    table = {"host": "127.0.0.1", "port": sink.port, "username": "tin"}
    return lambda: RelayConnection(relay_of(table, password), "tin.example.vn", QUICK)


async def test_a_relay_that_refuses_us_is_probed_with_one_message(store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    stock.fill(store, clock.at, PEOPLE)
    async with Sink(lambda s, _: "550 5.7.1 not from you" if s == "mail" else None) as sink:
        for quarter in range(3):
            done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
            assert done.counts == {S.DEFERRED: 1}
            assert "5.7.1" in done.paused["chinh"]
            assert len([step for step, _ in sink.steps if step == "mail"]) == quarter + 1
            with store.read() as connection:
                tried = connection.execute(select(t.attempt.c.delivery_id)).scalars().all()
            assert len(set(tried)) == quarter + 1  # another one each time
            clock.at += 15 * MINUTE
        sink.script = lambda _s, _w: None
        clock.at += MINUTE
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 12}


@pytest.mark.parametrize(
    "answer", ["550 5.7.515 denied", "421 4.7.0 closing", "530 5.7.0 log in first"]
)
@pytest.mark.parametrize("step", ["rcpt", "body"])
async def test_readers_who_had_news_before_are_witnesses_that_the_relay_refuses_us(
    store, clock, tmp_path, step, answer
):
    settings = stock.settings(tmp_path)
    # Of one destination alone it would be that one's refusal (test_destinations).
    made = stock.fill(store, clock.at, [f"nguoi@{n:02}.example.vn" for n in range(12)])
    stock.had_news_before(store, made, clock.at)
    async with Sink(lambda s, _: answer if s == step else None) as sink:
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
        assert done.counts == {S.DEFERRED: 3}
        assert done.left == {S.DEFERRED: 12}  # everybody waits
        assert answer in done.paused["chinh"]
        first = [who for at, who in sink.steps if at == step]
        sink.script = lambda _s, _w: None
        clock.at += 15 * MINUTE
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert len(first) == 3
    assert done.counts[S.ACCEPTED] >= 9


@pytest.mark.parametrize(
    "answer", ["550 5.7.515 denied", "421 4.7.0 closing", "530 5.7.0 log in first", DROP]
)
async def test_strangers_prove_nothing_and_move_nobody_s_time(store, clock, tmp_path, answer):
    settings = stock.settings(tmp_path)
    made = stock.fill(store, clock.at, PEOPLE)
    async with Sink(lambda s, _: answer if s == "rcpt" else None) as sink:
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
        assert done.counts == {S.DEFERRED: 3}
        assert (done.left, done.took_some) == ({S.DEFERRED: 3, S.PLANNED: 9}, False)
        assert list(done.paused) == ["chinh"]  # it rests until the next run
        sink.script = lambda _s, _w: None
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert (done.counts, done.took_some) == ({S.ACCEPTED: 9}, True)
    assert [stock.states(store)[one] for one in made.deliveries[:3]] == ["deferred"] * 3


async def test_a_digest_that_is_refused_to_all_comes_to_its_end(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE[:5])
    async with Sink(lambda s, _: "554 5.7.1 relay access denied" if s == "rcpt" else None) as sink:
        settings = stock.settings(tmp_path)
        done = await asyncio.wait_for(
            drain(store, settings, clock, owner="o", digest="tuan", relays=[sink.line()]), 20
        )
    assert done.left == {S.DEFERRED: 5}
    assert not done.complete


async def test_one_recipient_whose_server_refuses_us_does_not_stop_the_others_for_ever(
    store, clock, tmp_path
):
    settings = stock.settings(tmp_path)
    made = stock.fill(store, clock.at, PEOPLE)

    def script(step, who):
        return "550 5.7.1 go away" if step == "rcpt" and PEOPLE[0] in who else None

    async with Sink(script) as sink:
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
        assert recipients(sink) == PEOPLE[1:]  # though the first message of all met the refusal
        for _ in range(4):
            clock.at += 17 * MINUTE
            done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
        assert stock.states(store)[made.deliveries[0]] == "deferred"  # alone, it proves nothing
        stock.add_letter(store, clock.at, made.subscriptions[5], DeliveryKind.CHANGE)
        clock.at += 17 * MINUTE
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 1, S.REJECTED: 1}
    assert stock.told_by(store, made.deliveries[0]) == set()
    assert (done.left, done.unsent) == ({}, 1)


async def test_a_relay_that_puts_everybody_off_is_left_in_peace(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE)
    async with Sink(lambda s, _: "451 4.3.0 later" if s == "mail" else None) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.DEFERRED: 5}
    assert done.left == {S.DEFERRED: 12}
    assert len([step for step, _ in sink.steps if step == "mail"]) == 5


async def test_one_click_while_claimed_suppresses_and_releases_without_a_body(
    any_store, clock, tmp_path
):
    settings = stock.settings(tmp_path)
    made = stock.fill(any_store, clock.at, PEOPLE[:3])

    def script(step, who):
        if step == "data" and who == PEOPLE[1]:
            stock.end(any_store, made.subscriptions[1], clock.at)

    async with Sink(script) as sink:
        done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 2, S.SUPPRESSED: 1}
    assert recipients(sink) == [PEOPLE[0], PEOPLE[2]]
    assert PEOPLE[1] not in {who for step, who in sink.steps if step == "body"}
    assert stock.states(any_store)[made.deliveries[1]] == "suppressed"
    assert stock.told_by(any_store, made.deliveries[1]) == set()


@pytest.mark.parametrize("step", ["body", "after"])
async def test_a_lost_last_reply_is_uncertain_and_is_settled_by_hand(store, clock, tmp_path, step):
    settings = stock.settings(tmp_path)
    made = stock.fill(store, clock.at, PEOPLE[:3])
    async with Sink(lambda s, who: DROP if (s, who) == (step, PEOPLE[0]) else None) as sink:
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
        assert done.counts == {S.ACCEPTED: 2, S.UNCERTAIN: 1}
        assert done.left == {S.UNCERTAIN: 1}
        assert stock.told_by(store, made.deliveries[0]) == set(made.articles)
        sink.script = lambda _s, _w: None
        clock.at += timedelta(days=3)
        held_back = await drain(store, settings, clock, owner="p", relays=[sink.line()])
        assert held_back.counts == {}
        with store.ledger() as connection:
            assert (
                uncertain_deliveries.resend(connection, made.deliveries, clock.at)
                == made.deliveries[:1]
            )
        done = await drain(store, settings, clock, owner="p", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 1}
    copies = [one.data for one in sink.received if one.recipient == PEOPLE[0]]
    assert len(copies) == (2 if step == "after" else 1)
    assert len(set(copies)) == 1  # the same bytes, so the same Message-ID


async def test_letters_go_first(store, clock, tmp_path):
    made = stock.fill(store, clock.at, PEOPLE)
    clock.at += MINUTE
    stock.add_letter(store, clock.at, made.subscriptions[9], DeliveryKind.CHANGE)
    async with Sink() as sink:
        settings = stock.settings(tmp_path)
        await drain(store, settings, clock, owner="o", relays=[sink.line(connections=1)])
    first = message_from_bytes(sink.received[0].data, policy=policy.default)
    assert first["Subject"] == "Vâng?"
    assert len(sink.received) == 13


async def test_a_stop_finishes_what_is_in_flight_and_gives_back_the_rest(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE)
    stop = asyncio.Event()

    def script(step, _who):
        if step == "body" and len(sink.received) == 3:
            stop.set()

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(
            store, settings, clock, owner="o", relays=[sink.line(connections=2)], stop=stop
        )
    assert set(stock.states(store).values()) == {"accepted", "planned"}
    assert 4 <= done.counts[S.ACCEPTED] == len(sink.received) <= 5
    assert done.left == {S.PLANNED: 12 - len(sink.received)}


async def test_a_digest_is_sent_alone_and_waits_for_what_others_have_in_hand(
    any_store, clock, tmp_path
):
    settings = stock.settings(tmp_path)
    other = stock.fill(any_store, clock.at, PEOPLE[:2], digest="ngay", scope="review")
    made = stock.fill(any_store, clock.at, PEOPLE[:3])
    with any_store.ledger() as connection:
        mine = claims.claim(connection, "service", clock.at, 1, "tuan").claimed
        claims.mark_sending(connection, "service", clock.at, {mine[0].id: "chinh"})
    async with Sink() as sink:
        running = asyncio.create_task(
            drain(any_store, settings, clock, owner="o", digest="tuan", relays=[sink.line()])
        )
        done, _ = await asyncio.wait([running], timeout=1.5)
        assert not done
        with any_store.ledger() as connection:
            outcome = DeliveryOutcome(mine[0].id, S.ACCEPTED, "chinh", "250 ok")
            outcomes.settle(connection, "service", clock.at, [outcome])
        drained = await asyncio.wait_for(running, 60)
    assert drained.counts == {S.ACCEPTED: 2}
    assert drained.complete
    assert len(sink.received) == 2
    states = stock.states(any_store)
    assert {states[one] for one in other.deliveries} == {"planned"}
    assert {states[one] for one in made.deliveries} == {"accepted"}


async def test_deferred_ones_do_not_keep_a_digest_waiting(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE[:3])

    def script(step, who):
        return "450 4.2.0 grey" if step == "rcpt" and PEOPLE[1] in who else None

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        done = await asyncio.wait_for(
            drain(store, settings, clock, owner="o", digest="tuan", relays=[sink.line()]), 10
        )
    assert done.left == {S.DEFERRED: 1}
    assert not done.complete


async def test_a_late_250_ends_the_uncertainty(any_store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    made = stock.fill(any_store, clock.at, PEOPLE[:1])

    def script(step, _who):
        if step == "after":  # the owner seems dead: its lease lapses, and somebody sweeps
            clock.at += LASTS + timedelta(seconds=1)
            with any_store.ledger() as connection:
                outcomes.settle_lapsed(connection, made.deliveries, clock.at, S.UNCERTAIN, "died")
            assert stock.states(any_store) == {made.deliveries[0]: "uncertain"}

    async with Sink(script) as sink:
        done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 1}
    assert stock.states(any_store) == {made.deliveries[0]: "accepted"}


async def test_two_services_at_once_send_each_message_once(postgres_database, clock, tmp_path):
    one, two = Store(postgres_database), Store(postgres_database)
    settings = stock.settings(tmp_path)
    made = stock.fill(one, clock.at, [f"n{n}@example.vn" for n in range(60)])
    both = asyncio.Event()

    def script(step, _who):
        """Nobody is greeted before both have come, each with mails in hand."""
        if step == "helo" and sink.connections == 2:
            both.set()
        return both if step == "helo" else None

    patient = replace(QUICK, connect=60.0, command=60.0)
    async with Sink(script) as sink:
        done = await asyncio.gather(
            drain(one, settings, clock, owner="one", relays=[sink.line(timeouts=patient)]),
            drain(two, settings, clock, owner="two", relays=[sink.line(timeouts=patient)]),
        )
    assert message_ids(sink) == sorted(made.message_ids)
    assert sum(run.counts[S.ACCEPTED] for run in done) == 60
    assert all(run.counts[S.ACCEPTED] for run in done)
    one.close()
    two.close()


async def test_a_rate_is_kept(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE[:6])
    async with Sink() as sink:
        settings = stock.settings(tmp_path)
        begin = time.monotonic()
        await drain(store, settings, clock, owner="o", relays=[sink.line(rate="20/s")])
        took = time.monotonic() - begin
    assert len(sink.received) == 6
    assert took >= 5 / 20


async def test_a_relay_that_allows_one_connection_gets_one(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE)

    def script(step, _who):
        busy = sum(peer.transport is not None for peer in sink._peers) > 1
        return "421 4.7.0 too many connections" if step == "helo" and busy else None

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(store, settings, clock, owner="o", relays=[sink.line(connections=4)])
    assert done.counts == {S.ACCEPTED: 12}
    assert recipients(sink) == PEOPLE


async def test_where_one_relay_is_down_the_other_takes_all(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE)
    async with Sink() as gone:
        pass
    async with Sink() as sink:
        settings = stock.settings(tmp_path)
        lines = [gone.line(), sink.line()]
        lines[0].name = "hong"
        done = await drain(store, settings, clock, owner="o", relays=lines)
        clock.at += MINUTE
        await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert list(done.paused) == ["hong"]
    assert recipients(sink) == PEOPLE


class BusyStore(Store):
    """A store whose ledger is busy for the first few commits of answers."""

    busy = 0

    @contextmanager
    def ledger(self):
        with super().ledger() as connection:
            yield connection
            sent = select(t.delivery.c.id).where(t.delivery.c.state == "accepted")
            if self.busy and connection.execute(sent).first():
                self.busy -= 1
                raise StoreBusyError("another process is writing to the database")


async def test_a_250_is_recorded_however_often_it_takes(sqlite_url, clock, tmp_path):
    store = BusyStore(sqlite_url)
    stock.fill(store, clock.at, PEOPLE[:1])
    store.busy = 3
    async with Sink() as sink:
        settings = stock.settings(tmp_path)
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 1}
    assert store.busy == 0
    assert len(sink.received) == 1
    store.close()


async def test_a_run_that_breaks_finishes_the_messages_in_flight_first(store, clock, tmp_path):
    stock.fill(store, clock.at, PEOPLE)
    async with Sink() as sink:
        line = sink.line(connections=3)
        connect, opened = line.connect, []

        def breaks_later():
            opened.append(1)
            if len(opened) == 3:
                raise RuntimeError("a bug")
            return connect()

        line.connect = breaks_later
        settings = stock.settings(tmp_path)
        with pytest.raises(RuntimeError, match="a bug"):
            await drain(store, settings, clock, owner="o", relays=[line])
    states = list(stock.states(store).values())
    assert set(states) == {"accepted", "planned"}
    assert states.count("accepted") == len(sink.received) < 12


async def test_the_outbox_gets_each_message_once_under_its_key(any_store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    made = stock.fill(any_store, clock.at, PEOPLE)
    done = await drain(any_store, settings, clock, owner="o")
    again = await drain(any_store, settings, clock, owner="o")
    assert (done.counts, again.counts) == ({S.ACCEPTED: 12}, {})
    box = outbox_of(settings)
    assert box.folder == tmp_path / "var" / "outbox"
    keys = sorted(one.partition("@")[0] for one in made.message_ids)
    assert sorted(path.name for path in (box.folder / "new").iterdir()) == keys
    for one in box.listed():
        message = message_from_bytes(box.get(one.key), policy=policy.default)
        assert message["Message-ID"] == f"<{one.key}@tin.example.vn>"
        assert message["Subject"] == stock.PARTS.subject


async def test_the_outbox_holds_what_a_relay_would_have_got(store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    made = stock.fill(store, clock.at, PEOPLE[:1])
    async with Sink() as sink:
        await drain(store, settings, clock, owner="o", relays=[sink.line()])
    with store.ledger() as connection:
        connection.execute(update(t.delivery).values(state="planned", lease_owner=None))
        connection.execute(update(t.segment).values(parts=pack(stock.PARTS)))
    await drain(store, settings, clock, owner="o")
    key = made.message_ids[0].partition("@")[0]
    assert outbox_of(settings).get(key) == sink.received[0].data


@pytest.mark.parametrize("written", [True, False])
async def test_the_outbox_is_never_uncertain(any_store, clock, tmp_path, written):
    settings = stock.settings(tmp_path)
    made = stock.fill(any_store, clock.at, PEOPLE[:1])
    box = outbox_of(settings)
    key = made.message_ids[0].partition("@")[0]
    with any_store.ledger() as connection:  # a run that died between the gate and the answer
        claims.claim(connection, "dead", clock.at, 1)
        claims.mark_sending(connection, "dead", clock.at, {made.deliveries[0]: "(outbox)"})
    if written:
        box.put(key, b"as it was written")
    clock.at += LASTS + timedelta(seconds=1)
    done = await drain(any_store, settings, clock, owner="o")
    assert done.counts == {S.ACCEPTED: 1}
    assert stock.states(any_store) == {made.deliveries[0]: "accepted"}
    assert (box.get(key) == b"as it was written") is written
    assert len(box.listed()) == 1


async def test_a_full_disk_puts_the_outbox_off(store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    stock.fill(store, clock.at, PEOPLE)
    (tmp_path / "var").write_text("a file where the folder should be")
    done = await drain(store, settings, clock, owner="o")
    assert done.counts == {S.DEFERRED: 5}
    assert set(stock.states(store).values()) == {"deferred"}
    (tmp_path / "var").unlink()
    clock.at += 30 * MINUTE
    done = await drain(store, settings, clock, owner="o")
    assert done.counts == {S.ACCEPTED: 12}


async def test_too_late_is_expired_before_anything_is_sent(store, clock, tmp_path):
    settings = stock.settings(tmp_path)
    made = stock.fill(store, clock.at, PEOPLE[:2], expires_at=clock.at + MINUTE)
    clock.at += MINUTE
    done = await drain(store, settings, clock, owner="o", relays=[outbox_line(outbox_of(settings))])
    assert done.counts == {S.EXPIRED: 2}
    assert outbox_of(settings).listed() == []
    assert stock.told_by(store, made.deliveries[0]) == set()
    with store.read() as connection:
        assert deliveries.unsettled_counts(connection, clock.at) == {}


async def test_all_who_wait_for_a_commit_share_the_next_and_each_gets_his_own():
    """One commit to the disk for all connections that wait, or they wait for each other's."""
    begun, go, batches = threading.Event(), threading.Event(), []

    def commit(batch):
        batches.append(list(batch))
        begun.set()
        go.wait(60)
        if 19 in batch and len(batches) == 2:
            raise StoreBusyError("not now")
        return [2 * one for one in batch]

    group = GroupCommit(commit)
    first = asyncio.create_task(group(0))
    await asyncio.to_thread(begun.wait, 30)
    others = [asyncio.create_task(group(one)) for one in range(1, 20)]
    await asyncio.sleep(0)
    go.set()
    async with asyncio.timeout(60):
        results = await asyncio.gather(first, *others, return_exceptions=True)
    assert batches == [[0], list(range(1, 20))]
    assert results[0] == 0
    assert {type(one) for one in results[1:]} == {StoreBusyError}, "all of a batch that failed"
    assert await asyncio.gather(*map(group, (3, 1, 2))) == [6, 2, 4]


async def test_a_commit_waits_for_those_who_are_at_work_and_takes_along_what_holds_nobody_up():
    batches = []

    def commit(batch):
        batches.append(sorted(batch))
        return batch

    async def later(item, holds_up):
        for _ in range(10):
            await asyncio.sleep(0)
        return await group(item, holds_up=holds_up)

    group = GroupCommit(commit, lambda: 3)
    items = [(0, True), (1, True), (2, False), (3, True), (4, False)]
    async with asyncio.timeout(60):
        found = await asyncio.gather(group(0), *(later(*one) for one in items[1:]))
    assert found == [0, 1, 2, 3, 4]
    assert batches == [[0, 1, 2, 3, 4]]
    async with asyncio.timeout(60):  # nobody comes: it is committed all the same
        assert await asyncio.gather(group(5, holds_up=False), later(6, holds_up=False)) == [5, 6]
    assert batches[1:] == [[5, 6]]


async def test_what_a_relay_took_is_recorded_before_the_run_ends_however_late(
    store, clock, tmp_path
):
    """Its connection goes on meanwhile: an answer that fails to be written keeps no other mail."""
    stock.fill(store, clock.at, PEOPLE)
    refused, recorded = [], []

    class Failing(Store):
        accepted = 0

        @contextmanager
        def ledger(self):
            with super().ledger() as connection:
                yield connection
                taken = select(t.delivery.c.id).where(t.delivery.c.state == "accepted")
                number = len(connection.execute(taken).all())
                if number > self.accepted > 0 and len(refused) < 3:
                    refused.append(number)
                    raise StoreBusyError("not now")
                self.accepted = number

    failing = Failing(f"sqlite:///{store.path}")
    async with Sink() as sink:
        done = await drain(
            failing, stock.settings(tmp_path), clock, owner="o", recorded=recorded.append,
            relays=[sink.line(connections=4)],
        )  # fmt: skip
        again = await drain(failing, stock.settings(tmp_path), clock, owner="o", relays=[])
    failing.close()
    assert len(refused) == 3
    states = list(stock.states(store).values())
    assert states.count("accepted") == len(sink.received) == len(set(recipients(sink)))
    assert done.counts[S.ACCEPTED] == len(sink.received)
    assert [one.state for one in recorded].count(S.ACCEPTED) == len(sink.received)
    assert set(states) <= {"accepted", "deferred"}  # by our own store, before its body
    assert again.counts == {}
