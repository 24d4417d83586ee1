"""Making a rendered message personal: the values of its marks, its headers, its bytes.

Sending and previewing both come through `TransactionalComposer.compose`, so a preview is the mail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from service.config.schema import Settings
from service.errors import MailError
from service.mail import addresses, message
from service.model import DeliveryKind, Parts
from service.render import dates
from service.render.engine import shipped_templates
from service.render.logo import logo_of, without_missing
from service.render.site_facts import base_url
from service.render.words import WordsByLanguage
from service.store.mailing.recipients import Recipient
from service.text.clean import shorten

if TYPE_CHECKING:
    from service.mail.signing.dkim import Signer

NOBODYS_TOKEN = "0" * 32
"""The token in a preview that is to nobody: it has the shape of one and acts on no subscription."""


TOPICS_CHARS = 300
"""Of the topics that a mail's foot names: more of them are counted."""

_MOST_DAYS = 1000


@dataclass(frozen=True, slots=True)
class PersonalMail:
    """One message before it is made personal. `segment` is the hash of its segment."""

    kind: DeliveryKind
    message_id: str
    dated_at: datetime
    language: str
    segment: bytes
    parts: Parts
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed over: the bytes, and the two addresses of the SMTP envelope.

    `utf8` says that the recipient's local part is not ASCII, so that the relay must know SMTPUTF8.
    """

    key: str
    data: bytes
    sender: str
    recipient: str
    utf8: bool


def unsubscribe_path(token: str) -> str:
    """GET shows a page, POST acts: the address in List-Unsubscribe and in the footer."""
    return f"/unsubscribe/{token}"


def preferences_path(token: str) -> str:
    return f"/preferences/{token}"


def review_path(token: str) -> str:
    """GET shows an edition to its editor, POST acts."""
    return f"/review/{token}"


def confirm_path(token: str) -> str:
    return f"/confirm/{token}"


def own_path(link: str) -> str:
    """The page of an address and its data; `link` is signed (audience.tokens)."""
    return f"/me/{link}"


def move_path(token: str) -> str:
    """The yes of a new address, after a change."""
    return f"/move/{token}"


def host(settings: Settings) -> str:
    """The host that stands in Message-ID and List-Id, in ASCII; `localhost` without a base_url."""
    name = urlsplit(settings.site.base_url or "").hostname or "localhost"
    return "localhost" if ":" in name else addresses.ascii_domain(name)


def sender(settings: Settings) -> tuple[str, str]:
    """(title, address) that mail comes from. Raises MailError for one that is not an address."""
    written = settings.mail.from_
    if written is None:
        return settings.site.title, "bantin@localhost"
    return mailbox(written)


def mailbox(written: str) -> tuple[str, str]:
    """`"Title <name@example.org>"` or the bare address -> (title, address with an ASCII domain).

    Raises MailError for anything else.
    """
    title, address = parseaddr(written)
    try:
        plain = addresses.envelope(address)
    except addresses.AddressError as error:
        if address == written:
            raise
        raise addresses.AddressError(f"not an address: {written!r}") from error
    if plain.utf8:
        raise MailError(f"relays want an address in ASCII before the @: {written!r}")
    return title, plain.address


def _is_to_an_editor(mail: PersonalMail) -> bool:
    """Whether no subscription of theirs must end by a button of their mail program."""
    return mail.kind is DeliveryKind.REPORT and mail.recipient.subscription_id is not None


def _signer(settings: Settings) -> Signer | None:
    if settings.mail.dkim is None:
        return None
    # Its library costs 10 MB and 30 ms, which a service that does not sign saves.
    from service.mail.signing.dkim import signer_of  # noqa: PLC0415

    return signer_of(settings.mail.dkim)


class TransactionalComposer:
    """Turns transactional mails into messages for one configuration.

    Build it anew when that changes.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises MailError when `from` or `reply_to` is not an address, or the key cannot sign."""
        self._settings = settings
        self._base = base_url(settings)
        self._host = host(settings)
        self._sender = sender(settings)
        reply_to = settings.mail.reply_to
        self._reply_to = None if reply_to is None else mailbox(reply_to)
        self._signer = _signer(settings)
        logo = logo_of(settings.root, settings.branding.logo)
        self._picture = None if logo is None else message.inline(logo.cid, logo.kind, logo.data)
        self._pictured = lru_cache(maxsize=16)(lambda html: without_missing(html, logo))
        self._words = WordsByLanguage([settings.root / "templates", shipped_templates()])
        self._days: dict[tuple[date, str], str] = {}

    def compose(self, mail: PersonalMail) -> Message:
        """Makes the message of a transactional mail.

        Raises MailError, for its address too (AddressError).
        """
        recipient = mail.recipient
        if recipient.address is None:
            raise addresses.AddressError("the address is forgotten")
        to = addresses.envelope(recipient.address)
        envelope = message.Envelope(
            kind=mail.kind,
            message_id=mail.message_id,
            dated_at=mail.dated_at,
            sender=self._sender,
            recipient=to.address,
            reply_to=self._reply_to,
            list_id=f"{recipient.digest}.{self._host}",
            unsubscribe_url=None
            if _is_to_an_editor(mail)
            else self._base + unsubscribe_path(recipient.token),
            archive_url=f"{self._base}/digests/{recipient.digest}/",
            feedback_id=f"{recipient.digest}:{mail.kind}:bantin",
            language=mail.language,
            segment=mail.segment,
        )
        parts = replace(mail.parts, html=self._pictured(mail.parts.html))
        values = self.values(recipient, mail.language)
        data = message.build(parts, envelope, self._picture, values)
        if self._signer is not None:
            data = self._signer.sign(data, mail.dated_at)
        return Message(
            key=message.key_of(mail.message_id),
            data=data,
            sender=self._sender[1],
            recipient=to.address,
            utf8=to.utf8,
        )

    def values(self, recipient: Recipient, language: str) -> dict[str, str]:
        """What fills the marks (render.marks.NAMES), in the mail's language."""
        return {
            "address": recipient.address or "",
            "since": self._day(recipient.subscribed_at, language),
            "topics": self._named(self._topics(recipient), language),
            "unsubscribe_url": self._base + unsubscribe_path(recipient.token),
            "preferences_url": self._base + preferences_path(recipient.token),
            "confirm_url": self._base + confirm_path(recipient.token),
        }

    def _day(self, at: datetime, language: str) -> str:
        """Many have subscribed on one day."""
        zone = self._zone()
        day = at.astimezone(ZoneInfo(zone)).date()
        if (day, language) not in self._days:
            if len(self._days) >= _MOST_DAYS:
                self._days.clear()
            self._days[day, language] = dates.day(day, zone, self._words(language))
        return self._days[day, language]

    def _topics(self, recipient: Recipient) -> list[str]:
        """Titles of the chosen topics that the digest has, in the order of the digest."""
        settings = self._settings
        digest = settings.digest.get(recipient.digest)
        offered = (digest and digest.topics) or tuple(settings.topic)
        chosen = [t for t in offered if recipient.topics is None or t in recipient.topics]
        known = [settings.topic[name] for name in chosen if name in settings.topic]
        return [topic.title or topic.id for topic in known]

    def _named(self, topics: list[str], language: str) -> str:
        """Titles in a sentence, which has an end however many and long they are."""
        named: list[str] = []
        for title in topics:
            if named and len(", ".join((*named, title))) > TOPICS_CHARS:
                break
            named.append(shorten(title, TOPICS_CHARS))
        together, more = ", ".join(named), len(topics) - len(named)
        if not more:
            return together
        return self._words(language).say("digest.topics.more", topics=together, n=more)

    def _zone(self) -> str:
        return self._settings.site.timezone or "UTC"
