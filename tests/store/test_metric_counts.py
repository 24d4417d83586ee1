"""What `/metrics` counts in rows is what `status` says row by row, in as few statements."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import event, update

from service.report.standing import LATE_AFTER, state
from service.store import metric_counts, status_counts
from service.store import tables as t
from tests.builders import add_source, add_story, add_topic
from tests.mail.stock import fill

HOUR = timedelta(hours=1)


def _sources(connection, now):
    """One of each kind, and such as two of them are true of."""
    ahead, past = now + HOUR, now - HOUR
    kinds = [
        {"paused": True, "failures": 2},
        {"paused_since": past, "gone_at": past},
        {"paused_since": past, "paused_until": past},  # it is over
        {"gone_at": past, "quarantined_since": past},
        {"quarantined_since": past, "failures": 3, "error": "killed its reader"},
        {"held_until": ahead, "failures": 1, "error": "answered 429"},
        {"held_until": past, "failures": 1, "error": "answered 429"},
        {
            "drifting_since": past,
            "failures": 1,
            "error": "no entries",
            "document_error": "no entries",
        },
        {"drifting_since": past, "failures": 1, "error": "answered 500", "document_error": "none"},
        {"drifting_since": past, "failures": 1},
        {"failures": 1, "error": "answered 500"},
        {"next_poll_at": now - LATE_AFTER},
        {"next_poll_at": now - LATE_AFTER - timedelta(seconds=1), "last_ok_at": past},
        {"next_poll_at": ahead, "last_ok_at": past},
        {"next_poll_at": ahead},
        {"retired_at": past, "failures": 9},
    ]
    for number, values in enumerate(kinds):
        add_source(connection, now, f"nguon-{number}", **{"next_poll_at": ahead, **values})


def test_sources_are_counted_by_the_state_that_status_says_of_each(any_store, now):
    with any_store.write() as connection:
        _sources(connection, now)
    with any_store.read() as connection:
        found = metric_counts.sources(connection, now, now - LATE_AFTER)
        rows = status_counts.sources(connection)
    said = Counter(state(row, now) for row in rows)
    assert found.by_state == said
    assert len(said) == 9, "each of the states is there"
    assert found.due == 2
    assert found.oldest_due == now - LATE_AFTER - timedelta(seconds=1)


def test_mails_are_counted_until_they_are_settled(any_store, now):
    stock = fill(any_store, now, ["lan@example.vn", "minh@example.vn", "hoa@example.vn"])
    with any_store.write() as connection:
        for delivery, values in zip(
            stock.deliveries,
            ({"state": "accepted"}, {"state": "uncertain"}, {"next_try_at": now - HOUR}),
            strict=True,
        ):
            row = update(t.delivery).where(t.delivery.c.id == delivery)
            connection.execute(row.values(values))
    with any_store.read() as connection:
        found = metric_counts.unsettled(connection)
    assert sorted((one.kind, one.state, one.number) for one in found) == [
        ("edition", "planned", 1),
        ("edition", "uncertain", 1),
    ]
    [planned] = [one for one in found if one.state == "planned"]
    assert planned.first_due == now - HOUR


def test_many_sources_take_one_statement(store, now):
    sent = []
    with store.write() as connection:
        for number in range(60):
            add_source(connection, now, f"nguon-{number}", next_poll_at=now)
    note = lambda *told: sent.append(told[2])
    with store.read() as connection:
        event.listen(connection, "before_cursor_execute", note)
        found = metric_counts.sources(connection, now, now)
    assert found.by_state == {"new": 60}
    assert [one for one in sent if one != "BEGIN"] == sent[-1:]


def test_the_articles_of_a_large_archive_are_counted_by_their_ids(any_store, now):
    with any_store.write() as connection:
        source, topic = add_source(connection, now), add_topic(connection, now)
        articles = [
            add_story(connection, source=source, topics=[topic], entered_at=now, title=f"Tin {n}")[
                1
            ]
            for n in range(4)
        ]
        one = update(t.article).where(t.article.c.id == articles[1])
        connection.execute(one.values(merged_into=articles[0]))
        assert status_counts.articles(connection) == 3
        assert status_counts.articles(connection, at_once=3) == 3
