"""What a relay's words mean, and what follows from them. Tables of values."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.mail.classify import Judgement, SmtpReply, SmtpStage, Verdict, judge
from service.mail.handover import GateClosed, Lost, NotNoted, Unfit, Unreachable
from service.mail.retry_policy import Effect, conclude, wait_after
from service.model import DeliveryState
from tests.levels import table

S = DeliveryState

TABLE = [
    ("body", 250, "2.0.0 Ok: queued as 4F", "accepted"),
    ("body", 250, "OK", "accepted"),
    ("body", 252, "whatever", "accepted"),
    ("rcpt", 450, "4.2.0 greylisted", "wait"),
    ("rcpt", 452, "4.2.2 over quota", "wait"),
    ("mail", 421, "4.7.0 too many messages", "wait"),
    ("body", 451, "4.3.0 try later", "wait"),
    ("body", 454, "4.7.1 policy, later", "wait"),
    ("data", 250, "odd", "wait"),
    ("rcpt", 550, "5.1.1 no such user", "dead"),
    ("rcpt", 550, "5.1.10 null mx", "dead"),
    ("rcpt", 550, "5.1.2 no such domain", "dead"),
    ("body", 550, "5.1.1 no such user, said late", "dead"),
    ("rcpt", 550, "no such user", "address"),
    ("rcpt", 553, "bad mailbox name", "address"),
    ("rcpt", 550, "5.2.1 disabled", "address"),
    ("rcpt", 552, "5.2.2 mailbox full", "wait"),
    ("rcpt", 554, "5.4.14 loop", "address"),
    ("rcpt", 550, "5.7.1 relaying denied", "ours"),
    ("rcpt", 554, "5.7.1 <x>: Relay access denied", "ours"),
    ("rcpt", 550, "Relaying not allowed", "ours"),
    ("rcpt", 550, "we are unauthorised to relay here", "ours"),
    ("rcpt", 530, "5.7.0 Must issue a STARTTLS command first", "ours"),
    ("mail", 530, "Authentication required", "ours"),
    ("mail", 550, "Authentication is required for relay", "ours"),
    ("connect", 535, "5.7.8 bad credentials", "ours"),
    ("connect", 535, "no", "ours"),
    ("connect", 554, "no SMTP service here", "ours"),
    ("mail", 550, "5.1.8 sender address rejected: domain not found", "ours"),
    ("mail", 553, "5.1.7 bad sender", "ours"),
    ("mail", 550, "sender unknown", "ours"),
    ("mail", 552, "5.3.4 message too big", "content"),
    ("mail", 552, "too big", "content"),
    ("rcpt", 503, "5.5.1 need MAIL", "ours"),
    ("data", 503, "bad sequence", "ours"),
    ("data", 554, "5.5.1 no valid recipients", "ours"),
    ("body", 550, "5.7.515 access denied, authentication level", "ours"),
    ("body", 554, "5.7.1 message looks like spam", "ours"),
    ("body", 554, "spam", "content"),
    ("body", 552, "5.3.4 too large", "content"),
    ("body", 550, "5.6.0 bad content", "content"),
    ("data", 554, "no", "content"),
]


@table(("stage", "code", "text", "verdict"), TABLE)
def test_the_verdict_on_an_answer(stage, code, text, verdict):
    expected = (
        Judgement(Verdict.ADDRESS, dead=True) if verdict == "dead" else Judgement(Verdict(verdict))
    )
    found = judge(SmtpReply(SmtpStage(stage), code, text))
    assert (found.verdict, found.dead) == (expected.verdict, expected.dead)


def test_every_code_at_every_stage_has_a_verdict():
    for stage in SmtpStage:
        for code in (-1, 0, *range(100, 700)):
            judge(SmtpReply(stage, code, "5.9.9 x"))
            judge(SmtpReply(stage, code, ""))


def test_an_answer_is_shown_on_one_line():
    assert str(SmtpReply(SmtpStage.RCPT, 550, "5.1.1 no\n5.1.1 really\r\nno")) == (
        "rcpt: 550 5.1.1 no 5.1.1 really no"
    )


def concluded(result, now, tries=0, proven=False, luck=0.0):
    return conclude(result, 7, tries, "chinh", now, proven=proven, luck=luck)


def test_what_each_end_of_a_handover_comes_to(now):
    minute = timedelta(minutes=1)
    taken = concluded(SmtpReply(SmtpStage.BODY, 250, "ok"), now)
    assert (taken.outcome.state, taken.effect) == (S.ACCEPTED, Effect.PROVEN)
    later = concluded(SmtpReply(SmtpStage.RCPT, 450, "later"), now)
    assert (later.outcome.state, later.effect) == (S.DEFERRED, Effect.PUT_OFF)
    assert later.outcome.next_try_at == now + minute
    dead = concluded(SmtpReply(SmtpStage.RCPT, 550, "5.1.1 no"), now)
    assert (dead.outcome.state, dead.outcome.suppress, dead.outcome.untell) == (
        S.REJECTED, True, False,
    )  # fmt: skip
    spam = concluded(SmtpReply(SmtpStage.BODY, 554, "spam"), now)
    assert (spam.outcome.state, spam.outcome.suppress, spam.outcome.untell) == (
        S.REJECTED, False, True,
    )  # fmt: skip
    unfit = concluded(Unfit("no SMTPUTF8"), now)
    assert (unfit.outcome.state, unfit.outcome.untell) == (S.REJECTED, False)
    assert concluded(GateClosed(), now).outcome is None
    early = concluded(Lost(SmtpStage.DATA, "reset"), now)
    assert (early.outcome.state, early.effect) == (S.DEFERRED, Effect.DOUBTED)
    nobody_knows = concluded(Lost(SmtpStage.BODY, "reset"), now)
    assert (nobody_knows.outcome.state, nobody_knows.outcome.next_try_at) == (S.UNCERTAIN, None)
    down = concluded(Unreachable("refused", ours=False), now, tries=1)
    assert (down.outcome.state, down.effect, down.ours) == (S.DEFERRED, Effect.FAILED, False)
    assert down.outcome.next_try_at == now + 2 * minute
    wrong = concluded(Unreachable("535", ours=True), now)
    assert (wrong.outcome.next_try_at, wrong.ours) == (now + 15 * minute, True)


def test_a_refusal_of_us_waits_behind_the_others_and_is_one_message_s_fault_in_the_end(now):
    refusal = SmtpReply(SmtpStage.RCPT, 550, "5.7.1 policy")
    first = concluded(refusal, now, tries=0, proven=True)
    assert (first.outcome.state, first.effect) == (S.DEFERRED, Effect.DOUBTED)
    assert first.outcome.next_try_at == now + timedelta(minutes=15, seconds=1)
    unproven = concluded(refusal, now, tries=9, proven=False)
    assert unproven.outcome.state is S.DEFERRED
    assert concluded(refusal, now, tries=1, proven=True).outcome.state is S.DEFERRED
    last = concluded(refusal, now, tries=2, proven=True)
    assert (last.outcome.state, last.outcome.untell, last.ours) == (S.REJECTED, True, True)
    assert last.effect is Effect.NONE


ABOUT = [
    # What is said before there is a recipient is about the relay …
    (SmtpReply(SmtpStage.MAIL, 451, "4.3.0 later"), Effect.STRIKE),
    (SmtpReply(SmtpStage.MAIL, 421, "4.3.2 closing"), Effect.STRIKE),
    (SmtpReply(SmtpStage.MAIL, 550, "5.7.1 not you"), Effect.REFUSED),
    (SmtpReply(SmtpStage.MAIL, 530, "5.7.0 log in"), Effect.REFUSED),
    (Lost(SmtpStage.MAIL, "reset"), Effect.STRIKE),
    (Lost(SmtpStage.MAIL, "nothing came", slow=True), Effect.STRIKE),
    (Lost(SmtpStage.CONNECT, "the outbox's disk is full"), Effect.STRIKE),
    # … what is said to one is about that one, and at most a doubt.
    (SmtpReply(SmtpStage.RCPT, 450, "4.1.2 domain not found"), Effect.PUT_OFF),
    (SmtpReply(SmtpStage.RCPT, 452, "4.2.2 mailbox full"), Effect.PUT_OFF),
    (SmtpReply(SmtpStage.RCPT, 552, "5.2.2 mailbox full"), Effect.PUT_OFF),
    (SmtpReply(SmtpStage.DATA, 451, "4.3.0 queue file"), Effect.NONE),
    (SmtpReply(SmtpStage.BODY, 451, "4.7.1 greylisted"), Effect.PUT_OFF),
    (Lost(SmtpStage.RCPT, "nothing came", slow=True), Effect.PUT_OFF),
    (Lost(SmtpStage.DATA, "nothing came", slow=True), Effect.NONE),
    (SmtpReply(SmtpStage.RCPT, 421, "4.7.0 closing"), Effect.DOUBTED),
    (SmtpReply(SmtpStage.BODY, 421, "4.7.0 closing"), Effect.DOUBTED),
    (SmtpReply(SmtpStage.RCPT, 554, "5.7.1 relay access denied"), Effect.DOUBTED),
    (SmtpReply(SmtpStage.RCPT, 530, "5.7.0 log in"), Effect.DOUBTED),
    (SmtpReply(SmtpStage.BODY, 550, "5.7.515 not authenticated"), Effect.DOUBTED),
    (Lost(SmtpStage.RCPT, "reset"), Effect.DOUBTED),
    # Nobody's choice of an address makes a relay hang up behind a body.
    (Lost(SmtpStage.BODY, "reset"), Effect.STRIKE),
    (NotNoted("the database is locked"), Effect.NONE),
    # A refusal is final for its own row, and says nothing of others.
    (SmtpReply(SmtpStage.RCPT, 550, "5.1.1 no such user"), Effect.NONE),
    (SmtpReply(SmtpStage.BODY, 552, "5.3.4 too big"), Effect.NONE),
]


@pytest.mark.parametrize(("result", "effect"), ABOUT)
def test_whose_fault_it_is(now, result, effect):
    assert concluded(result, now).effect is effect


def test_the_back_off_doubles_up_to_half_an_hour():
    tries = (0, 1, 2, 3, 4, 5, 6, 1000)
    minutes = [wait_after(number, 0.0) / timedelta(minutes=1) for number in tries]
    assert minutes == [1, 2, 4, 8, 16, 30, 30, 30]


def test_two_that_were_put_off_together_do_not_come_back_together(now):
    refusal = SmtpReply(SmtpStage.RCPT, 450, "later")
    waits = [
        concluded(refusal, now, tries=2, luck=luck).outcome.next_try_at - now
        for luck in (0.0, 0.4, 0.8)
    ]
    assert waits == [timedelta(minutes=4), timedelta(minutes=3.6), timedelta(minutes=3.2)]
    assert wait_after(9, 0.999) > timedelta(minutes=22)
