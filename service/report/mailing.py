"""How mail fares: which relay takes none, what waits, what is uncertain. Answered from rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.report import reviews
from service.report.sentence import Sentence, sentence
from service.report.trouble import Trouble
from service.store import status_counts
from service.store.core import hold
from service.store.core.database import Connection
from service.store.mailing import refused_editions, uncertain_deliveries
from service.store.mailing.refused_editions import RefusedEdition
from service.store.mailing.relays import relay_states, sender_refusals, slow_domains
from service.store.mailing.relays.relay_states import RelayState
from service.store.mailing.relays.sender_refusals import SenderRefusals
from service.store.mailing.relays.slow_domains import RestingDestination
from service.store.mailing.uncertain_deliveries import Uncertain

_MOST_DOMAINS = 3

LATE_AFTER = timedelta(minutes=15)
"""A delivery that has been due for this long is late: a relay is down or nobody sends."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """`relays`: those that were ever offered a message. `blocked`: no way out takes any mail.

    `waiting`: mails that could be gone by now, but for a relay's failure.
    `oldest`: when the first of all that has not gone was due; None: nothing is planned.
    `uncertain`: by edition, the oldest first. `held_since`: nothing is planned or sent since the
    store was restored; None: mail goes out. `refused`: what waits for providers that want the
    sender proven. `resting`: destinations
    that refuse us by another rule of theirs, or slow us down. `rejected`: editions that are refused
    for what is in them.
    """

    relays: tuple[RelayState, ...]
    blocked: bool
    waiting: int
    oldest: datetime | None
    uncertain: tuple[Uncertain, ...]
    held_since: datetime | None = None
    refused: SenderRefusals | None = None
    resting: tuple[RestingDestination, ...] = ()
    rejected: tuple[RefusedEdition, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """What the rows do not tell.

    `relays`: the names of the configuration's ways out. `troubles`: what is known of the process,
    its disk and its store. `settings` None: not known.
    """

    relays: Sequence[str] = ()
    troubles: Sequence[Trouble] = ()
    settings: Settings | None = None


NOTHING = Beside()


def reported(
    connection: Connection, now: datetime, beside: Beside
) -> tuple[Mailing, tuple[Trouble, ...]]:
    """How mail fares, and all troubles that are known."""
    found = mailing(connection, now, beside.relays)
    waiting = reviews.troubles(connection, now, beside.settings)
    return found, (*beside.troubles, *troubles(found, now), *waiting)


def mailing(connection: Connection, now: datetime, relays: Sequence[str]) -> Mailing:
    """`relays`: the names of the ways out that the configuration has."""
    found = tuple(relay_states.states(connection, relays))
    failing = [one for one in found if one.failing_since is not None]
    return Mailing(
        relays=found,
        blocked=bool(failing) and len(failing) == len(relays),
        waiting=relay_states.waiting(connection, now),
        oldest=status_counts.oldest_waiting(connection),
        uncertain=tuple(uncertain_deliveries.by_edition(connection)),
        held_since=hold.held_since(connection),
        refused=sender_refusals.waiting(connection),
        resting=tuple(
            one
            for one in slow_domains.resting(connection, now)
            if sender_refusals.is_policy(one.answer) and not sender_refusals.is_one(one.answer)
        ),
        rejected=tuple(refused_editions.refused(connection, now)),
    )


def troubles(found: Mailing, now: datetime) -> list[Trouble]:
    """What an admin must know of it, the worst first. A relay beside others stops nothing yet."""
    stops = found.blocked and found.waiting > 0
    told = []
    if found.held_since is not None:
        told.append(Trouble("held", {"since": found.held_since}, stops=True))
    told += [
        _relay(one, found.waiting, stops=stops)
        for one in found.relays
        if one.failing_since is not None
    ]
    if found.refused is not None:
        told.append(_refused(found.refused))
    told += [_resting(one) for one in found.resting]
    late = found.oldest is not None and now - found.oldest > LATE_AFTER
    if late and found.held_since is None:
        values = {"since": found.oldest, "waiting": found.waiting}
        told.append(Trouble("mail_late", values, stops=True))
    told += [_rejected(one) for one in found.rejected]
    if found.uncertain:
        told.append(_uncertain(found.uncertain))
    return told


def as_json(relay: RelayState, waiting: int) -> dict[str, object]:
    """One of `relays` in `status --json`. `waiting`: mails that wait, for whichever relay."""
    return {
        "id": relay.name,
        "state": "ok" if relay.failing_since is None else "failing",
        "answer": relay.answer,
        "answered_at": relay.answered_at.isoformat(),
        "since": relay.failing_since and relay.failing_since.isoformat(),
        "next_try": relay.next_try_at and relay.next_try_at.isoformat(),
        "waiting": waiting,
    }


def _relay(relay: RelayState, waiting: int, *, stops: bool) -> Trouble:
    values = {
        "relay": relay.name,
        "answer": relay.answer,
        "since": relay.failing_since,
        "waiting": waiting,
        "next": relay.next_try_at or relay.answered_at,
    }
    return Trouble("relay", values, stops=stops)


def _refused(refused: SenderRefusals) -> Trouble:
    values = {
        "domains": ", ".join(refused.domains[:_MOST_DOMAINS]),
        "answer": refused.answer,
        "waiting": refused.waiting,
    }
    return Trouble("sender_refused", values)


def _resting(one: RestingDestination) -> Trouble:
    values = {"destination": one.name, "answer": one.answer, "until": one.until}
    return Trouble("destination", values)


def _rejected(one: RefusedEdition) -> Trouble:
    values = {
        "digest": one.digest,
        "cut": one.cut_at,
        "n": one.mails,
        "since": one.since,
        "answer": one.answer,
    }
    return Trouble("rejected", values)


def _uncertain(editions: Sequence[Uncertain]) -> Trouble:
    values = {
        "n": sum(one.mails for one in editions),
        "editions": tuple(_edition(one) for one in editions),
        "since": min(one.since for one in editions),
    }
    return Trouble("uncertain", values)


def _edition(one: Uncertain) -> Sentence | str:
    if one.cut_at is None:
        return f"{one.digest} ({one.mails})"
    return sentence("uncertain.edition", digest=one.digest, cut=one.cut_at, n=one.mails)
