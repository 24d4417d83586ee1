"""One connection to a relay, one message at a time: MAIL, RCPT, DATA, 354, *gate*, body.

Where the relay offers PIPELINING (RFC 2920) the three commands travel together: on a long line a
message then takes two round trips instead of four. The body never does: see smtp/client.py.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiosmtplib

from service.config.schema import Relay
from service.mail import relay_answers
from service.mail.classify import SmtpReply, SmtpStage, Verdict, judge
from service.mail.handover import Gate, GateClosed, Handover, Lost, Unfit, Unreachable
from service.mail.personal import Message
from service.mail.security import Security, port, security
from service.mail.smtp.client import Heard, SmtpClient

MESSAGES_PER_CONNECTION = 200
"""Then a fresh one: many relays count, and drop the connection in the middle of a dialogue."""

_START_INPUT = 354


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. RFC 5321 4.5.3.2 asks for these; a lost last reply costs an uncertain delivery.

    `first` holds for RCPT and DATA of a hurried message: a relay that asks the recipient's server
    before it answers has asked by the next try, and an address whose server says nothing must not
    keep a place from the others for five minutes.
    """

    connect: float = 30.0
    command: float = 300.0
    first: float = 30.0
    body: float = 600.0
    quit: float = 2.0


@dataclass(frozen=True, slots=True)
class _Step:
    """A command of the envelope, and for how many seconds its answer is waited for."""

    stage: SmtpStage
    limit_s: float
    command: tuple[bytes, ...]

    def is_granted_by(self, answer: aiosmtplib.SMTPResponse) -> bool:
        """Whether the next step may follow."""
        if self.stage is SmtpStage.DATA:
            return bool(answer.code == _START_INPUT)
        return _is_good(answer.code)


_Refused = tuple[SmtpStage, aiosmtplib.SMTPResponse]


class _BrokeOff(Exception):  # noqa: N818 - an event of the dialogue
    """The connection said nothing, or nothing that can be understood, at a stage."""

    def __init__(self, stage: SmtpStage, cause: Exception) -> None:
        super().__init__(stage, cause)
        self.stage, self.cause = stage, cause


@contextmanager
def _broken_at(step: _Step) -> Iterator[None]:
    try:
        yield
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise _BrokeOff(step.stage, error) from error


class RelayConnection:
    """A kept connection: opened at its first message, and again when it broke. Never shared."""

    def __init__(
        self,
        relay: Relay,
        hello: str,
        timeouts: Timeouts,
        tls_context: ssl.SSLContext | None = None,
        heard: Heard | None = None,
    ) -> None:
        """`hello` is our name in EHLO. `tls_context` None: the system's certificates.

        `heard` is told the dialogue, without the password.
        """
        self._relay = relay
        self._hello = hello
        self._timeouts = timeouts
        self._tls_context = tls_context
        self._heard = heard
        self._smtp: SmtpClient | None = None
        self._sent = 0

    async def deliver(self, message: Message, gate: Gate, *, hurried: bool = False) -> Handover:
        """Hand over one message. Whatever goes wrong on the way comes back as a value.

        Only what `gate` raises is raised, after the connection was closed without a body.
        """
        if self._sent >= MESSAGES_PER_CONNECTION:
            await self.close()
        reused = self._smtp is not None
        result = await self._deliver_once(message, gate, hurried=hurried)
        if reused and isinstance(result, Lost) and result.stage is SmtpStage.MAIL:
            # Hung up on while idle: that says nothing about this message.
            result = await self._deliver_once(message, gate, hurried=hurried)
        return result

    async def close(self) -> None:
        """Say goodbye if the relay still listens."""
        smtp, self._smtp, self._sent = self._smtp, None, 0
        if smtp is None:
            return
        try:
            if smtp.is_connected:
                await smtp.quit(timeout=self._timeouts.quit)
        except (aiosmtplib.SMTPException, OSError):
            pass  # it has hung up, which is what we wanted
        finally:
            smtp.close()

    async def _deliver_once(self, message: Message, gate: Gate, *, hurried: bool) -> Handover:
        if self._smtp is None or not self._smtp.is_connected:
            failure = await self.open()
            if failure is not None:
                return failure
        smtp = self._smtp
        assert smtp is not None
        if message.utf8 and not smtp.supports_extension("smtputf8"):
            return Unfit("5.6.7 the relay does not take addresses that are not ASCII")
        refused = await self._envelope(smtp, message, hurried=hurried)
        if refused is not None:
            return refused
        try:
            passed = await gate()
        except BaseException:
            self._drop()
            raise
        if not passed:
            self._drop()  # after 354 the only way back is to hang up
            return GateClosed()
        return await self._body(smtp, message)

    async def _envelope(
        self, smtp: SmtpClient, message: Message, *, hurried: bool
    ) -> SmtpReply | Lost | None:
        """MAIL, RCPT, DATA up to 354; None when the relay waits for the body."""
        limits = self._timeouts
        patience = min(limits.first, limits.command) if hurried else limits.command
        options = []
        if smtp.supports_extension("size"):
            options.append(b"SIZE=%d" % len(message.data))
        if message.utf8:
            options.append(b"SMTPUTF8")
        sender, recipient = message.sender.encode(), message.recipient.encode()
        steps = (
            _Step(SmtpStage.MAIL, limits.command, (b"MAIL", b"FROM:<" + sender + b">", *options)),
            _Step(SmtpStage.RCPT, patience, (b"RCPT", b"TO:<" + recipient + b">")),
            _Step(SmtpStage.DATA, patience, (b"DATA",)),
        )
        try:
            refused = await self._ask(smtp, steps)
        except _BrokeOff as error:
            self._drop()
            cause = error.cause
            reason = _reason(cause, message)
            return Lost(error.stage, reason, slow=isinstance(cause, TimeoutError))
        if refused is None:
            return None
        if self._smtp is smtp:  # else it hung up
            await self._reset(smtp)
        stage, answer = refused
        if stage is SmtpStage.MAIL and message.utf8:  # SMTPUTF8 stands there for the recipient
            stage = SmtpStage.RCPT  # whom the answer is about
        return _reply(stage, answer, message)

    async def _ask(self, smtp: SmtpClient, steps: Sequence[_Step]) -> _Refused | None:
        """The first answer that refuses; None: the relay waits for the body. Raises _BrokeOff."""
        if not smtp.supports_extension("pipelining"):
            for step in steps:
                with _broken_at(step):
                    answer = await smtp.execute_command(*step.command, timeout=step.limit_s)
                if not step.is_granted_by(answer):
                    return step.stage, answer
            return None
        refused: _Refused | None = None
        with _broken_at(steps[0]):
            async with smtp.together([step.command for step in steps]) as reply:
                for step in steps:
                    try:
                        with _broken_at(step):
                            answer = await reply(step.limit_s)
                    except _BrokeOff:
                        if refused is None:
                            raise
                        self._drop()  # it has said why before
                        return refused
                    if not step.is_granted_by(answer):
                        refused = refused or (step.stage, answer)
        if refused is not None and answer.code == _START_INPUT:
            self._drop()  # a message for nobody (RFC 2920 3.1): after 354 we can but hang up
        return refused

    async def _body(self, smtp: SmtpClient, message: Message) -> SmtpReply | Lost:
        try:
            smtp.begin_body(message.data)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            return Lost(SmtpStage.DATA, _reason(error, message))
        try:
            answer = await smtp.end_body(self._timeouts.body)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            return Lost(SmtpStage.BODY, _reason(error, message))
        self._sent += 1
        if answer.code == aiosmtplib.SMTPStatus.domain_unavailable:  # 421: it hangs up
            self._drop()
        return _reply(SmtpStage.BODY, answer, message)

    async def open(self) -> Unreachable | None:
        """Connect, TLS, AUTH: a session that is ready for MAIL. None: there is one."""
        relay, kind = self._relay, security(self._relay)
        smtp = SmtpClient(
            heard=self._heard,
            hostname=relay.host,
            port=port(relay),
            local_hostname=self._hello,
            use_tls=kind is Security.TLS,
            start_tls=False,  # a step of its own below, so that the dialogue is heard in order
            tls_context=self._tls_context,
            timeout=self._timeouts.connect,
        )
        try:
            smtp.overheard(await smtp.connect())
            if kind is Security.STARTTLS:
                await smtp.starttls()
            await smtp.greet()
            if relay.username is not None:
                await smtp.login(relay.username, relay.secret.reveal() if relay.secret else "")
        except aiosmtplib.SMTPResponseException as error:
            smtp.close()
            reply = SmtpReply(SmtpStage.CONNECT, error.code, relay_answers.clean(error.message))
            return Unreachable(str(reply), ours=judge(reply).verdict is Verdict.OURS)
        except (ConnectionError, TimeoutError) as error:
            smtp.close()
            return Unreachable(_reason(error), ours=_is_certificate(error))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # No AUTH, no STARTTLS, a certificate that is not its: somebody has to repair it.
            smtp.close()
            return Unreachable(_reason(error), ours=True)
        self._smtp, self._sent = smtp, 0
        return None

    def encryption(self) -> tuple[str | None, datetime | None]:
        """The version of TLS and when the relay's certificate ends; None, None without TLS."""
        transport = self._smtp.transport if self._smtp is not None else None
        secured = transport.get_extra_info("ssl_object") if transport is not None else None
        if secured is None:
            return None, None
        ends = (secured.getpeercert() or {}).get("notAfter")
        until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None
        return secured.version(), until

    async def _reset(self, smtp: SmtpClient) -> None:
        """Forget the refused envelope, so that the next message starts clean."""
        try:
            answer = await smtp.execute_command(b"RSET", timeout=self._timeouts.command)
        except (aiosmtplib.SMTPException, OSError):
            self._drop()
        else:
            if not _is_good(answer.code):
                self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp, self._sent = None, 0


def _is_good(code: int) -> bool:
    return code // 100 == 2  # noqa: PLR2004 - the family of success


def _is_certificate(error: BaseException) -> bool:
    """Whether a certificate was refused somewhere down the chain of causes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _reply(stage: SmtpStage, answer: aiosmtplib.SMTPResponse, message: Message) -> SmtpReply:
    return SmtpReply(stage, answer.code, _hidden(message, answer.message))


def _hidden(message: Message, text: str) -> str:
    """Without the recipient, and without the key of a return path (mail.returned)."""
    said = relay_answers.without(message.recipient, text)
    return relay_answers.without(message.sender, said) if "+" in message.sender else said


def _reason(error: BaseException, message: Message | None = None) -> str:
    """What went wrong; hidden before it is cut, or half of an address would be left."""
    said = f"{type(error).__name__}: {error}"
    return (relay_answers.clean(said) if message is None else _hidden(message, said))[:300]
