"""From how a handover went to what is recorded and what it says about the relay. Pure.

Whose fault it is decides who waits (docs/decisions/001): what is answered to a recipient or later
is about this message, whatever it says, for whoever signs up chooses the recipient. Only
connection, greeting, login and MAIL FROM are the relay's own. What sounds like the relay all the
same (421, a closed connection, "us") is a doubt, and `relays` weighs which mails met it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.mail.classify import CLOSING, Judgement, SmtpReply, SmtpStage, Verdict, judge
from service.mail.handover import GateClosed, Handover, Lost, NotNoted, Unfit, Unreachable
from service.model import DeliveryState
from service.store.mailing.outcomes import BEHIND, DeliveryOutcome

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=30)

PROBE_EVERY = timedelta(minutes=15)
"""How often a relay that refuses *us* is asked again, with one message."""

OURS_LIMIT = 3
"""Tries after which a refusal of "us" by a relay that takes others is about this message alone:
else one recipient whose server always says 5.7.1 would pause everybody's mail for ever."""


_ABOUT_MESSAGE = frozenset({SmtpStage.RCPT, SmtpStage.DATA, SmtpStage.BODY})
"""Stages behind the recipient's address: what is answered there may be about it alone."""


class Effect(StrEnum):
    """What a handover says about its relay."""

    NONE = "none"
    PROVEN = "proven"  # it takes mail
    PUT_OFF = "put_off"  # this address waits; several of them are their domain
    DOUBTED = "doubted"  # it spoke of itself, but to a recipient of somebody's choice
    STRIKE = "strike"  # one of several in a row is an outage
    FAILED = "failed"  # no session with it
    REFUSED = "refused"  # it refuses us


@dataclass(frozen=True, slots=True)
class Conclusion:
    """`outcome` None: nothing to record, the gate has done it. `ours`: waiting will not help.

    `of_destination`: it may be the destination's rule, which will meet its other addresses too.
    """

    outcome: DeliveryOutcome | None
    effect: Effect
    ours: bool = False
    of_destination: bool = False


def wait_after(tries: int, luck: float) -> timedelta:
    """The back-off after so many tries before this one: 1, 2, 4 … at most 30 minutes.

    `luck` in [0, 1) takes up to a quarter off, so that those put off together do not come back
    together.
    """
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries, 10))) * (1 - luck / 4)


def conclude(
    result: Handover,
    delivery_id: int,
    tries: int,
    relay: str,
    now: datetime,
    *,
    proven: bool,
    luck: float,
    alone: bool = True,
) -> Conclusion:
    """`tries` counts those before this one; `proven`: the relay took another one in this run.

    `luck` in [0, 1): the jitter of the back-off. `alone` False: other addresses of its destination
    were refused as well, so that a refusal is not about this one.
    """
    if isinstance(result, GateClosed):
        return Conclusion(None, Effect.NONE)
    later = now + wait_after(tries, luck)
    if isinstance(result, SmtpReply):
        return _answered(result, delivery_id, tries, relay, now, later, proven=proven and alone)
    if isinstance(result, NotNoted):
        answer = f"our own store: {result.reason}"
        outcome = DeliveryOutcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
        return Conclusion(outcome, Effect.NONE)
    if isinstance(result, Unfit):
        outcome = DeliveryOutcome(delivery_id, DeliveryState.REJECTED, relay, result.reason)
        return Conclusion(outcome, Effect.NONE)
    if isinstance(result, Unreachable):
        until = now + PROBE_EVERY if result.ours else later
        outcome = DeliveryOutcome(delivery_id, DeliveryState.DEFERRED, relay, result.reason, until)
        return Conclusion(outcome, Effect.FAILED, ours=result.ours)
    return _broken(result, delivery_id, relay, later)


def held(outcome: DeliveryOutcome, *, resent: bool) -> DeliveryOutcome:
    """Not to untell what may have arrived the first time: such a mail is uncertain again.

    It is not sent again by itself: what it says was refused, and would be each time.
    """
    if not (outcome.untell and resent):
        return outcome
    answer = f"{outcome.answer}; it may have arrived before"
    return replace(outcome, state=DeliveryState.UNCERTAIN, untell=False, held=True, answer=answer)


def _broken(lost: Lost, delivery_id: int, relay: str, later: datetime) -> Conclusion:
    if lost.stage is SmtpStage.BODY:
        answer = f"no answer to the body: {lost.reason}"
        outcome = DeliveryOutcome(delivery_id, DeliveryState.UNCERTAIN, relay, answer)
    else:
        answer = f"{lost.stage}: {lost.reason}"
        outcome = DeliveryOutcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
        if lost.stage in _ABOUT_MESSAGE:
            effect = _waits(lost.stage) if lost.slow else Effect.DOUBTED
            return Conclusion(outcome, effect)
    return Conclusion(outcome, Effect.STRIKE)


def _answered(
    reply: SmtpReply,
    delivery_id: int,
    tries: int,
    relay: str,
    now: datetime,
    later: datetime,
    *,
    proven: bool,
) -> Conclusion:
    judgement = judge(reply)
    of_destination = judgement.policy and reply.stage in _ABOUT_MESSAGE
    answer = str(reply)
    rejected = DeliveryState.REJECTED
    match judgement.verdict:
        case Verdict.ACCEPTED:
            outcome = DeliveryOutcome(delivery_id, DeliveryState.ACCEPTED, relay, answer)
            return Conclusion(outcome, Effect.PROVEN)
        case Verdict.WAIT:
            outcome = DeliveryOutcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
            return Conclusion(outcome, _put_off_by(reply, judgement), of_destination=of_destination)
        case Verdict.ADDRESS:
            outcome = DeliveryOutcome(delivery_id, rejected, relay, answer, suppress=judgement.dead)
            return Conclusion(outcome, Effect.NONE)
        case Verdict.CONTENT:
            outcome = DeliveryOutcome(delivery_id, rejected, relay, answer, untell=True)
            return Conclusion(outcome, Effect.NONE)
        case Verdict.OURS:
            if judgement.sender and reply.stage in _ABOUT_MESSAGE:
                later = now + PROBE_EVERY + BEHIND
                outcome = DeliveryOutcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
                return Conclusion(outcome, Effect.DOUBTED, ours=True, of_destination=True)
            found = _refused(reply, delivery_id, tries, relay, now, proven=proven)
            doubted = found.effect is Effect.DOUBTED
            return replace(found, of_destination=of_destination and doubted)


def _put_off_by(reply: SmtpReply, judgement: Judgement) -> Effect:
    if reply.stage not in _ABOUT_MESSAGE:
        return Effect.STRIKE
    if reply.code == CLOSING:
        return Effect.DOUBTED
    return Effect.PUT_OFF if judgement.policy else _waits(reply.stage)


def _waits(stage: SmtpStage) -> Effect:
    """A mail deferred after its recipient was accepted is not deferred for the domain's sake."""
    return Effect.PUT_OFF if stage is SmtpStage.RCPT else Effect.NONE


def _refused(
    reply: SmtpReply, delivery_id: int, tries: int, relay: str, now: datetime, *, proven: bool
) -> Conclusion:
    answer = str(reply)
    if proven and tries + 1 >= OURS_LIMIT:
        outcome = DeliveryOutcome(delivery_id, DeliveryState.REJECTED, relay, answer, untell=True)
        return Conclusion(outcome, Effect.NONE, ours=True)
    later = now + PROBE_EVERY + BEHIND  # so that the probe is another message
    outcome = DeliveryOutcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
    doubted = reply.stage in _ABOUT_MESSAGE
    return Conclusion(outcome, Effect.DOUBTED if doubted else Effect.REFUSED, ours=True)
