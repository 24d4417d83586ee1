"""Whose fault it is decides who waits: what an address of somebody's choice does to the others."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import event, select, update

from service.mail.addresses import ascii_domain
from service.mail.batch import Supply
from service.mail.classify import SmtpReply, SmtpStage
from service.mail.domains import Domains
from service.mail.drain import drain
from service.mail.handover import Lost, Unreachable
from service.mail.relays import Line
from service.mail.retry_policy import conclude
from service.model import DeliveryKind, DeliveryState
from service.report.health import health
from service.report.mailing import Beside
from service.store import tables as t
from service.store.mailing import claims, outcomes
from service.store.mailing.due_mail import Lane
from service.store.mailing.outcomes import DeliveryOutcome
from service.store.mailing.relays import relay_states
from service.store.mailing.relays.relay_states import NOT_TRIED
from tests import levels
from tests.mail import stock
from tests.mail.relays import DROP, QUICK, SILENCE, Sink
from tests.mail.test_drain import MINUTE, PEOPLE, Clock, recipients

S = DeliveryState
STRANGERS = [f"la@xau-{n:02}.example" for n in range(12)]


@pytest.fixture
def clock(now):
    return Clock(now)


def waits(store):
    """Address -> state and when it is tried next."""
    with store.read() as connection:
        rows = connection.execute(
            select(t.subscriber.c.address, t.delivery.c.state, t.delivery.c.next_try_at,
                   t.delivery.c.reply)
            .join(t.subscription, t.subscription.c.id == t.delivery.c.subscription_id)
            .join(t.subscriber, t.subscriber.c.id == t.subscription.c.subscriber_id)
        )  # fmt: skip
        return {row.address: row for row in rows}


def to(who):
    return who.removeprefix("TO:<").removesuffix(">")


def refusing(addresses, answer, at="rcpt"):
    return lambda step, who: answer if step == at and to(who) in addresses else None


# -- the domain ------------------------------------------------------------------------------------


async def test_several_strangers_of_one_domain_hold_up_its_strangers_and_no_reader(
    any_store, clock, tmp_path
):
    large = [f"la-{n:02}@lon.example" for n in range(10)]
    made = stock.fill(any_store, clock.at, ["ban-doc@lon.example", *PEOPLE])
    stock.had_news_before(any_store, made, clock.at)
    stock.ask_to_confirm(any_store, clock.at, [*large, "nguoi@khac.example"], made.digest)
    answer = "450 4.1.1 <somebody@lon.example> try later"
    async with Sink(refusing(large, answer)) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(
            any_store, settings, clock, owner="o", relays=[sink.line(connections=1)],
            random=iter(n / 100 for n in range(99)).__next__,
        )  # fmt: skip
    asked = [to(who) for step, who in sink.steps if step == "rcpt"]
    assert done.counts == {S.ACCEPTED: 14, S.DEFERRED: 10}
    assert recipients(sink) == sorted(["ban-doc@lon.example", "nguoi@khac.example", *PEOPLE])
    assert [one for one in asked if one in large] == large[:3]  # the other seven are not tried
    found = waits(any_store)
    held = [found[one] for one in large[3:]]
    assert all(one.reply.startswith("not tried, for others at its domain") for one in held)
    times = [found[one].next_try_at - clock.at for one in large]
    assert all(MINUTE * 3 / 4 < wait <= MINUTE for wait in times)
    assert len(set(times)) == len(times)  # with jitter: they do not come back together


async def test_readers_of_a_domain_that_puts_them_off_hold_up_all_of_it(store, clock, tmp_path):
    readers = [f"ban-doc-{n:02}@lon.example" for n in range(6)]
    made = stock.fill(store, clock.at, [*readers, *PEOPLE])
    stock.had_news_before(store, made, clock.at)
    async with Sink(refusing(readers, "451 4.3.0 too much mail from you")) as sink:
        settings = stock.settings(tmp_path)
        lines = [sink.line(connections=1)]
        done = await drain(store, settings, clock, owner="o", relays=lines)
        asked = [to(who) for step, who in sink.steps if step == "rcpt"]
        assert asked[:4] == [*readers[:3], PEOPLE[0]]
        assert done.counts == {S.ACCEPTED: 12, S.DEFERRED: 6}
        assert recipients(sink) == PEOPLE
        sink.script = lambda _s, _w: None
        clock.at += MINUTE
        done = await drain(store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 6}


def test_a_domain_that_takes_one_is_held_against_nobody(now):
    def met(code, text="x"):
        reply = SmtpReply(SmtpStage.BODY if code == 250 else SmtpStage.RCPT, code, text)
        return conclude(reply, 1, 0, "chinh", now, proven=True, luck=0.0)

    domains = Domains()
    for number in range(2):
        domains.note(f"a{number}@bộ.vn", met(450), reader=False)
    assert domains.hold("ai@bộ.vn", reader=False) is None
    domains.note(
        f"a9@{ascii_domain('bộ.vn').upper()}", met(450, "the third"), reader=False
    )  # the same domain
    assert domains.hold("ai@bộ.vn", reader=False) == "rcpt: 450 the third"
    assert domains.hold("ai@bộ.vn", reader=True) is None
    assert domains.hold("ai@khac.vn", reader=False) is None
    assert domains.hold(None, reader=False) is None
    domains.note("ban-doc@bộ.vn", met(250), reader=True)
    assert domains.hold("ai@bộ.vn", reader=False) == "rcpt: 450 the third"
    domains.note("tot@bộ.vn", met(250), reader=False)
    assert domains.hold("ai@bộ.vn", reader=False) is None
    for _ in range(9):
        domains.note("a@bộ.vn", met(550, "5.1.1 no such user"), reader=True)  # a final answer
    assert domains.hold("ai@bộ.vn", reader=True) is None


# -- whatever a visitor signs up with --------------------------------------------------------------

ANSWERS = {
    "450 at RCPT": ("rcpt", "450 4.1.2 domain not found"),
    "452 full at RCPT": ("rcpt", "452 4.2.2 mailbox full"),
    "greylisted": ("rcpt", "451 4.7.1 greylisted, come back in five minutes"),
    "552 at RCPT": ("rcpt", "552 5.2.2 mailbox full"),
    "550 unknown": ("rcpt", "550 5.1.1 no such user"),
    "5.7.1 at RCPT": ("rcpt", "554 5.7.1 relay access denied"),
    "530 at RCPT": ("rcpt", "530 5.7.0 authentication required"),
    "421 at RCPT": ("rcpt", "421 4.7.0 closing"),
    "closed at RCPT": ("rcpt", DROP),
    "nonsense at RCPT": ("rcpt", "777 what"),
    "silence at RCPT": ("rcpt", SILENCE),
    "451 at DATA": ("data", "451 4.3.0 queue file write error"),
    "closed at DATA": ("data", DROP),
    "451 after the body": ("body", "451 4.7.1 greylisted"),
    "552 after the body": ("body", "552 5.3.4 too big"),
    "5.7.1 after the body": ("body", "550 5.7.1 policy"),
    "421 after the body": ("body", "421 4.3.2 closing"),
    "closed after the body": ("body", DROP),
}


TRIED = [
    (one, connections)
    for one in levels.sample(ANSWERS, 3)
    for connections in levels.each((1, 4), of=one)
]


@pytest.mark.sampled
@pytest.mark.parametrize(("answer", "connections"), TRIED)
async def test_sign_ups_that_stand_first_leave_every_edition_its_turn(
    store, clock, tmp_path, answer, connections
):
    step, said = ANSWERS[answer]
    made = stock.fill(store, clock.at, PEOPLE)
    strangers = STRANGERS[:4] if said == SILENCE else STRANGERS
    stock.ask_to_confirm(store, clock.at, strangers, made.digest)
    async with Sink(refusing(strangers, said, step)) as sink:
        settings = stock.settings(tmp_path)
        patience = replace(QUICK, first=2.0 if said == SILENCE else 30.0, command=30.0)
        for _ in range(6):  # as the ticks do: where a line rests, the next run goes on
            lines = [sink.line(connections=connections, timeouts=patience)]
            await drain(store, settings, clock, owner="o", relays=lines)
    states = stock.states(store)
    assert {states[one] for one in made.deliveries} == {"accepted"}
    assert recipients(sink) == PEOPLE
    begun = [to(who) for at, who in sink.steps if at == "rcpt"]
    behind = begun.index(PEOPLE[-1])
    assert len([one for one in begun[:behind] if one in STRANGERS]) <= len(PEOPLE)


# -- places ----------------------------------------------------------------------------------------


async def test_strangers_whose_server_says_nothing_take_half_of_the_places(store, clock, tmp_path):
    """Each stranger would keep his place for a minute; the editions do not wait for one of them."""
    made = stock.fill(store, clock.at, PEOPLE)
    stock.ask_to_confirm(store, clock.at, STRANGERS, made.digest)
    done = asyncio.Event()

    def script(step, who):
        if step == "after" and len(sink.received) == len(PEOPLE):
            done.set()
        return SILENCE if step == "rcpt" and to(who) in STRANGERS else None

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        patient = replace(QUICK, first=60.0, command=60.0)
        lines = [sink.line(connections=4, timeouts=patient)]
        running = asyncio.create_task(drain(store, settings, clock, owner="o", relays=lines))
        await asyncio.wait_for(done.wait(), 40)
        begun = {to(who) for step, who in sink.steps if step == "rcpt"}
        assert len(begun & set(STRANGERS)) == 2
        running.cancel()
        await asyncio.wait([running])
    assert recipients(sink) == PEOPLE


async def test_an_edition_that_is_cut_while_a_letter_waits_for_its_answer_does_not_wait(
    store, clock, tmp_path
):
    """The run has one message in hand, the only channel there is until the relay is proven."""
    early = stock.fill(store, clock.at, ["som@example.vn"], digest="ngay", scope="review")
    with store.ledger() as connection:
        connection.execute(update(t.delivery).values(state="accepted"))
    stock.ask_to_confirm(store, clock.at, STRANGERS[:1], early.digest)
    stop = asyncio.Event()

    def script(step, who):
        if step == "rcpt" and to(who) in STRANGERS:
            stock.fill(store, clock.at, PEOPLE[:3])  # the cut comes now
            return SILENCE
        if step == "after" and len(sink.received) == 3:
            stop.set()
        return None

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        patient = replace(QUICK, first=60.0, command=60.0)
        lines = [sink.line(connections=2, timeouts=patient)]
        running = asyncio.create_task(
            drain(store, settings, clock, owner="o", relays=lines, stop=stop)
        )
        await asyncio.wait_for(stop.wait(), 30)  # before the stranger's minute is over
        assert recipients(sink) == PEOPLE[:3]
        running.cancel()
        await asyncio.wait([running])


async def test_a_slow_answer_to_a_recipient_defers_that_delivery_alone(store, clock, tmp_path):
    made = stock.fill(store, clock.at, PEOPLE[:4])
    async with Sink(refusing(PEOPLE[:1], SILENCE)) as sink:
        settings = stock.settings(tmp_path)
        hasty = [sink.line(connections=1, timeouts=replace(QUICK, first=2.0))]
        done = await drain(store, settings, clock, owner="o", relays=hasty)
    assert done.counts == {S.ACCEPTED: 3, S.DEFERRED: 1}
    assert stock.states(store)[made.deliveries[0]] == "deferred"
    assert done.paused == {}


async def test_what_was_tried_before_may_take_its_time(store, clock, tmp_path):
    """A relay that asks the recipient's server first needs its five minutes now and then."""
    made = stock.fill(store, clock.at, PEOPLE[:2])
    script = refusing(PEOPLE[:1], "450 4.7.1 greylisted")
    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        await drain(store, settings, clock, owner="o", relays=[sink.line()])
        sink.script = refusing(PEOPLE[:1], SILENCE)
        clock.at += MINUTE
        patient = [sink.line(timeouts=replace(QUICK, first=0.1, command=1.0))]
        began = asyncio.get_running_loop().time()
        await drain(store, settings, clock, owner="o", relays=patient)
        assert asyncio.get_running_loop().time() - began >= 1.0
    assert stock.states(store)[made.deliveries[0]] == "deferred"


# -- turns and time --------------------------------------------------------------------------------


class Ticks:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


async def order_of(supply, ticks, takes, *, seconds, aside=lambda: True):
    """Which lane each of so many takes came from, where a lane's message takes so long."""
    lanes = []
    for _ in range(takes):
        one = await supply.take(one=False, aside=aside)
        if one is None:
            break
        lanes.append(one.lane)
        with supply.spending(one.lane):
            ticks.at += seconds[one.lane]
    return lanes


async def test_letters_go_first_but_take_no_more_than_every_other_turn(any_store, now):
    made = stock.fill(any_store, now, PEOPLE)
    stock.ask_to_confirm(any_store, now, STRANGERS, made.digest)
    ticks = Ticks()
    supply = Supply(any_store, lambda: now, "o", None, ticks)
    quick = {Lane.TRANSACTIONAL: 0.01, Lane.NEWS: 1.0}
    lanes = await order_of(supply, ticks, 12, seconds=quick)
    assert lanes == [Lane.TRANSACTIONAL, Lane.NEWS] * 6


async def test_a_slow_letter_is_paid_for_with_time(store, now):
    made = stock.fill(store, now, PEOPLE)
    stock.ask_to_confirm(store, now, STRANGERS, made.digest)
    ticks = Ticks()
    supply = Supply(store, lambda: now, "o", None, ticks)
    slow = {Lane.TRANSACTIONAL: 5.0, Lane.NEWS: 1.0}
    lanes = await order_of(supply, ticks, 12, seconds=slow)
    assert lanes == [Lane.TRANSACTIONAL, *[Lane.NEWS] * 5, Lane.TRANSACTIONAL, *[Lane.NEWS] * 5]


async def test_letters_alone_take_all_turns_and_owe_nothing_afterwards(store, now):
    made = stock.fill(store, now, PEOPLE[:1])
    stock.ask_to_confirm(store, now, STRANGERS, made.digest)
    ticks = Ticks()
    supply = Supply(store, lambda: now, "o", None, ticks)
    lanes = await order_of(supply, ticks, 9, seconds={Lane.TRANSACTIONAL: 60.0, Lane.NEWS: 1.0})
    assert lanes == [Lane.TRANSACTIONAL, Lane.NEWS, *[Lane.TRANSACTIONAL] * 7]


async def test_a_place_for_editions_is_given_to_no_letter(store, now):
    made = stock.fill(store, now, PEOPLE[:2])
    stock.ask_to_confirm(store, now, STRANGERS, made.digest)
    ticks = Ticks()
    supply = Supply(store, lambda: now, "o", None, ticks)
    lanes = await order_of(
        supply, ticks, 9, seconds={Lane.NEWS: 1.0, Lane.TRANSACTIONAL: 1.0}, aside=lambda: False
    )
    assert lanes == [Lane.NEWS] * 2  # then the place stays empty


async def test_a_place_for_editions_is_given_to_nothing_that_was_tried_before(store, now):
    [one] = stock.fill(store, now, PEOPLE[:1]).deliveries
    with store.ledger() as connection:
        claims.claim(connection, "one", now, 9)
        late = DeliveryOutcome(one, S.DEFERRED, "chinh", "rcpt: 450 later", now + MINUTE)
        outcomes.settle(connection, "one", now, [late])
    supply = Supply(store, lambda: now + MINUTE, "o", None, Ticks())
    assert await supply.take(one=False, aside=lambda: False) is None
    found = await supply.take(one=False, aside=lambda: True)
    assert (found.id, found.lane) == (one, Lane.AGAIN)


async def test_a_letter_that_comes_during_an_edition_goes_first_within_a_batch(store, now):
    ticks = Ticks()
    made = stock.fill(store, now, [f"nguoi-{n:03}@example.vn" for n in range(60)])
    supply = Supply(store, lambda: now, "o", None, ticks)
    seconds = {Lane.NEWS: 0.1, Lane.TRANSACTIONAL: 0.1}
    await order_of(supply, ticks, 1, seconds=seconds)
    stock.ask_to_confirm(store, now, STRANGERS[:1], made.digest)
    lanes = await order_of(supply, ticks, 25, seconds=seconds)
    assert Lane.TRANSACTIONAL in lanes


async def test_of_channels_that_end_together_one_looks_for_those_who_wait(any_store, now):
    """And who asks later looks for itself: mail may have come by then."""
    asked = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith("SELECT 0, 0"):
            asked.append(statement)

    supply = Supply(any_store, lambda: now, "o", None, Ticks())

    async def take():
        return await supply.take(one=False, aside=lambda: True)

    event.listen(any_store._ledger, "before_cursor_execute", note)
    assert await asyncio.gather(*(take() for _ in range(9))) == [None] * 9
    assert len(asked) == 2, "for the first, and for all who asked while it looked"
    made = stock.fill(any_store, now, PEOPLE[:1])
    found = await asyncio.gather(take(), take())
    event.remove(any_store._ledger, "before_cursor_execute", note)
    assert [one and one.id for one in found] == [*made.deliveries, None]
    supply.put_back(found[0])
    assert (await take()).id == made.deliveries[0]


async def test_as_many_are_claimed_as_go_out_in_a_second(store, now):
    """A claim costs the same for twenty as for a hundred; who dies holds up no more than that."""
    ticks = Ticks()
    stock.fill(store, now, [f"nguoi-{n:03}@example.vn" for n in range(100)])
    supply = Supply(store, lambda: now, "o", None, ticks)
    in_hand = []
    for seconds in (0.0, *[0.025] * 20, *[0.1] * 40):
        ticks.at += seconds
        assert await supply.take(one=False, aside=lambda: True) is not None
        in_hand.append(supply.number + 1)
    assert [in_hand[0], in_hand[20], in_hand[60]] == [20, 40, 20]


def test_what_was_tried_itself_queues_behind_all_others_and_letters_last(any_store, now):
    made = stock.fill(any_store, now, PEOPLE[:3])
    transactional = stock.ask_to_confirm(any_store, now, STRANGERS[:2], made.digest)
    tried = [transactional[0], made.deliveries[0]]
    with any_store.ledger() as connection:
        claims.claim(connection, "one", now, 9)
        for one in tried:
            late = DeliveryOutcome(one, S.DEFERRED, "chinh", "rcpt: 450 later", now + MINUTE)
            outcomes.settle(connection, "one", now, [late])
        claims.unclaim(connection, "one", [*transactional, *made.deliveries])
    later = now + MINUTE
    with any_store.ledger() as connection:
        found = claims.claim(connection, "two", later, 9).claimed
    assert [(one.id, one.lane) for one in found] == [
        (transactional[1], Lane.TRANSACTIONAL),
        (made.deliveries[1], Lane.NEWS),
        (made.deliveries[2], Lane.NEWS),
        (made.deliveries[0], Lane.AGAIN),
        (transactional[0], Lane.AGAIN),
    ]


def test_what_only_waited_for_the_relay_keeps_its_place(any_store, now):
    made = stock.fill(any_store, now, PEOPLE[:1])
    transactional = stock.ask_to_confirm(any_store, now, STRANGERS[:1], made.digest)
    with any_store.ledger() as connection:
        assert outcomes.postpone(connection, now, now + MINUTE, "535 no") == 2
        found = claims.claim(connection, "two", now + MINUTE, 9).claimed
    assert [(one.id, one.lane) for one in found] == [
        (transactional[0], Lane.TRANSACTIONAL),
        (made.deliveries[0], Lane.NEWS),
    ]


def test_only_news_that_was_taken_makes_a_witness(any_store, now):
    made = stock.fill(any_store, now, PEOPLE[:2])
    for number, subscription in enumerate(made.subscriptions):
        letter = stock.add_letter(
            any_store, now, subscription, DeliveryKind.CHANGE, f"{number:032}"
        )
        with any_store.ledger() as connection:
            wanted = t.delivery.c.id == letter
            connection.execute(update(t.delivery).where(wanted).values(state="accepted"))
    with any_store.ledger() as connection:
        found = claims.claim(connection, "one", now, 9).claimed
        assert [one.known for one in found] == [False, False]
        claims.unclaim(connection, "one", made.deliveries)
    stock.had_news_before(any_store, made, now)
    with any_store.ledger() as connection:
        found = claims.claim(connection, "one", now, 9).claimed
    assert [one.known for one in found] == [True, True]


# -- the relay's own fault -------------------------------------------------------------------------


def line_of(channels=4):
    return Line("chinh", channels, lambda: None)


def noted(line, now, *results, witness=False):
    for result in results:
        met = conclude(result, 1, 0, "chinh", now, proven=line.proven, luck=0.0)
        line.note(met, now, witness=witness)
    return line


TAKEN = SmtpReply(SmtpStage.BODY, 250, "2.0.0 ok")
LATER = SmtpReply(SmtpStage.MAIL, 451, "4.3.0 later")
HANGS_UP = Lost(SmtpStage.BODY, "reset")
REFUSED = SmtpReply(SmtpStage.RCPT, 554, "5.7.1 relay access denied")


@pytest.mark.parametrize("strike", [LATER, HANGS_UP])
def test_five_strikes_in_a_row_are_an_outage_and_a_success_forgets_them(now, strike):
    line = noted(line_of(), now, *[strike] * 4)
    assert line.usable
    noted(line, now, TAKEN, *[strike] * 4)
    assert line.usable
    noted(line, now, strike)
    assert (line.usable, line.retry_at) == (False, now + MINUTE)


def test_a_success_forgets_doubts(now):
    line = noted(line_of(), now, TAKEN, REFUSED, REFUSED, TAKEN, REFUSED, REFUSED)
    assert line.usable
    noted(line, now, REFUSED)
    assert (line.usable, line.retry_at) == (False, None)
    line.wake()
    assert line.usable
    noted(line, now, REFUSED, REFUSED, witness=True)
    assert line.usable  # of what it rested for nothing is left


@pytest.mark.parametrize("answer", ["421 4.7.0 too much from you", DROP])
async def test_what_strangers_do_to_a_line_is_not_noted_as_the_relays_failure(
    store, clock, tmp_path, answer
):
    made = stock.fill(store, clock.at, PEOPLE[:2])
    stock.ask_to_confirm(store, clock.at, STRANGERS[:4], made.digest)
    async with Sink(refusing([*STRANGERS, *PEOPLE], answer)) as sink:
        lines = [sink.line(connections=1)]
        settings = stock.settings(tmp_path)
        await drain(store, settings, clock, owner="o", relays=lines)
    assert not lines[0].usable
    assert lines[0].retry_at is None
    with store.read() as connection:
        assert relay_states.states(connection, ["chinh"]) == []
        assert health(connection, clock.at, Beside(["chinh"])).troubles == ()


async def test_what_readers_met_is_noted_as_the_relays_failure(store, clock, tmp_path):
    made = stock.fill(store, clock.at, PEOPLE[:4])
    stock.had_news_before(store, made, clock.at)
    async with Sink(refusing(PEOPLE, "554 5.7.1 relay access denied")) as sink:
        settings = stock.settings(tmp_path)
        await drain(store, settings, clock, owner="o", relays=[sink.line(connections=1)])
    with store.read() as connection:
        [noted] = relay_states.states(connection, ["chinh"])
        [told] = health(connection, clock.at, Beside(["chinh"])).troubles
    assert noted.answer == "rcpt: 554 5.7.1 relay access denied"
    assert (told.values["waiting"], told.stops) == (4, True)


def test_what_is_about_one_mail_is_known_by_how_its_answer_begins():
    behind = list(SmtpStage)[list(SmtpStage).index(SmtpStage.MAIL) + 1 :]
    assert (*(f"{stage}: " for stage in behind), NOT_TRIED) == relay_states.ABOUT_ITSELF


def test_everybody_waits_only_where_each_in_the_row_had_news_before(now):
    line = noted(line_of(), now, REFUSED, REFUSED, witness=True)
    noted(line, now, REFUSED, witness=False)
    assert (line.usable, line.retry_at) == (False, None)
    sure = noted(line_of(), now, *[REFUSED] * 3, witness=True)
    assert (sure.usable, sure.retry_at, sure.ours) == (False, now + 15 * MINUTE, True)
    sure.wake()
    assert not sure.usable  # what everybody waits for is not woken


def test_no_number_of_addresses_that_wait_stops_a_relay(now):
    answers = [
        SmtpReply(SmtpStage.RCPT, 450, "4.1.2 not found"),
        SmtpReply(SmtpStage.BODY, 451, "4.7.1 greylisted"),
        Lost(SmtpStage.RCPT, "nothing came", slow=True),
        SmtpReply(SmtpStage.RCPT, 550, "5.1.1 unknown"),
        SmtpReply(SmtpStage.BODY, 552, "5.3.4 too big"),
    ]
    line = noted(line_of(), now, TAKEN, *answers * 40, witness=True)
    assert (line.usable, line.proven, line.wanted) == (True, True, 4)


def test_after_losing_its_proof_one_channel_goes_on(now):
    line = line_of()
    assert line.wanted == 1
    noted(line, now, TAKEN)
    assert line.wanted == 4
    noted(line, now, REFUSED, REFUSED)
    assert line.wanted == 1
    noted(line, now, TAKEN)
    assert line.wanted == 4
    noted(line, now, SmtpReply(SmtpStage.MAIL, 550, "5.7.1 not from you"))
    assert (line.usable, line.wanted) == (True, 1)
    noted(line, now, Unreachable("down", ours=False))
    assert line.wanted == 0


async def test_a_run_that_loses_its_proof_goes_on_over_one_connection(store, clock, tmp_path):
    people = [f"nguoi-{n:02}@example.vn" for n in range(40)]
    stock.fill(store, clock.at, people)
    refusals, busy, together = [], set(), []

    def script(step, who):
        if step == "mail" and len(sink.received) >= 8 and not refusals:
            refusals.append(who)
            return "550 5.7.1 not from you"
        if step == "rcpt":
            busy.add(to(who))
        if step == "body":
            together.append((len(refusals), len(busy)))
            busy.discard(who)
            # From the refusal on nothing is taken, so that the line stays without its proof.
            return "451 4.3.0 later" if refusals else None
        return None

    async with Sink(script) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(store, settings, clock, owner="o", relays=[sink.line(connections=4)])
    assert done.counts[S.ACCEPTED] < 20
    assert len(together) == 39
    # What was in flight when it happened is finished; then one after the other.
    assert {wide for refused, wide in together[-20:] if refused} == {1}
