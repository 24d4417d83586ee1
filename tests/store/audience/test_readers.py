"""How many readers publishers are told of, on both databases."""

from __future__ import annotations

from service.store.audience import subscribers, suppressions
from service.store.core import facts
from service.text import mailboxes
from tests.builders import add_digest, add_subscription


def test_readers_are_people_who_get_mail_each_counted_once(any_store, now):
    with any_store.write() as connection:
        one, two = add_digest(connection, now, "mot"), add_digest(connection, now, "hai")
        add_subscription(connection, digest=one, starts_at=now, address="a@x.vn")
        add_subscription(connection, digest=two, starts_at=now, address="a@x.vn")
        add_subscription(connection, digest=one, starts_at=now, address="b@x.vn", ended_at=now,
                         ended_reason="page")  # fmt: skip
        add_subscription(connection, digest=one, starts_at=now, address="c@x.vn")
        add_subscription(connection, digest=one, starts_at=now, address="bounced@x.vn")
        key = mailboxes.key(facts.secret(connection), "bounced@x.vn")
        suppressions.add(connection, key, "bounced", now, "550 5.1.1")
        assert subscribers.readers(connection) == 2
