"""What rows say about a person besides their address: where a relay's answer repeats it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from service.store.audience import merging
from service.store.tables import (
    attempt,
    delivery,
    invitation,
    returned_mail,
    subscription,
    suppression,
)
from service.text.redaction import without_addresses


def redact(connection: Connection, people: Mapping[int, bytes]) -> None:
    """Subscriber id -> address key: take every address out of what was answered about their mail.

    To be called before anything is written of these people: who sends has a delivery first, and
    then its person (mailing.outcomes), and each would wait for the other.
    """
    mine = (
        select(delivery.c.id)
        .join(subscription)
        .where(subscription.c.subscriber_id.in_(list(people)))
    )
    replies = connection.execute(
        select(delivery.c.id, delivery.c.reply)
        .where(delivery.c.id.in_(mine), delivery.c.reply.like("%@%"))
        .order_by(delivery.c.id)
        .with_for_update(of=delivery)
    ).all()
    for row in replies:
        connection.execute(
            update(delivery)
            .where(delivery.c.id == row.id)
            .values(reply=without_addresses(row.reply))
        )
    answers = connection.execute(
        select(attempt)
        .where(attempt.c.delivery_id.in_(mine), attempt.c.answer.like("%@%"))
        .order_by(attempt.c.delivery_id, attempt.c.n)
    ).all()
    for row in answers:
        connection.execute(
            update(attempt)
            .where(attempt.c.delivery_id == row.delivery_id, attempt.c.n == row.n)
            .values(answer=without_addresses(row.answer))
        )
    # By whose mail it was, not by the address alone: a left one may be somebody else's by now.
    returned = select(returned_mail.c.delivery_id).where(returned_mail.c.delivery_id.in_(mine))
    for key in sorted(set(connection.execute(returned).scalars())):
        connection.execute(
            update(returned_mail).where(returned_mail.c.delivery_id == key).values(reason="")
        )
    theirs = select(suppression.c.address_key).where(merging.suppressions_of(people))
    for key in sorted(connection.execute(theirs).scalars()):
        connection.execute(
            update(suppression).where(suppression.c.address_key == key).values(evidence="")
        )
    invited = (
        select(invitation.c.address_key)
        .join(subscription)
        .where(subscription.c.subscriber_id.in_(list(people)))
    )
    for key in sorted(connection.execute(invited).scalars()):
        connection.execute(
            update(invitation).where(invitation.c.address_key == key).values(accepted_how=None)
        )


def message_ids(connection: Connection, subscriber_id: int) -> list[str]:
    """The Message-IDs (KEY@HOST) of all that was ever planned for this person."""
    rows = connection.execute(
        select(delivery.c.message_id)
        .join(subscription)
        .where(subscription.c.subscriber_id == subscriber_id)
    )
    return list(rows.scalars())
