"""The ways out: one line per relay, or the outbox alone where no relay is configured.

A line begins every run with one channel and one message; once that is taken, all its channels
open. So the first message after an outage or a refusal is the probe, and only one.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import datetime

from service.config.schema import Relay, Settings
from service.mail import personal
from service.mail.classify import Reply, Stage
from service.mail.conclude import PROBE_EVERY, Conclusion, Effect
from service.mail.handover import Barred, Channel, Gate, Handover, Lost
from service.mail.outbox import Outbox
from service.mail.personal import Message
from service.mail.relay import RelayConnection, Timeouts
from service.mail.throttle import Throttle

OUTBOX = "(outbox)"
"""The outbox's name among relays; no id of the TOML can be written so."""

_STRIKES = 5
"""Broken or put-off messages in a row, none taken between: the relay is having an outage."""

_OUTBOX_CHANNELS = 8


class Line:
    """One way out and how it fares in this run."""

    def __init__(
        self,
        name: str,
        channels: int,
        connect: Callable[[], Channel],
        throttle: Throttle | None = None,
    ) -> None:
        self.name = name
        self.channels = channels
        self.connect = connect
        self.throttle = throttle or Throttle(None, time.monotonic)
        self.active = 0
        self.proven = False
        self.failure: str | None = None
        self.ours = False
        self.retry_at: datetime | None = None
        self._strikes = 0

    @property
    def usable(self) -> bool:
        return self.failure is None

    def note(self, conclusion: Conclusion, now: datetime) -> None:
        """Learn from a handover."""
        outcome = conclusion.outcome
        match conclusion.effect:
            case Effect.PROVEN:
                self.proven, self._strikes = True, 0
            case Effect.STRIKE:
                self._strikes += 1
                if self._strikes >= _STRIKES and outcome is not None:
                    self._fail(outcome.answer, outcome.next_try_at or now, ours=False)
            case Effect.FAILED if outcome is not None:
                self._fail(outcome.answer, outcome.next_try_at or now, ours=conclusion.ours)
            case Effect.REFUSED if outcome is not None:
                if not self.proven:
                    self._fail(outcome.answer, now + PROBE_EVERY, ours=True)
                # It took others a moment ago: the very next message is the probe.
                self.proven = False
            case _:
                pass

    def _fail(self, reason: str, until: datetime, *, ours: bool) -> None:
        self.failure, self.retry_at, self.ours = reason, until, ours


class OutboxChannel:
    """The outbox as a channel: the gate, then the file."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def deliver(self, message: Message, gate: Gate) -> Handover:
        if not await gate():
            return Barred()
        try:
            await asyncio.to_thread(self._outbox.put, message.key, message.data)
        except OSError as error:
            # Not "after the body": what became of it can be looked up, and is, before writing.
            return Lost(Stage.DATA, f"{type(error).__name__}: {error}")
        return Reply(Stage.BODY, 250, f"written to the outbox as {message.key}")

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
    patience = timeouts or Timeouts()

    def connect() -> Channel:
        return RelayConnection(relay, hello, patience, tls_context)

    return Line(relay.id, relay.connections, connect, Throttle(relay.rate, time.monotonic))


def lines_of(settings: Settings) -> list[Line]:
    """All relays of a configuration, else the outbox."""
    hello = personal.host(settings)
    lines = [relay_line(relay, hello) for relay in settings.mail.relay.values()]
    return lines or [outbox_line(outbox_of(settings))]


def line_names(settings: Settings) -> list[str]:
    """The names of the same lines."""
    return list(settings.mail.relay) or [OUTBOX]
