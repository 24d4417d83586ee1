"""Trying the ways out: a login for `bantin check --live`, a real message for `bantin mail test`."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from service.config.schema import Relay, Settings
from service.errors import UsageError
from service.mail import personal
from service.mail.classify import SmtpReply, Verdict, judge
from service.mail.handover import GateClosed, Handover, Lost, NotNoted, Unfit, Unreachable
from service.mail.personal import NOBODYS_TOKEN, Message, PersonalMail, TransactionalComposer
from service.mail.relay import RelayConnection
from service.mail.relays import OUTBOX, OutboxChannel, outbox_of
from service.mail.security import Security, is_loopback, port, security
from service.mail.smtp.envelope import Timeouts
from service.model import DeliveryKind
from service.render.engine import Renderer
from service.store.mailing.recipients import Recipient
from service.text.unknown_name import no_such

PATIENCE = Timeouts(connect=20.0, command=60.0, body=120.0)
"""Somebody waits before a terminal: shorter than a relay may take by night."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What a login gave; `said` in plain words.

    `tls`: its version, such as "TLSv1.3", None where nothing is encrypted. `until`: when the
    relay's certificate ends. `here`: the relay is on this machine.
    """

    name: str
    ok: bool
    said: str
    tls: str | None = None
    until: datetime | None = None
    here: bool = False


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of a test message.

    `relay` is "(outbox)" where none is configured. `ours`: the relay refused us, or there was no
    session with it; else it spoke of this address or message. `dialogue`: ("C" ours or "S" the
    relay's, line), without the password.
    """

    relay: str
    address: str
    message_id: str
    ok: bool
    ours: bool
    answer: str
    dialogue: tuple[tuple[str, str], ...] = field(default=())


async def log_in(settings: Settings, tell: Callable[[LoggedIn], None]) -> None:
    """Connect to each relay, start TLS, log in and quit; no message is begun."""
    for relay in settings.mail.relay.values():
        connection = RelayConnection(relay, personal.host(settings), PATIENCE)
        try:
            failure = await connection.open()
            tls, until = connection.encryption()
        finally:
            await connection.close()
        where = _where(relay)
        if failure is not None:
            tell(LoggedIn(relay.id, ok=False, said=f"{where}: {failure.reason}"))
        else:
            who = f"logged in as {relay.username}" if relay.username else "no login is configured"
            here = is_loopback(relay.host)
            tell(
                LoggedIn(relay.id, ok=True, said=f"{where}: {who}", tls=tls, until=until, here=here)
            )


async def send(
    settings: Settings,
    renderer: Renderer,
    address: str,
    now: datetime,
    key: bytes,
    relay: str | None = None,
) -> TrialResult:
    """Send one message of its own, which no ledger knows.

    `key`: 20 random bytes, which become its Message-ID. `relay`: an id of the configuration; None:
    the first there is, else the outbox. Raises UsageError for an unknown one, MailError for an
    address that is none.
    """
    message_id = f"{b32encode(key).decode().lower()}@{personal.host(settings)}"
    message = _compose(settings, renderer, address, now, message_id)
    chosen = _chosen(settings, relay)
    heard: list[tuple[str, str]] = []
    if chosen is None:
        result = await OutboxChannel(outbox_of(settings)).deliver(message, _always)
    else:
        connection = RelayConnection(
            chosen,
            personal.host(settings),
            PATIENCE,
            heard=lambda who, line: heard.append((who, line)),
        )
        try:
            result = await connection.deliver(message, _always)
        finally:
            await connection.close()
    ok, ours, answer = _verdict(result)
    name = chosen.id if chosen is not None else OUTBOX
    return TrialResult(name, message.recipient, message_id, ok, ours, answer, tuple(heard))


async def _always() -> bool:
    return True


def _chosen(settings: Settings, name: str | None) -> Relay | None:
    relays = settings.mail.relay
    if name is None:
        return next(iter(relays.values()), None)
    if name not in relays:
        raise UsageError(no_such("relay", name, relays))
    return relays[name]


def _compose(
    settings: Settings, renderer: Renderer, address: str, now: datetime, message_id: str
) -> Message:
    language = renderer.site.language
    digest = next(iter(settings.digest), "test")
    recipient = Recipient(None, address, NOBODYS_TOKEN, now, None, digest, digest)
    mail = PersonalMail(
        kind=DeliveryKind.REPORT,
        message_id=message_id,
        dated_at=now,
        language=language,
        segment=message_id.encode(),
        parts=renderer.mail("test", language),
        recipient=recipient,
    )
    return TransactionalComposer(settings).compose(mail)


def _verdict(result: Handover) -> tuple[bool, bool, str]:
    """(taken, the relay's or our own fault, what was said)."""
    match result:
        case SmtpReply():
            verdict = judge(result).verdict
            return verdict is Verdict.ACCEPTED, verdict is Verdict.OURS, str(result)
        case Unreachable() | NotNoted():
            return False, True, result.reason
        case Lost():
            return False, True, f"{result.stage}: {result.reason}"
        case Unfit():
            return False, False, result.reason
        case GateClosed():
            return False, False, "not sent"


def _where(relay: Relay) -> str:
    words = {Security.TLS: "TLS", Security.STARTTLS: "STARTTLS", Security.PLAIN: "no encryption"}
    return f"{relay.host}:{port(relay)}, {words[security(relay)]}"
