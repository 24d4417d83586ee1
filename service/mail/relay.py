"""One connection to a relay, one message at a time: MAIL, RCPT, DATA, 354, *gate*, body.

Where the relay offers PIPELINING (RFC 2920) the three commands travel together, and those of the
next message behind the body of the one before: on a long line a message then takes one round trip
instead of four. No body travels before its own 354 and gate: see smtp/client.py.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime

import aiosmtplib

from service.config.schema import Relay
from service.mail import relay_answers
from service.mail.classify import SmtpReply, SmtpStage, Verdict, is_misread, judge
from service.mail.handover import Following, Gate, GateClosed, Handover, Lost, Unfit, Unreachable
from service.mail.personal import Message
from service.mail.security import Security, port, security
from service.mail.smtp.client import Heard, SmtpClient, are_sound
from service.mail.smtp.envelope import (
    START_INPUT,
    BrokeOff,
    Step,
    Timeouts,
    broken_at,
    commands_of,
    is_good,
    steps_of,
)
from service.mail.smtp.habits import Habits

MESSAGES_PER_CONNECTION = 200
"""Then a fresh one: many relays count, and drop the connection in the middle of a dialogue."""

_TRY_AGAIN = 451
"""What a relay should have said (RFC 5321 4.2.3)."""

_Refused = tuple[SmtpStage, aiosmtplib.SMTPResponse]


class RelayConnection:
    """A kept connection: opened at its first message, and again when it broke. Never shared."""

    def __init__(
        self,
        relay: Relay,
        hello: str,
        timeouts: Timeouts,
        tls_context: ssl.SSLContext | None = None,
        heard: Heard | None = None,
        habits: Habits | None = None,
    ) -> None:
        """`hello` is our name in EHLO. `tls_context` None: the system's certificates.

        `heard` is told the dialogue, without the password. `habits`: what other connections to
        this relay have learned.
        """
        self._relay = relay
        self._hello = hello
        self._timeouts = timeouts
        self._tls_context = tls_context
        self._heard = heard
        self._habits = habits or Habits()
        self._ahead: Message | None = None  # its envelope went behind the last body
        self._smtp: SmtpClient | None = None
        self._sent = 0

    async def deliver(
        self,
        message: Message,
        gate: Gate,
        *,
        hurried: bool = False,
        following: Following | None = None,
    ) -> Handover:
        """Hand over one message. Whatever goes wrong on the way comes back as a value.

        Only what `gate` raises is raised, after the connection was closed without a body.
        """
        ahead = self._ahead is message
        if self._ahead is not None and not ahead:
            self._drop()  # after 354 we can but hang up
        self._ahead = None
        if self._sent >= MESSAGES_PER_CONNECTION:
            await self.close()
        reused, sent = self._smtp is not None, self._sent
        result = await self._deliver_once(message, gate, following, hurried=hurried, ahead=ahead)
        if ahead and _was_not_read(result):
            self._habits.was_misread()
            self._drop()
        elif reused and isinstance(result, Lost) and result.stage is SmtpStage.MAIL:
            # Hung up on while idle: that says nothing about this message.
            if ahead:
                self._habits.ended_after(sent)
        else:
            return result
        return await self._deliver_once(message, gate, following, hurried=hurried)

    @property
    def is_ahead(self) -> bool:
        """Whether an envelope waits for its body, in a connection that still stands."""
        return self._ahead is not None and self._smtp is not None and self._smtp.is_connected

    async def close(self) -> None:
        """Say goodbye if the relay still listens."""
        if self._ahead is not None:
            self._drop()  # it listens for a body
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

    async def _deliver_once(
        self,
        message: Message,
        gate: Gate,
        following: Following | None,
        *,
        hurried: bool,
        ahead: bool = False,
    ) -> Handover:
        """`ahead`: the relay has its envelope."""
        if not ahead and (self._smtp is None or not self._smtp.is_connected):
            failure = await self.open()
            if failure is not None:
                return failure
        smtp = self._smtp
        assert smtp is not None
        if message.utf8 and not smtp.supports_extension("smtputf8"):
            return Unfit("5.6.7 the relay does not take addresses that are not ASCII")
        refused = await self._envelope(smtp, message, hurried=hurried, ahead=ahead)
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
        return await self._body(smtp, message, following)

    async def _envelope(
        self, smtp: SmtpClient, message: Message, *, hurried: bool, ahead: bool
    ) -> SmtpReply | Lost | None:
        """MAIL, RCPT, DATA up to 354; None when the relay waits for the body."""
        steps = steps_of(smtp, message, self._timeouts, hurried=hurried, ahead=ahead)
        try:
            refused = await self._ask(smtp, steps, ahead=ahead)
        except BrokeOff as error:
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

    async def _ask(
        self, smtp: SmtpClient, steps: Sequence[Step], *, ahead: bool
    ) -> _Refused | None:
        """The first answer that refuses; None: the relay waits for the body. Raises BrokeOff."""
        if not smtp.supports_extension("pipelining"):
            for step in steps:
                with broken_at(step):
                    answer = await smtp.execute_command(*step.command, timeout=step.limit_s)
                if not step.is_granted_by(answer):
                    return step.stage, answer
            return None
        refused: _Refused | None = None
        if not ahead:
            with broken_at(steps[0]):
                smtp.write_group(commands_of(steps))
        for step in steps:
            try:
                with broken_at(step):
                    answer = await smtp.reply(step.limit_s)
            except BrokeOff:
                if refused is None:
                    raise
                self._drop()  # it has said why before
                return refused
            if not step.is_granted_by(answer):
                refused = refused or (step.stage, answer)
        smtp.settle()
        if refused is not None and answer.code == START_INPUT:
            self._drop()  # a message for nobody (RFC 2920 3.1): after 354 we can but hang up
        return refused

    async def _body(
        self, smtp: SmtpClient, message: Message, following: Following | None
    ) -> SmtpReply | Lost:
        """The body, and behind it the envelope of what follows if that is there."""
        ahead = self._next(smtp, following)
        steps = () if ahead is None else self._steps(smtp, ahead)
        try:
            smtp.begin_body(message.data, commands_of(steps))
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            return Lost(SmtpStage.DATA, _reason(error, message))
        try:
            if ahead is not None and following is not None:
                answer, ahead = await self._last_word(smtp, ahead, following)
            else:
                answer = await smtp.end_body(self._timeouts.body)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            return Lost(SmtpStage.BODY, _reason(error, message))
        self._sent += 1
        reply = _reply(SmtpStage.BODY, answer, message)
        misread = bool(steps) and not is_good(answer.code) and is_misread(reply)
        if misread:
            self._habits.was_misread()
        if misread or answer.code == aiosmtplib.SMTPStatus.domain_unavailable:  # 421: it hangs up
            self._drop()
        elif steps and ahead is None:
            self._drop()  # an envelope whose message went elsewhere
        else:
            self._ahead = ahead
        return _for_now(reply) if misread else reply

    def _next(self, smtp: SmtpClient, following: Following | None) -> Message | None:
        """The message whose envelope goes behind this body; None: it goes alone."""
        sent, now = self._sent + 1, asyncio.get_running_loop().time()
        if (
            following is None
            or sent >= MESSAGES_PER_CONNECTION
            or not smtp.supports_extension("pipelining")
            or not self._habits.go_ahead(sent, now)
        ):
            return None
        message = following.take()
        if message is None or (message.utf8 and not smtp.supports_extension("smtputf8")):
            return None
        return message if are_sound(commands_of(self._steps(smtp, message))) else None

    def _steps(self, smtp: SmtpClient, ahead: Message) -> tuple[Step, ...]:
        return steps_of(smtp, ahead, self._timeouts, hurried=True, ahead=True)

    async def _last_word(
        self, smtp: SmtpClient, ahead: Message, following: Following
    ) -> tuple[aiosmtplib.SMTPResponse, Message | None]:
        """The answer to the body, and what follows; None where that has not waited so long."""
        limits = self._timeouts
        try:
            return await smtp.end_body(min(limits.ahead, limits.body)), ahead
        except aiosmtplib.SMTPReadTimeoutError:
            if limits.body <= limits.ahead:
                raise
        following.release()
        self._habits.was_slow(asyncio.get_running_loop().time())
        return await smtp.end_body(limits.body - limits.ahead), None

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
            if not is_good(answer.code):
                self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp, self._sent, self._ahead = None, 0, None


def _was_not_read(result: Handover) -> bool:
    """Whether a relay, given an envelope behind a body, did not see it as what it was."""
    if isinstance(result, SmtpReply):
        return result.stage is SmtpStage.MAIL and is_misread(result)
    return isinstance(result, Lost) and result.stage is SmtpStage.MAIL and result.slow


def _for_now(reply: SmtpReply) -> SmtpReply:
    """A refusal of what stood behind the body: the message may fare better alone, so it waits."""
    if reply.code // 100 != 5:  # noqa: PLR2004 - the family of refusals
        return reply
    return SmtpReply(reply.stage, _TRY_AGAIN, f"{reply.code} {reply.text}")


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
