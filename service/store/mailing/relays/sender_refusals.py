"""Mails that wait because their provider wants this sender proven: SPF, DKIM, DMARC, PTR.

Such an answer is about us, and no reader's fault. It is known by its status alone: subject 7 and
one of these details, of RFC 7372, of Gmail (support.google.com/a/answer/3726730) and of Microsoft.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from service.model import DeliveryKind, DeliveryState
from service.store.tables import delivery, subscriber, subscription

DETAILS = frozenset({20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 32, 509, 515})
"""25: the address has no name (PTR). 29: no TLS. 30: no DKIM. 509, 515: Microsoft's of DMARC."""

_MOST = 1000
"""Mails that are looked at: a provider with more is told as "at least" by their number."""

_STATUS = re.compile(r"(?:rcpt|data|body): [45]\d\d [45]\.7\.(\d{1,3}) ")
_REFUSAL = re.compile(r"(?:rcpt|data|body): 5\d\d 5\.7\.\d{1,3}\b")
_POLICY = re.compile(r"(?:rcpt|data|body): (?:421\b|[45]\d\d [45]\.7\.\d{1,3}\b)")
_LIKE = tuple(
    f"%: ___ {family}.7.{detail} %" for family in (4, 5) for detail in ("2_", "3_", "5__")
)
"""What may be one, for the database; `is_one` judges what it finds."""


@dataclass(frozen=True, slots=True)
class SenderRefusals:
    """`domains`: of the addresses, the one with the most mails first. `answer`: the newest."""

    domains: tuple[str, ...]
    answer: str
    waiting: int


def is_one(answer: str) -> bool:
    """Whether an answer as it is stored wants the sender proven."""
    found = _STATUS.search(answer)
    return found is not None and int(found[1]) in DETAILS


def is_refusal(answer: str) -> bool:
    """Whether an answer as it is stored refuses us, for that reason or by another rule (5.7.x)."""
    return is_one(answer) or _REFUSAL.search(answer) is not None


def is_policy(answer: str) -> bool:
    """Whether an answer as it is stored is a rule of the destination: X.7.x, or 421."""
    return _POLICY.search(answer) is not None


def waiting(connection: Connection) -> SenderRefusals | None:
    """What waits because of it; None: nothing.

    Editions alone: they go to people who have confirmed, while a confirmation goes to an address of
    anybody's choice, whose server may answer anything.
    """
    found = connection.execute(
        select(subscriber.c.address, delivery.c.reply)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
        .where(
            delivery.c.state == DeliveryState.DEFERRED.value,
            delivery.c.kind == DeliveryKind.EDITION.value,
            or_(*(delivery.c.reply.like(pattern) for pattern in _LIKE)),
        )
        .order_by(delivery.c.id.desc())
        .limit(_MOST)
    )
    rows = [(str(row.address), str(row.reply)) for row in found if is_one(str(row.reply))]
    if not rows:
        return None
    domains = Counter(address.rpartition("@")[2].lower() for address, _ in rows)
    names = tuple(name for name, _ in domains.most_common())
    answer = rows[0][1]
    match = _STATUS.search(answer)
    return SenderRefusals(names, answer[match.start() :] if match else answer, len(rows))
