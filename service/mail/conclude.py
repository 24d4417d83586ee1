"""From how a handover went to what is recorded and what it says about the relay. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.mail.classify import Reply, Stage, Verdict, judge
from service.mail.handover import Barred, Handover, Lost, Unfit, Unreachable
from service.model import DeliveryState
from service.store.outcomes import BEHIND, Outcome

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=30)

PROBE_EVERY = timedelta(minutes=15)
"""How often a relay that refuses *us* is asked again, with one message."""

OURS_LIMIT = 3
"""Tries after which a refusal of "us" by a relay that takes others is about this message alone:
else one recipient whose server always says 5.7.1 would pause everybody's mail for ever."""


class Effect(StrEnum):
    """What a handover says about its relay."""

    NONE = "none"
    PROVEN = "proven"  # it takes mail
    STRIKE = "strike"  # one of several in a row is an outage
    FAILED = "failed"  # no session with it
    REFUSED = "refused"  # it refuses us


@dataclass(frozen=True, slots=True)
class Conclusion:
    """`outcome` None: nothing to record, the gate has done it. `ours`: waiting will not mend it."""

    outcome: Outcome | None
    effect: Effect
    ours: bool = False


def wait_after(tries: int) -> timedelta:
    """The back-off after so many tries before this one: 1, 2, 4 … at most 30 minutes."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries, 10)))


def conclude(
    result: Handover, delivery_id: int, tries: int, relay: str, now: datetime, *, proven: bool
) -> Conclusion:
    """`tries` counts those before this one; `proven`: the relay took another one in this run."""
    if isinstance(result, Barred):
        return Conclusion(None, Effect.NONE)
    if isinstance(result, Reply):
        return _answered(result, delivery_id, tries, relay, now, proven=proven)
    later = now + wait_after(tries)
    if isinstance(result, Unfit):
        outcome = Outcome(delivery_id, DeliveryState.REJECTED, relay, result.reason)
        return Conclusion(outcome, Effect.NONE)
    if isinstance(result, Unreachable):
        until = now + PROBE_EVERY if result.ours else later
        outcome = Outcome(delivery_id, DeliveryState.DEFERRED, relay, result.reason, until)
        return Conclusion(outcome, Effect.FAILED, ours=result.ours)
    return _broken(result, delivery_id, relay, later)


def _broken(lost: Lost, delivery_id: int, relay: str, later: datetime) -> Conclusion:
    if lost.stage is Stage.BODY:
        answer = f"no answer to the body: {lost.reason}"
        outcome = Outcome(delivery_id, DeliveryState.UNCERTAIN, relay, answer)
    else:
        answer = f"{lost.stage}: {lost.reason}"
        outcome = Outcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
    return Conclusion(outcome, Effect.STRIKE)


def _answered(
    reply: Reply, delivery_id: int, tries: int, relay: str, now: datetime, *, proven: bool
) -> Conclusion:
    judgement = judge(reply)
    answer = str(reply)
    rejected = DeliveryState.REJECTED
    match judgement.verdict:
        case Verdict.ACCEPTED:
            outcome = Outcome(delivery_id, DeliveryState.ACCEPTED, relay, answer)
            return Conclusion(outcome, Effect.PROVEN)
        case Verdict.WAIT:
            later = now + wait_after(tries)
            outcome = Outcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
            return Conclusion(outcome, Effect.STRIKE)
        case Verdict.ADDRESS:
            outcome = Outcome(delivery_id, rejected, relay, answer, suppress=judgement.dead)
            return Conclusion(outcome, Effect.NONE)
        case Verdict.CONTENT:
            outcome = Outcome(delivery_id, rejected, relay, answer, untell=True)
            return Conclusion(outcome, Effect.NONE)
        case Verdict.OURS:
            return _refused(delivery_id, tries, relay, answer, now, proven=proven)


def _refused(
    delivery_id: int, tries: int, relay: str, answer: str, now: datetime, *, proven: bool
) -> Conclusion:
    if proven and tries + 1 >= OURS_LIMIT:
        outcome = Outcome(delivery_id, DeliveryState.REJECTED, relay, answer, untell=True)
        return Conclusion(outcome, Effect.NONE, ours=True)
    later = now + PROBE_EVERY + BEHIND  # so that the probe is another message
    outcome = Outcome(delivery_id, DeliveryState.DEFERRED, relay, answer, later)
    return Conclusion(outcome, Effect.REFUSED, ours=True)
