"""How many mails sign-ups may cause: to one address, one mailbox, one domain, and to everybody.

Nobody may use our form to fill somebody's mailbox, or to make us a sender that providers shut out.
What goes beyond a mailbox's cap is not written; what goes beyond a domain's, or that of all
together, is written later, so that a flood delays others and never refuses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.audience.departures import BY_THE_OWNER
from service.model import DeliveryKind
from service.store.audience import subscriptions
from service.store.audience.signup_hours import EVERYBODY, Cap
from service.store.core.database import Connection
from service.store.mailing import transactional
from service.text import mailboxes
from service.text.web.sites import site_of

_DAY, _MONTH = timedelta(days=1), timedelta(days=30)
_EVERYBODY, _DOMAIN = Cap(an_hour=300, a_day=3000), Cap(an_hour=150, a_day=1500)


@dataclass(frozen=True, slots=True)
class Caps:
    """Mails that sign-ups may cause.

    `everybody`: a launch in a large office stays under it, a flood does not; close to 5,000 mails
    a day make a sender "bulk" for good. `domain`: half of it, so that one domain leaves room for
    the others. `mailbox_day` and `mailbox_month` count all spellings of one mailbox.
    """

    everybody: Cap = _EVERYBODY
    domain: Cap = _DOMAIN
    mailbox_day: int = 3
    mailbox_month: int = 5

    def counters(self, secret: bytes, address: str) -> dict[bytes, Cap]:
        """The counters that a mail to this address (a normal form) is counted in."""
        domain = site_of(f"https://{address.rpartition('@')[2]}")
        return {EVERYBODY: self.everybody, mailboxes.domain_key(secret, domain): self.domain}

    def may_write(
        self,
        connection: Connection,
        subscriber_id: int,
        mailbox_key: bytes,
        now: datetime,
        kinds: Sequence[DeliveryKind] = transactional.SIGNUP_KINDS,
    ) -> bool:
        """Whether one more mail may go to this person: one a day, and no more to the mailbox.

        `kinds`: which of the day's mails take the place of this one. A question that waits for a
        yes is answered by no other: not by the link to their own page, which is a CHANGE.

        A new day begins with a goodbye, which nobody but the mailbox's owner can say: who signs up
        again after it gets a new mail.
        """
        since = max(now - _DAY, self._goodbye(connection, subscriber_id) or now - _DAY)
        return (
            transactional.signups_of(connection, subscriber_id, since, kinds) == 0
            and transactional.signups_of_mailbox(connection, mailbox_key, now - _DAY)
            < self.mailbox_day
            and transactional.signups_of_mailbox(connection, mailbox_key, now - _MONTH)
            < self.mailbox_month
        )

    def _goodbye(self, connection: Connection, subscriber_id: int) -> datetime | None:
        """When the person last ended a subscription; None: never."""
        return max(
            (
                one.ended_at
                for one in subscriptions.of_person(connection, subscriber_id)
                if one.ended_at is not None and one.ended_reason in BY_THE_OWNER
            ),
            default=None,
        )
