"""A store with mail in it: a digest, subscribers, a delivery to each, as planning leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, bindparam, select, update

from service.config.schema import Settings
from service.mail.message import edition_message_id
from service.model import DeliveryKind, Parts
from service.render.marks import mark
from service.store import tables as t
from service.store.core import facts
from service.store.core.database import Store
from service.store.mailing import deliveries, told
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.message_parts import pack
from tests import builders

PARTS = Parts(
    subject="Điểm tin tuần, 24/11/2026: Học sinh nghỉ học vì bão số 13",
    text=f"GIÁO DỤC\n\n1. Học sinh nghỉ học vì bão\n.một dòng bắt đầu bằng dấu chấm\n"
    f"..hai dấu chấm\n.\n{mark('address')} từ {mark('since')}\n{mark('unsubscribe_url')}\n",
    html=f'<html lang="vi"><p>Học sinh nghỉ học</p><a href="{mark("unsubscribe_url")}">Ngừng</a>\n'
    f"<p>{mark('topics')} {mark('address')}</p></html>\n",
)


@dataclass(frozen=True)
class Stock:
    """What was put in, in the order of the addresses."""

    digest: int
    edition: int
    segment: int
    articles: list[int]
    subscriptions: list[int]
    deliveries: list[int]
    message_ids: list[str]


def settings(tmp_path: Path, **mail: object) -> Settings:
    """A small configuration whose `var` is under `tmp_path`."""
    made = Settings.model_validate(
        {
            "site": {
                "title": "Tin Khoa giáo",
                "base_url": "https://tin.example.vn",
                "language": "vi",
                "timezone": "Asia/Ho_Chi_Minh",
            },
            "topic": {"giao-duc": {"title": "Giáo dục"}, "y-te": {"title": "Y tế"}},
            "digest": {"tuan": {"title": "Điểm tin tuần"}},
            "mail": {"from": "Tin Khoa giáo <tin@example.vn>", **mail},
        }
    )
    made._root = tmp_path
    return made


_OF_THESE = t.subscription.c.id.in_(bindparam("some", expanding=True))
_OWNERS = select(t.subscription.c.id, t.subscription.c.subscriber_id).where(_OF_THESE)
_COVER = update(t.subscription).where(_OF_THESE).values(covered_to=bindparam("cut"))


def fill(
    store: Store,
    now: datetime,
    addresses: list[str],
    *,
    digest: str = "tuan",
    scope: str = "news",
    articles: int = 2,
    expires_at: datetime | None = None,
    parts: Parts = PARTS,
) -> Stock:
    """Plan one edition, cut an hour ago, for these addresses."""
    with store.ledger() as connection:
        return _fill(connection, now, addresses, digest, scope, articles, expires_at, parts)


def _fill(
    connection: Connection,
    now: datetime,
    addresses: list[str],
    digest_name: str,
    scope: str,
    articles: int,
    expires_at: datetime | None,
    parts: Parts,
) -> Stock:
    cut = now - timedelta(hours=1)
    week_ago = now - timedelta(days=7)
    digest = builders.add_digest(connection, week_ago, digest_name, scope=scope)
    source = builders.add_source(connection, week_ago, f"bao-{digest_name}")
    topic = builders.add_topic(connection, week_ago, f"chu-de-{digest_name}")
    known = [
        builders.add_story(
            connection, source=source, topics=[topic], entered_at=cut - timedelta(hours=n + 1),
            title=f"Tin {n} của {digest_name}",
        )[1]
        for n in range(articles)
    ]  # fmt: skip
    edition = builders.add_edition(connection, digest, cut, week_ago)
    segment = builders._id(
        connection, t.segment, edition_id=edition, hash=digest_name.encode() * 8, language="vi",
        stories=[], parts=pack(parts),
    )  # fmt: skip
    secret = facts.secret(connection)
    new, people = [], []
    for address in addresses:
        subscription = builders.add_subscription(
            connection, digest=digest, starts_at=week_ago, address=address,
            next_cut_at=cut + timedelta(days=7),
        )  # fmt: skip
        people.append(subscription)
        message_id = edition_message_id(
            secret, "tin.example.vn", digest_id=digest, cadence="weekly", cut_at=cut,
            subscription_id=subscription,
        )  # fmt: skip
        new.append(
            NewDelivery(
                subscription_id=subscription,
                segment_id=segment,
                kind=DeliveryKind.EDITION,
                message_id=message_id,
                dated_at=cut,
                edition_id=edition,
                covers_from=week_ago,
                expires_at=expires_at,
            )
        )
    ids = deliveries.add(connection, new, now)
    rows = connection.execute(_OWNERS, {"some": people})
    owners = {row.id: row.subscriber_id for row in rows}
    told.write(
        connection,
        [
            told.DeliveryContents(owners[one], scope, delivery, dict.fromkeys(known, True))
            for one, delivery in zip(people, ids, strict=True)
        ],
    )
    connection.execute(_COVER, {"some": people, "cut": cut})
    return Stock(digest, edition, segment, known, people, ids, [one.message_id for one in new])


def add_letter(
    store: Store, now: datetime, subscription: int, kind: DeliveryKind, key: str = "a" * 32
) -> int:
    """A letter of its own segment to a subscription."""
    with store.ledger() as connection:
        segment = builders._id(
            connection, t.segment, edition_id=None, hash=key.encode(), language="vi", stories=[],
            parts=pack(Parts("Vâng?", "Vâng?\n", "<p>Vâng?</p>")),
        )  # fmt: skip
        one = NewDelivery(subscription, segment, kind, f"{key}@tin.example.vn", now)
        return deliveries.add(connection, [one], now)[0]


def had_news_before(store: Store, stock: Stock, now: datetime) -> None:
    """These subscriptions took an earlier edition, two weeks ago."""
    long_ago = now - timedelta(days=14)
    with store.ledger() as connection:
        edition = builders.add_edition(connection, stock.digest, long_ago, long_ago)
        earlier = [
            NewDelivery(
                one, stock.segment, DeliveryKind.EDITION, f"{one:032}@x.vn", long_ago, edition
            )
            for one in stock.subscriptions
        ]
        ids = deliveries.add(connection, earlier, long_ago)
        connection.execute(
            update(t.delivery)
            .where(t.delivery.c.id.in_(ids))
            .values(state="accepted", settled_at=long_ago)
        )


def accept(store: Store, delivered: Sequence[int], now: datetime) -> None:
    """A relay has taken these."""
    with store.ledger() as connection:
        connection.execute(
            update(t.delivery)
            .where(t.delivery.c.id.in_(delivered))
            .values(state="accepted", settled_at=now)
        )


def ask_to_confirm(store: Store, now: datetime, addresses: Sequence[str], digest: int) -> list[int]:
    """Sign-ups whose confirmations wait, as `audience.signup` leaves them. Delivery ids."""
    ids = []
    for address in addresses:
        with store.ledger() as connection:
            one = builders.add_subscription(
                connection, digest=digest, starts_at=now, address=address
            )
            connection.execute(
                update(t.subscription).where(t.subscription.c.id == one).values(starts_at=None)
            )
        ids.append(add_letter(store, now, one, DeliveryKind.CONFIRM, f"{one:032}"))
    return ids


def states(store: Store) -> dict[int, str]:
    """Delivery id -> state."""
    with store.read() as connection:
        rows = connection.execute(
            select(t.delivery.c.id, t.delivery.c.state).order_by(t.delivery.c.id)
        )
        return {row.id: row.state for row in rows}


def row(store: Store, delivery: int) -> object:
    """The whole row of a delivery."""
    with store.read() as connection:
        return connection.execute(select(t.delivery).where(t.delivery.c.id == delivery)).one()


def told_by(store: Store, delivery: int) -> set[int]:
    """The articles that a delivery has told."""
    with store.read() as connection:
        told_rows = select(t.told.c.article_id).where(t.told.c.delivery_id == delivery)
        return set(connection.execute(told_rows).scalars())


def covered_to(store: Store, subscription: int) -> datetime | None:
    with store.read() as connection:
        wanted = select(t.subscription.c.covered_to).where(t.subscription.c.id == subscription)
        return connection.execute(wanted).scalar_one()


def end(store: Store, subscription: int, now: datetime) -> None:
    """What one-click does to the row."""
    with store.ledger() as connection:
        connection.execute(
            update(t.subscription)
            .where(t.subscription.c.id == subscription)
            .values(ended_at=now, ended_reason="one_click")
        )


def parts_of(store: Store, segment: int) -> bytes | None:
    with store.read() as connection:
        wanted = select(t.segment.c.parts).where(t.segment.c.id == segment)
        return connection.execute(wanted).scalar_one()
