"""A provider that wants this sender proven refuses all its readers: they wait, and it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.mail.classify import SmtpReply, SmtpStage, judge
from service.mail.drain import drain
from service.model import DeliveryKind, DeliveryState
from service.report import mailing
from service.report.mailing import NOTHING
from service.store.mailing.relays import sender_refusals
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import Clock

S = DeliveryState
MINUTE = timedelta(minutes=1)
REFUSAL = "550 5.7.515 Access denied, sending domain does not meet the required level"
THERE = [f"nguoi-{n}@outlook.com" for n in range(6)]
ELSEWHERE = [f"nguoi-{n}@example.vn" for n in range(6)]
MIXED = [one for pair in zip(THERE, ELSEWHERE, strict=True) for one in pair]


@pytest.fixture
def clock(now):
    return Clock(now)


def refusing(step):
    """Refuses those at the provider, in this step."""

    def script(at, who):
        return REFUSAL if at == step and "outlook.com" in who else None

    return script


def told(store, now):
    with store.read() as connection:
        _, troubles = mailing.reported(connection, now, NOTHING)
    return [one for one in troubles if one.key == "sender_refused"]


@pytest.mark.parametrize("step", ["rcpt", "body"])
async def test_its_readers_wait_while_others_get_their_mail_and_it_is_told(
    any_store, clock, tmp_path, step
):
    settings = stock.settings(tmp_path)
    made = stock.fill(any_store, clock.at, MIXED)
    stock.had_news_before(any_store, made, clock.at)
    assert told(any_store, clock.at) == []
    async with Sink(refusing(step)) as sink:
        line = sink.line(connections=1)
        done = await drain(any_store, settings, clock, owner="o", relays=[line])
        assert done.counts == {S.ACCEPTED: 6, S.DEFERRED: 6}
        assert not done.paused
        tried = [who for at, who in sink.steps if at == step and "outlook" in who]
        assert len(tried) == 3, "three of a domain show it; the others are not tried"
        [trouble] = told(any_store, clock.at)
        assert trouble.values["domains"] == "outlook.com"
        assert "5.7.515" in trouble.values["answer"]
        assert (trouble.values["waiting"], trouble.stops) == (6, False)

        again = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
        assert again.counts == {}
        for _ in range(5):  # more than any mail's own share of refusals
            clock.at += 17 * MINUTE
            done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
            assert (done.left, done.unsent) == ({S.DEFERRED: 6}, 0)
        assert any(stock.told_by(any_store, one) for one in made.deliveries[::2])

        sink.script = lambda _step, _who: None
        clock.at += 31 * MINUTE
        done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 6}
    assert told(any_store, clock.at) == []
    assert sorted(one.recipient for one in sink.received) == sorted(MIXED)


async def test_a_stranger_whose_server_says_so_makes_no_trouble(store, clock, tmp_path):
    """Anybody may sign up with an address whose server answers whatever he likes."""
    made = stock.fill(store, clock.at, ELSEWHERE[:1])
    letter = stock.add_letter(store, clock.at, made.subscriptions[0], DeliveryKind.CHANGE)

    def script(at, _who):
        first = len([step for step, _ in sink.steps if step == "rcpt"]) <= 1
        return REFUSAL if at == "rcpt" and first else None

    async with Sink(script) as sink:
        line = sink.line(connections=1)
        await drain(store, stock.settings(tmp_path), clock, owner="o", relays=[line])
    assert stock.states(store)[letter] == "deferred"
    assert told(store, clock.at) == []


@pytest.mark.parametrize(("code", "text", "about_sender"), [
    (550, "5.7.515 Access denied", True), (550, "5.7.509 Access denied, DMARC reject", True),
    (550, "5.7.26 This mail has been blocked because the sender is unauthenticated", True),
    (550, "5.7.25 no PTR record", True), (421, "4.7.26 unauthenticated, rate limited", True),
    (550, "5.7.30 DKIM did not pass", True), (550, "5.7.20 no passing DKIM", True),
    (550, "5.7.28 unusual rate of spam", False), (550, "5.7.1 policy", False),
    (550, "5.7.5150 x", False), (550, "5.1.1 nobody", False), (250, "2.7.26 taken", False),
    (550, "blah 5.7.515", False),
])  # fmt: skip
@pytest.mark.parametrize("stage", [SmtpStage.RCPT, SmtpStage.BODY])
def test_answers_that_want_the_sender_proven(stage, code, text, about_sender):
    reply = SmtpReply(stage, code, text)
    assert judge(reply).sender is about_sender
    if about_sender:
        assert sender_refusals.is_one(str(reply))
        assert sender_refusals.is_one(f"not tried, for others at its domain were put off: {reply}")
