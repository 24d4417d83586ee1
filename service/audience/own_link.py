"""The signed link to one's own page, where an address is changed, shown and forgotten.

It is asked for on the preferences page, whose link stands in every mail, and goes to the address
itself: who was only forwarded a mail cannot read it, and can have only so many sent to its reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.audience import mails, tokens, unsubscribe
from service.audience.tokens import is_token
from service.config.schema import Settings
from service.mail.personal import own_path
from service.model import DeliveryKind
from service.render.engine import Renderer
from service.render.site_facts import base_url
from service.store.audience import merging, subscriptions
from service.store.audience.subscriptions import Subscription
from service.store.core import facts
from service.store.core.database import Store
from service.store.mailing import transactional
from service.text import mailboxes

LASTS = timedelta(days=1)
"""How long the link works."""

HOURS = int(LASTS.total_seconds()) // 3600

A_DAY = 3
"""Mails with such a link to one address; they take no sign-up's place, nor does one theirs."""

A_MONTH = 10
"""The same in 30 days, to all addresses that lead into one mailbox."""

_MONTH = timedelta(days=30)

_PRESSED_TWICE = timedelta(minutes=2)


class OwnLinkState(StrEnum):
    """Where a signed link leads."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OPEN = "open"
    FORGOTTEN = "forgotten"  # its address was deleted
    MOVED = "moved"  # its address was changed


@dataclass(frozen=True, slots=True)
class OwnPage:
    """`subscription` is the one that the link was asked for with; None where it is unknown."""

    standing: OwnLinkState
    subscription: Subscription | None = None


def ask(
    store: Store, settings: Settings, renderer: Renderer, now: datetime, token: str
) -> Subscription | None:
    """Mail the link to the address behind this token. Pressed twice it is mailed once.

    Returns the subscription, whether a mail is due or those of the day or month are used up; None:
    no such link, or it is not active. Raises TemplateError.
    """
    if not is_token(token):
        return None
    with store.ledger() as connection:
        found = subscriptions.held(connection, token)
        if found is None or not (found.live and found.confirmed) or found.address is None:
            return None
        lately = transactional.apart_of(connection, found.subscriber_id, now - LASTS)
        just_now = transactional.apart_of(connection, found.subscriber_id, now - _PRESSED_TWICE)
        secret = facts.secret(connection)
        mailbox_key = mailboxes.mailbox_key(secret, found.address)
        of_month = transactional.apart_of_mailbox(connection, mailbox_key, now - _MONTH)
        if lately >= A_DAY or of_month >= A_MONTH or just_now:
            return found
        until = now + LASTS
        link = tokens.own_link(secret, found.token, found.address_key, until)
        language = mails.language_for(settings, renderer, found.language)
        page = base_url(settings) + own_path(link)
        parts = renderer.mail("own", language, link=page, hours=HOURS)
        kind = DeliveryKind.CHANGE
        mails.plan(connection, settings, secret, kind, found.id, parts, language, now, now,
                   apart=True)  # fmt: skip
        return found


def open_page(store: Store, now: datetime, text: str) -> OwnPage:
    """Follow a signed link. A forged one, and of another person's address: unknown."""
    link = tokens.read_own_link(text)
    if link is None:
        return OwnPage(OwnLinkState.UNKNOWN)
    with store.read() as connection:
        secret = facts.known_secret(connection)
        found = subscriptions.by_token(connection, link.token)
        if secret is None or found is None:
            return OwnPage(OwnLinkState.UNKNOWN)
        before = merging.former_keys(connection, [found.subscriber_id])
    is_current = tokens.is_own_link(secret, link, found.address_key)
    former = before.get(found.subscriber_id, ())
    if not (is_current or any(tokens.is_own_link(secret, link, one) for one in former)):
        return OwnPage(OwnLinkState.UNKNOWN)
    if unsubscribe.is_gone(found) or found.address is None:
        return OwnPage(OwnLinkState.FORGOTTEN, found)
    if not is_current:
        return OwnPage(OwnLinkState.MOVED, found)
    standing = OwnLinkState.OPEN if now < link.until else OwnLinkState.EXPIRED
    return OwnPage(standing, found)
