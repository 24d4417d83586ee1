"""The commands of a message's envelope, and how long each answer is waited for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import aiosmtplib

from service.mail.classify import SmtpStage
from service.mail.personal import Message
from service.mail.smtp.client import Commands, SmtpClient

START_INPUT = 354
"""The relay waits for the body."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. RFC 5321 4.5.3.2 asks for these; a lost last reply costs an uncertain delivery.

    `first` holds for RCPT and DATA of a hurried message: a relay that asks the recipient's server
    before it answers has asked by the next try, and an address whose server says nothing must not
    keep a place from the others for five minutes. `ahead`: so long a message whose envelope went
    behind the body before it waits for what the relay says to that body.
    """

    connect: float = 30.0
    command: float = 300.0
    first: float = 30.0
    body: float = 600.0
    ahead: float = 2.0
    quit: float = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the envelope, and for how many seconds its answer is waited for."""

    stage: SmtpStage
    limit_s: float
    command: tuple[bytes, ...]

    def is_granted_by(self, answer: aiosmtplib.SMTPResponse) -> bool:
        """Whether the next step may follow."""
        if self.stage is SmtpStage.DATA:
            return bool(answer.code == START_INPUT)
        return is_good(answer.code)


class BrokeOff(Exception):  # noqa: N818 - an event of the dialogue
    """The connection said nothing, or nothing that can be understood, at a stage."""

    def __init__(self, stage: SmtpStage, cause: Exception) -> None:
        super().__init__(stage, cause)
        self.stage, self.cause = stage, cause


@contextmanager
def broken_at(step: Step) -> Iterator[None]:
    """Raises BrokeOff for what a connection raises in the block."""
    try:
        yield
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise BrokeOff(step.stage, error) from error


def steps_of(
    smtp: SmtpClient, message: Message, limits: Timeouts, *, hurried: bool, ahead: bool = False
) -> tuple[Step, ...]:
    """MAIL, RCPT and DATA for what this relay offers.

    `ahead`: it went behind another one's body; a relay that does not answer it then has not read
    it, and is asked once more.
    """
    quick = min(limits.first, limits.command)
    patience = quick if hurried else limits.command
    options = []
    if smtp.supports_extension("size"):
        options.append(b"SIZE=%d" % len(message.data))
    if message.utf8:
        options.append(b"SMTPUTF8")
    sender, recipient = message.sender.encode(), message.recipient.encode()
    mail = (b"MAIL", b"FROM:<" + sender + b">", *options)
    return (
        Step(SmtpStage.MAIL, quick if ahead else limits.command, mail),
        Step(SmtpStage.RCPT, patience, (b"RCPT", b"TO:<" + recipient + b">")),
        Step(SmtpStage.DATA, patience, (b"DATA",)),
    )


def commands_of(steps: Sequence[Step]) -> Commands:
    return [step.command for step in steps]


def is_good(code: int) -> bool:
    return code // 100 == 2  # noqa: PLR2004 - the family of success
