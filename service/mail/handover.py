"""What handing over one message can come to. Values, so that one bad part stops nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from service.mail.classify import SmtpReply, SmtpStage
from service.mail.personal import Message

Gate = Callable[[], Awaitable[bool]]
"""Asked when the relay has said 354: may the body leave? It commits `sending`."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection broke. At `SmtpStage.BODY` the body had left: nobody knows what became of it.

    `slow`: it did not break, but its answer was waited for in vain.
    """

    stage: SmtpStage
    reason: str
    slow: bool = False


@dataclass(frozen=True, slots=True)
class GateClosed:
    """The gate did not open: no byte of the body has left."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """This relay cannot take this address in any session."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No session with the relay. `ours`: it is there, and waiting alone will not help."""

    reason: str
    ours: bool


@dataclass(frozen=True, slots=True)
class NotNoted:
    """Our own store could not note that the body leaves now, so none has left.

    It says nothing about the relay.
    """

    reason: str


Handover = SmtpReply | Lost | GateClosed | Unfit | Unreachable | NotNoted


class Following(Protocol):
    """The message after the one that is handed over, where its envelope may go at once."""

    def take(self) -> Message | None:
        """Asked when a body leaves: the next message of this connection; None: none is ready."""
        ...

    def release(self) -> None:
        """It does not follow: what comes before it is not answered. Another may take it."""
        ...


class MailTransport(Protocol):
    """One way out that takes one message at a time: a kept connection, or the outbox."""

    @property
    def is_ahead(self) -> bool:
        """Whether the envelope of what `following` gave last waits for its body."""
        ...

    async def deliver(
        self,
        message: Message,
        gate: Gate,
        *,
        hurried: bool = False,
        following: Following | None = None,
    ) -> Handover:
        """Hand over one message; raises only what the gate raises.

        `hurried`: wait for the answers to its recipient and to DATA no longer than `Timeouts.first`
        says. What `following` gave is the next to be handed over here, or none is.
        """
        ...

    async def close(self) -> None: ...
