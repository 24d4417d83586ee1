"""The ways out: one line per relay, or the outbox alone where no relay is configured.

A line begins every run with one channel and one message; once that is taken, all its channels
open. So the first message after an outage or a refusal is the probe, and only one.

What was answered to recipients says little of the relay, since anybody may sign up with any
address. Where several in a row meet it and nothing is taken in between, the line lets one channel
go on, and then rests until the next run, which moves nobody's time. Everybody waits only where
readers met it that had mail before: nobody can make himself one for the purpose. What several of
one destination met is told of that destination, which rests alone (mail.domains).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime

from service.config.schema import Relay, Settings
from service.mail import personal
from service.mail.classify import SmtpReply, SmtpStage
from service.mail.handover import (
    Following,
    Gate,
    GateClosed,
    Handover,
    Lost,
    MailTransport,
)
from service.mail.outbox import Outbox
from service.mail.personal import Message
from service.mail.relay import RelayConnection
from service.mail.retry_policy import FIRST_WAIT, PROBE_EVERY, Conclusion, Effect
from service.mail.smtp.envelope import Timeouts
from service.mail.smtp.habits import Habits
from service.store.mailing.relays.relay_states import RelayState

OUTBOX = "(outbox)"
"""The outbox's name among relays; no id of the TOML can be written so."""

_STRIKES = 5
"""Broken or put-off messages in a row, none taken between: the relay is having an outage."""

_CAREFUL_AFTER = 2
"""Doubts in a row, none taken between: one channel goes on alone."""

_REST_AFTER = 3
"""Doubts in a row, none taken between: the line rests until the next run; and everybody waits, if
all of these met readers that had news before."""

_OUTBOX_CHANNELS = 8


class Line:
    """One way out and how it fares in this run."""

    def __init__(
        self,
        name: str,
        channels: int,
        connect: Callable[[], MailTransport],
        rate: float | None = None,
        priority: int = 1,
    ) -> None:
        """`rate`: messages a second, of all processes together; None: no limit.

        `priority`: a line serves while none of a lower number can.
        """
        self.name = name
        self.channels = channels
        self.connect = connect
        self.rate = rate
        self.priority = priority
        self.active = 0
        self.aside = 0
        self.proven = False
        self.is_doubtful = False  # it failed before this run, and has taken nothing yet
        self.failure: str | None = None
        self.ours = False
        self.retry_at: datetime | None = None
        self._doubts: list[tuple[str, bool]] = []  # destination, and whether a reader met it
        self._forget()

    @property
    def usable(self) -> bool:
        return self.failure is None

    @property
    def rests(self) -> bool:
        """Whether it only rests until the next run: addresses of anybody's choice can do that."""
        return self.failure is not None and self.retry_at is None

    @property
    def wanted(self) -> int:
        """How many channels it may have now: one until it is proven.

        And one for editions beside a transactional mail that is not answered: that must not be
        the only probe.
        """
        if not self.usable:
            return 0
        return self.channels if self.proven else min(self.channels, 1 + self.aside)

    @property
    def has_place_aside(self) -> bool:
        """Whether another mail that is not an edition, or was tried, may go: half the places."""
        return self.aside < (max(1, self.channels // 2) if self.proven else 1)

    def stands_back(self, others: Iterable[Line]) -> bool:
        """Whether one of a lower number serves. Nobody's choice of an address changes that."""
        return any(
            one.priority < self.priority and (one.usable or one.rests) and not one.is_doubtful
            for one in others
        )

    def remember(self, state: RelayState, now: datetime, *, wait: bool) -> None:
        """What an earlier run noted of it. `wait`: another one serves until its next probe."""
        self.is_doubtful = state.failing_since is not None
        if self.is_doubtful and wait and state.next_try_at is not None and state.next_try_at > now:
            self._fail(state.answer, state.next_try_at, ours=False)

    def wake(self) -> None:
        """Another round of a run: what only rested goes on."""
        if self.rests:
            self.failure, self.ours = None, False
            self._forget()

    def note(
        self,
        conclusion: Conclusion,
        now: datetime,
        *,
        witness: bool,
        destination: str = "",
        rests: bool = False,
    ) -> None:
        """Learn from a handover. `witness`: it was to a reader that had news before.

        `rests`: its destination is not tried any more: that explains what it answered.
        """
        outcome = conclusion.outcome
        match conclusion.effect:
            case Effect.PROVEN:
                self.proven = True
                self.is_doubtful = False
                self._forget()
            case Effect.DOUBTED if outcome is not None:
                self._doubts.append((destination, witness))
                self.proven = self.proven and len(self._doubts) < _CAREFUL_AFTER
                if rests:
                    self._doubts = [one for one in self._doubts if one[0] != destination]
                if len(self._doubts) >= _REST_AFTER:
                    until = now + PROBE_EVERY if conclusion.ours else outcome.next_try_at
                    sure = sum(witness for _, witness in self._doubts) >= _REST_AFTER
                    self._fail(outcome.answer, until if sure else None, ours=conclusion.ours)
            case Effect.STRIKE:
                self._strikes += 1
                if self._strikes >= _STRIKES and outcome is not None:
                    until = outcome.next_try_at or now + FIRST_WAIT
                    self._fail(outcome.answer, until, ours=False)
            case Effect.FAILED if outcome is not None:
                self._fail(outcome.answer, outcome.next_try_at or now, ours=conclusion.ours)
            case Effect.REFUSED if outcome is not None:
                if not self.proven:
                    self._fail(outcome.answer, now + PROBE_EVERY, ours=True)
                # It took others a moment ago: the very next message is the probe.
                self.proven = False
            case _:
                pass

    def _fail(self, reason: str, until: datetime | None, *, ours: bool) -> None:
        self.failure, self.retry_at, self.ours = reason, until, ours

    def _forget(self) -> None:
        """A message was taken: what others met before it counts no more."""
        self._strikes = 0
        self._doubts = []


class OutboxChannel:
    """The outbox as a channel: the gate, then the file."""

    is_ahead = False

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def deliver(
        self,
        message: Message,
        gate: Gate,
        *,
        hurried: bool = False,  # noqa: ARG002 - a disk is not waited for
        following: Following | None = None,  # noqa: ARG002
    ) -> Handover:
        if not await gate():
            return GateClosed()
        try:
            await asyncio.to_thread(self._outbox.put, message.key, message.data)
        except OSError as error:
            # About the outbox, and not "after the body": what became of it can be looked up, and
            # is, before writing.
            return Lost(SmtpStage.CONNECT, f"{type(error).__name__}: {error}")
        return SmtpReply(SmtpStage.BODY, 250, f"written to the outbox as {message.key}")

    async def close(self) -> None:
        """Nothing is kept open."""


def outbox_of(settings: Settings) -> Outbox:
    """The outbox of a configuration: `var/outbox` beside its main file."""
    return Outbox(settings.var / "outbox")


def outbox_line(outbox: Outbox) -> Line:
    return Line(OUTBOX, _OUTBOX_CHANNELS, lambda: OutboxChannel(outbox))


def relay_line(
    relay: Relay,
    hello: str,
    timeouts: Timeouts | None = None,
    tls_context: ssl.SSLContext | None = None,
) -> Line:
    """`hello`: our name in EHLO. `tls_context` None: the system's certificates."""
    patience, habits = timeouts or Timeouts(), Habits()

    def connect() -> MailTransport:
        return RelayConnection(relay, hello, patience, tls_context, habits=habits)

    return Line(relay.id, relay.connections, connect, relay.rate, relay.priority)


def lines_of(settings: Settings) -> list[Line]:
    """All relays of a configuration, else the outbox."""
    hello = personal.host(settings)
    lines = [relay_line(relay, hello) for relay in settings.mail.relay.values()]
    return lines or [outbox_line(outbox_of(settings))]


def line_names(settings: Settings) -> list[str]:
    """The names of the same lines."""
    return list(settings.mail.relay) or [OUTBOX]
