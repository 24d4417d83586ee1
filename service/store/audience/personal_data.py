"""Everything that the store keeps about one person, table by table."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from service.store import tables as t
from service.store.audience import merging
from service.text.mailboxes import folded

UNSAID = {
    t.address_change: ("token", "subscription_id"),
    t.review_link: ("token",),
    t.segment: ("parts",),
}
"""Left out: the permission that was mailed to another address, and whose that is; an editor's
permission; the packed body of a mail, which is not kept once it was sent."""


def of_person(connection: Connection, subscriber_id: int) -> dict[str, list[dict[str, Any]]]:
    """Table -> its rows about this person, as values of JSON: instants in ISO 8601 UTC, bytes hex.

    Of what was told, the title and address of each article stand beside it.
    """
    own = select(t.subscriber.c.address).where(t.subscriber.c.id == subscriber_id)
    address = connection.execute(own).scalar_one() or ""
    written = {one for one in (address, folded(address)) if one}
    mine = select(t.subscription.c.id).where(t.subscription.c.subscriber_id == subscriber_id)
    mails = select(t.delivery.c.id).where(t.delivery.c.subscription_id.in_(mine))
    versions = select(t.invitation.c.text_version).where(t.invitation.c.subscription_id.in_(mine))
    segments = select(t.delivery.c.segment_id).where(t.delivery.c.subscription_id.in_(mine))
    where: dict[Table, ColumnElement[bool]] = {
        t.subscriber: t.subscriber.c.id == subscriber_id,
        t.former_address: t.former_address.c.subscriber_id == subscriber_id,
        t.address_change: t.address_change.c.subscriber_id == subscriber_id,
        t.subscription: t.subscription.c.subscriber_id == subscriber_id,
        t.subscription_event: t.subscription_event.c.subscription_id.in_(mine),
        t.invitation: t.invitation.c.subscription_id.in_(mine),
        t.invitation_text: t.invitation_text.c.version.in_(versions),
        t.suppression: merging.suppressions_of([subscriber_id]),
        t.delivery: t.delivery.c.subscription_id.in_(mine),
        t.segment: t.segment.c.id.in_(segments) & t.segment.c.edition_id.is_(None),
        t.attempt: t.attempt.c.delivery_id.in_(mails),
        t.correction: t.correction.c.subscriber_id == subscriber_id,
        t.returned_mail: t.returned_mail.c.delivery_id.in_(mails),
        t.review_link: t.review_link.c.address.in_(written),
        t.review_act: t.review_act.c.address.in_(written),
    }
    found = {table.name: _rows(connection, table, only) for table, only in where.items()}
    return {**found, t.told.name: _told(connection, subscriber_id)}


def _rows(connection: Connection, table: Table, only: ColumnElement[bool]) -> list[dict[str, Any]]:
    columns = [one for one in table.c if one.name not in UNSAID.get(table, ())]
    rows = connection.execute(select(*columns).where(only).order_by(*table.primary_key))
    return [_plain(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's own name for it


def _told(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(t.told, t.article.c.title, t.article.c.link)
        .join(t.article, t.article.c.id == t.told.c.article_id)
        .where(t.told.c.subscriber_id == subscriber_id)
        .order_by(t.told.c.delivery_id, t.told.c.article_id)
    )
    return [_plain(row._mapping) for row in rows]  # noqa: SLF001


def _plain(row: Any) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else value


def as_json(told: Any) -> bytes:
    """The document, in UTF-8, for people to read as well."""
    return json.dumps(told, ensure_ascii=False, indent=1).encode()
