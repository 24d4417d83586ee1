"""What one provider refuses or slows down rests that provider, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.mail.classify import SmtpReply, SmtpStage
from service.mail.domains import Domains, destination_of
from service.mail.drain import drain
from service.mail.relays import Line
from service.mail.retry_policy import conclude
from service.model import DeliveryState
from service.report import mailing
from service.report.mailing import NOTHING
from service.store import tables as t
from service.store.mailing.relays.slow_domains import SlowDomain
from tests.levels import table
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import Clock

S = DeliveryState
MINUTE = timedelta(minutes=1)
THERE = [f"nguoi-{n}@{domain}" for n in range(4) for domain in ("outlook.com", "hotmail.com")]
ELSEWHERE = [f"nguoi-{n}@{n}.example.vn" for n in range(8)]
MIXED = [one for pair in zip(THERE, ELSEWHERE, strict=True) for one in pair]
POLICY = "550 5.7.1 our policy"
"""Of nobody's name: a rule that does not want the sender proven."""


@pytest.fixture
def clock(now):
    return Clock(now)


def at_provider(who):
    return "outlook.com" in who or "hotmail.com" in who


def refusing(step, answer, whom=at_provider):
    return lambda at, who: answer if at == step and whom(who) else None


def fill(store, clock, addresses):
    made = stock.fill(store, clock.at, addresses)
    stock.had_news_before(store, made, clock.at)
    return made


def resting(store, now):
    """Trouble that names a destination: name -> its answer."""
    with store.read() as connection:
        _, troubles = mailing.reported(connection, now, NOTHING)
    return {
        one.values["destination"]: one.values["answer"]
        for one in troubles
        if one.key == "destination"
    }


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("rcpt", POLICY), ("body", POLICY), ("rcpt", "421 4.7.28 too much from you"),
        ("body", "421 4.7.0 later"), ("body", "451 4.7.1 later"), ("rcpt", "450 4.7.1 slow down"),
    ],
)  # fmt: skip
async def test_three_in_a_row_at_one_provider_rest_it_and_others_go_on(
    store, clock, tmp_path, step, answer
):
    fill(store, clock, THERE + ELSEWHERE)  # the provider's stand first
    async with Sink(refusing(step, answer)) as sink:
        line = sink.line(connections=1)
        settings = stock.settings(tmp_path)
        done = await drain(store, settings, clock, owner="o", relays=[line])
    tried = [who for at, who in sink.steps if at == step and at_provider(who)]
    assert len(tried) == 3, "all domains of one provider are one destination"
    assert sorted(one.recipient for one in sink.received) == sorted(ELSEWHERE)
    assert done.counts == {S.ACCEPTED: 8, S.DEFERRED: 8}
    assert (line.usable, done.paused) == (True, {})
    assert list(done.resting) == ["outlook.com"]
    assert answer in resting(store, clock.at)["outlook.com"]


async def test_a_provider_that_refuses_us_is_asked_by_one_mail_a_quarter_and_loses_none(
    any_store, clock, tmp_path
):
    settings = stock.settings(tmp_path)
    made = fill(any_store, clock, MIXED)
    async with Sink(refusing("rcpt", POLICY)) as sink:
        await drain(any_store, settings, clock, owner="o", relays=[sink.line(connections=1)])
        tried = len([at for at, who in sink.steps if at == "rcpt" and at_provider(who)])
        for quarter in range(1, 5):  # more than a mail's own share of refusals
            clock.at += 16 * MINUTE
            done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
            assert (done.left, done.unsent) == ({S.DEFERRED: 8}, 0)
            asked = len([at for at, who in sink.steps if at == "rcpt" and at_provider(who)])
            assert asked == tried + quarter
        assert all(stock.told_by(any_store, one) for one in made.deliveries)
        sink.script = lambda _step, _who: None
        clock.at += 31 * MINUTE
        done = await drain(any_store, settings, clock, owner="o", relays=[sink.line()])
    assert done.counts == {S.ACCEPTED: 8}
    assert (resting(any_store, clock.at), done.resting) == ({}, {})
    assert sorted(one.recipient for one in sink.received) == sorted(MIXED)


async def test_what_is_refused_everywhere_is_the_relays_refusal(store, clock, tmp_path):
    fill(store, clock, ELSEWHERE)
    async with Sink(lambda at, _: POLICY if at == "rcpt" else None) as sink:
        settings = stock.settings(tmp_path)
        done = await drain(store, settings, clock, owner="o", relays=[sink.line(connections=1)])
    assert list(done.paused) == ["chinh"]
    assert len([at for at, _ in sink.steps if at == "rcpt"]) == 3
    assert done.left == {S.DEFERRED: 8}


async def test_one_rate_holds_for_all_domains_of_a_provider(store, clock, tmp_path):
    people = [f"nguoi-{n}@{domain}" for n in range(3) for domain in ("gmail.com", "googlemail.com")]
    fill(store, clock, [*people, *ELSEWHERE])
    settings = stock.settings(tmp_path, rates={"googlemail.com": "1/m", "gmail.com": "6/m"})
    async with Sink() as sink:
        done = await drain(store, settings, clock, owner="o", relays=[sink.line(connections=1)])
    assert done.counts[S.ACCEPTED] == 1 + len(ELSEWHERE)
    with store.read() as connection:
        names = set(connection.scalars(select(t.mail_rate.c.name)))
    assert names == {"@gmail.com"}


@table(("address", "destination"), [
    ("a@GoogleMail.com", "gmail.com"), ("a@hotmail.co.uk", "outlook.com"),
    ("a@live.fr", "outlook.com"),
    ("a@ymail.com", "yahoo.com"), ("a@yahoo.com.vn", "yahoo.com"), ("a@bộ.vn", "xn--b-8xm.vn"),
    ("a@gmail.com.vn", "gmail.com.vn"), ("a@live.edu.vn", "live.edu.vn"), (None, ""),
])  # fmt: skip
def test_domains_of_a_large_provider_are_one_destination(address, destination):
    assert destination_of(address) == destination


def noted(line, now, *met, code=550, text="5.7.1 policy"):
    """`met`: destination, and whether it rests by now."""
    for destination, rests in met:
        reply = SmtpReply(SmtpStage.RCPT, code, text)
        found = conclude(reply, 1, 0, "chinh", now, proven=line.proven, luck=0.0)
        assert found.of_destination
        line.note(found, now, witness=True, destination=destination, rests=rests)
    return line


def test_what_a_resting_destination_explains_is_held_against_no_relay(now):
    a, b = ("a.vn", False), ("b.vn", False)
    line = noted(Line("chinh", 4, lambda: None), now, a, a, ("a.vn", True), b, b)
    assert (line.usable, line.wanted) == (True, 1)
    noted(line, now, ("b.vn", True), a, b)
    assert line.usable
    noted(line, now, ("c.vn", False))
    assert (line.usable, line.retry_at) == (False, now + 15 * MINUTE)


def test_a_destination_that_was_held_is_held_again_by_one_and_free_when_it_takes_one(now):
    def met(code, text):
        stage = SmtpStage.BODY if code == 250 else SmtpStage.RCPT
        reply = SmtpReply(stage, code, text)
        return conclude(reply, 1, 0, "chinh", now, proven=True, luck=0.0)

    domains = Domains()
    domains.heard([SlowDomain("gmail.com", True, "rcpt: 550 5.7.1 x", held=False)])
    assert domains.hold("a@gmail.com", reader=True) is None
    assert domains.refuses("a@googlemail.com", reader=True)
    slow = domains.note("a@googlemail.com", met(550, "5.7.1 y"), reader=True)
    assert (slow.domain, slow.for_readers, slow.lasts) == ("gmail.com", True, 15 * MINUTE)
    assert domains.hold("b@gmail.com", reader=True) == "rcpt: 550 5.7.1 y"
    assert domains.note("a@gmail.com", met(250, "ok"), reader=True) == "gmail.com"
    assert domains.hold("b@gmail.com", reader=True) is None
    assert not domains.refuses("b@gmail.com", reader=True)
    # A stranger's refusal says nothing to readers.
    domains.heard([SlowDomain("gmail.com", False, "rcpt: 550 5.7.1 x", held=False)])
    slow = domains.note("la@gmail.com", met(450, "4.7.1 y"), reader=False)
    assert (slow.for_readers, slow.lasts) == (False, timedelta(seconds=40))
    assert domains.hold("b@gmail.com", reader=True) is None
