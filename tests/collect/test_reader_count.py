"""How many readers we say that we have."""

from __future__ import annotations

from datetime import timedelta

from service.collect.reader_count import COUNTED_EVERY, ReaderCount
from tests.builders import add_digest, add_subscription
from tests.store.watching import statements

DAY = timedelta(days=1)


def test_readers_are_counted_once_an_hour_and_not_for_each_pass(store, now):
    with store.write() as connection:
        digest = add_digest(connection, now)
        add_subscription(connection, digest=digest, starts_at=now - DAY)
    count = ReaderCount()
    with statements(store) as asked:
        assert count.now(store, now) == 1
        with store.write() as connection:
            add_subscription(
                connection, digest=digest, starts_at=now - DAY, address="hoa@example.vn"
            )
        assert count.now(store, now + COUNTED_EVERY / 2) == 1
    assert len(asked) == 1
    assert count.now(store, now + COUNTED_EVERY) == 2
    assert count.now(store, now - DAY) == 2, "a clock that was set back is believed at once"
