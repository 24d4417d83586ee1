"""The TOML as rows: new, changed, renamed, retired, put back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from service.config.schema import Settings
from service.store import tables as t
from service.store.content import stale_feeds
from service.store.sources import renames
from service.store.sources.registry import register
from tests import builders
from tests.store.watching import written


def settings(source=None, topic=None, digest=None, title="Tin"):
    return Settings.model_validate(
        {
            "site": {"title": title},
            "source": source or {},
            "topic": topic or {},
            "digest": digest or {},
        }
    )


def rows(store, table):
    with store.read() as connection:
        statement = builders.sources() if table is t.source else select(table)
        return {row.name: row for row in connection.execute(statement)}


def apply(store, wanted, now, *, retire=False):
    with store.write() as connection:
        register(connection, wanted, now, retire=retire)


def test_what_the_toml_names_becomes_rows(any_store, now):
    apply(
        any_store,
        settings(
            source={
                "vnexpress": {"url": "https://www.vnexpress.net/rss", "weight": 2},
                "cong-tinh": {"url": "https://x.vn/", "title": "Cổng tỉnh", "language": "vi"},
            },
            topic={"giao-duc": {"title": "Giáo dục", "any": ["giáo dục"]}, "y-te": {}},
            digest={"tuan": {"title": "Điểm tin tuần"}, "ngay": {"scope": "review"}},
        ),
        now,
    )
    sources = rows(any_store, t.source)
    assert (sources["vnexpress"].title, sources["vnexpress"].weight) == ("vnexpress.net", 2.0)
    assert sources["vnexpress"].next_poll_at == now
    assert sources["vnexpress"].first_collected_at is None
    assert sources["cong-tinh"].title == "Cổng tỉnh"
    assert {name: row.title for name, row in rows(any_store, t.topic).items()} == {
        "giao-duc": "Giáo dục",
        "y-te": "y-te",
    }
    digests = rows(any_store, t.digest)
    assert [(digests[n].position, digests[n].scope) for n in ("tuan", "ngay")] == [
        (0, "news"),
        (1, "review"),
    ]
    assert digests["ngay"].title == "Tin"
    with any_store.read() as connection:
        assert set(stale_feeds.marked(connection)) == {"giao-duc", "y-te", stale_feeds.EVERYTHING}


def test_the_documents_title_stays_where_the_toml_has_none(any_store, now):
    apply(any_store, settings(source={"a": {"url": "https://a.example/rss"}}), now)
    with any_store.write() as connection:
        connection.execute(update(t.source).values(title="Báo A", language="vi"))
    apply(any_store, settings(source={"a": {"url": "https://a.example/rss", "weight": 3}}), now)
    row = rows(any_store, t.source)["a"]
    assert (row.title, row.language, row.weight) == ("Báo A", "vi", 3.0)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://a.example/rss", True),
        ("https://a.example/rss", True),  # the same place over TLS
        ("http://a.example/other", False),
    ],
)
def test_a_source_at_a_new_address_has_no_news_at_first(any_store, now, url, kept):
    apply(any_store, settings(source={"a": {"url": "http://a.example/rss"}}), now)
    with any_store.write() as connection:
        connection.execute(
            update(t.source_poll).values(
                etag=b'"1"', first_collected_at=now, first_fetch_at=now, failures=4, error="x",
                next_poll_at=now + timedelta(hours=5),
            )
        )  # fmt: skip
    apply(any_store, settings(source={"a": {"url": url}}), now)
    row = rows(any_store, t.source)["a"]
    assert row.url == url
    if kept:
        assert (row.first_collected_at, row.failures) == (now, 4)
        # Validators belong to the address that gave them.
        assert row.etag == (b'"1"' if url == "http://a.example/rss" else None)
    else:
        assert (row.etag, row.first_collected_at, row.first_fetch_at) == (None, None, None)
        assert (row.failures, row.error, row.next_poll_at) == (0, None, now)


@pytest.mark.parametrize("gone", [False, True])
def test_the_address_that_a_source_has_moved_to_is_no_new_place(any_store, now, gone):
    apply(any_store, settings(source={"a": {"url": "http://a.example/rss"}}), now)
    there = "https://b.example/feed"
    with any_store.write() as connection:
        connection.execute(
            update(t.source_poll).values(
                etag=b'"1"', first_collected_at=now, first_fetch_at=now, moved_url=there,
                gone_at=now if gone else None, next_poll_at=now + timedelta(hours=5),
            )
        )  # fmt: skip
    apply(any_store, settings(source={"a": {"url": "http://a.example/rss"}}), now)
    assert rows(any_store, t.source)["a"].moved_url == there
    apply(any_store, settings(source={"a": {"url": there}}), now)
    row = rows(any_store, t.source)["a"]
    assert (row.url, row.moved_url, row.gone_at) == (there, None, None)
    assert (row.etag, row.first_collected_at, row.next_poll_at) == (b'"1"', now, now)


def test_only_told_so_it_retires_and_what_comes_back_goes_on(any_store, now):
    both = {"a": {"url": "https://a.example/"}, "b": {"url": "https://b.example/"}}
    topics = {"x": {"title": "X"}, "y": {"title": "Y"}}
    apply(any_store, settings(both, topics, {"d": {}}), now)
    one = settings({"a": both["a"]}, {"x": topics["x"]})
    later = now + timedelta(days=1)
    apply(any_store, one, later)
    assert rows(any_store, t.source)["b"].retired_at is None
    apply(any_store, one, later, retire=True)
    assert rows(any_store, t.source)["b"].retired_at == later
    assert rows(any_store, t.topic)["y"].retired_at == later
    assert rows(any_store, t.digest)["d"].retired_at == later
    apply(any_store, one, later + timedelta(days=1), retire=True)
    assert rows(any_store, t.source)["b"].retired_at == later  # the first day it was gone
    before = rows(any_store, t.source)["b"].id
    apply(any_store, settings(both, topics, {"d": {}}), later)
    for table, name in ((t.source, "b"), (t.topic, "y"), (t.digest, "d")):
        assert rows(any_store, table)[name].retired_at is None
    assert rows(any_store, t.source)["b"].id == before


def test_a_rename_keeps_the_row_and_leaves_a_redirect(any_store, now):
    topics = {"giao-duc": {"title": "Giáo dục"}, "y-te": {"title": "Y tế"}}
    apply(any_store, settings(topic=topics, digest={"tuan": {}}), now)
    with any_store.write() as connection:
        digest = connection.execute(select(t.digest.c.id)).scalar()
        source = builders.add_source(connection, now)
        topic = connection.execute(
            select(t.topic.c.id).where(t.topic.c.name == "giao-duc")
        ).scalar()
        builders.add_subscription(
            connection, digest=digest, starts_at=now, topics=["y-te", "giao-duc"]
        )
        builders.add_subscription(
            connection, digest=digest, starts_at=now, address="b@example.vn", topics=None
        )
        story, _ = builders.add_story(
            connection, source=source, topics=[topic], entered_at=now, title="Tin một"
        )
        edition = {
            "digest_id": digest, "cadence": "weekly", "covers_from": now, "covers_to": now,
            "period_from": now, "listed": True, "more": 0, "frozen_at": now,
        }  # fmt: skip
        for number, planned in ((1, None), (2, now)):
            connection.execute(
                insert(t.edition).values(
                    id=number, cut_at=now + timedelta(days=number), planned_at=planned, **edition
                )
            )
            connection.execute(
                insert(t.edition_story).values(
                    edition_id=number, story_id=story, position=0, article_ids=[],
                    view={"title": "Tin một", "topics": [["giao-duc", "Giáo dục"]]},
                    topics=[["giao-duc", now.isoformat()]],
                )
            )  # fmt: skip
    before = rows(any_store, t.topic)["giao-duc"].id
    renamed = {
        "hoc-duong": {"title": "Giáo dục", "was": "giao-duc"},
        "y-te": {"title": "Y tế"},
    }
    wanted = settings(topic=renamed, digest={"diem-tin": {"was": "tuan"}})
    for _ in range(2):  # `was` stays in the TOML
        apply(any_store, wanted, now, retire=True)
        found = rows(any_store, t.topic)
        assert set(found) == {"hoc-duong", "y-te"}
        assert found["hoc-duong"].id == before
        assert rows(any_store, t.digest)["diem-tin"].id == digest
    with any_store.read() as connection:
        assert renames.moved_to(connection, "topic", "giao-duc") == "hoc-duong"
        assert renames.moved_to(connection, "digest", "tuan") == "diem-tin"
        assert renames.moved_to(connection, "topic", "y-te") is None
        assert set(stale_feeds.marked(connection)) >= {"hoc-duong", stale_feeds.EVERYTHING}
        chosen = connection.execute(
            select(t.subscription.c.topics).order_by(t.subscription.c.id)
        ).scalars()
        assert list(chosen) == [["y-te", "hoc-duong"], None]
        frozen = connection.execute(select(t.edition_story)).all()
        assert [row.topics for row in frozen] == [[["hoc-duong", now.isoformat()]]] * 2
        assert [row.view for row in frozen] == [
            {"title": "Tin một", "topics": [["hoc-duong", "Giáo dục"]]}
        ] * 2


def test_two_renames_are_one_hop_and_a_name_in_use_is_no_redirect(any_store, now):
    apply(any_store, settings(topic={"a": {}}), now)
    apply(any_store, settings(topic={"b": {"was": "a"}}), now)
    apply(any_store, settings(topic={"c": {"was": "b"}}), now)
    with any_store.read() as connection:
        assert renames.moved_to(connection, "topic", "a") == "c"
        assert renames.moved_to(connection, "topic", "b") == "c"
    apply(any_store, settings(topic={"c": {"was": "b"}, "a": {}}), now)
    assert set(rows(any_store, t.topic)) == {"a", "c"}
    with any_store.read() as connection:
        assert renames.moved_to(connection, "topic", "a") is None
        assert renames.moved_to(connection, "topic", "b") == "c"


def test_a_renamed_source_keeps_its_entries_and_its_polling(any_store, now):
    apply(any_store, settings(source={"a": {"url": "https://a.example/rss"}}), now)
    before = rows(any_store, t.source)["a"].id
    with any_store.write() as connection:
        connection.execute(update(t.source_poll).values(etag=b'"1"', first_collected_at=now))
    renamed = {"b": {"url": "https://a.example/rss", "was": "a"}}
    apply(any_store, settings(source=renamed), now, retire=True)
    found = rows(any_store, t.source)
    assert set(found) == {"b"}
    assert (found["b"].id, found["b"].etag, found["b"].retired_at) == (before, b'"1"', None)


def test_nothing_changed_marks_nothing(any_store, now):
    wanted = settings({"a": {"url": "https://a.example/"}}, {"x": {"title": "X"}}, {"d": {}})
    apply(any_store, wanted, now)
    with any_store.write() as connection:
        for feed, since in stale_feeds.marked(connection).items():
            stale_feeds.clear(connection, feed, since)
    apply(any_store, wanted, now + timedelta(hours=1), retire=True)
    with any_store.read() as connection:
        assert stale_feeds.marked(connection) == {}


def test_a_new_name_of_an_outlet_marks_every_topic(any_store, now):
    first = settings({"a": {"url": "https://a.example/", "title": "A"}}, {"x": {}, "y": {}})
    apply(any_store, first, now)
    with any_store.write() as connection:
        for feed, since in stale_feeds.marked(connection).items():
            stale_feeds.clear(connection, feed, since)
    second = settings({"a": {"url": "https://a.example/", "title": "Báo A"}}, {"x": {}, "y": {}})
    apply(any_store, second, now)
    with any_store.read() as connection:
        assert set(stale_feeds.marked(connection)) == {"x", "y", stale_feeds.EVERYTHING}


def test_a_source_that_leaves_or_comes_back_marks_the_feeds_that_count_it(any_store, now):
    both = {"a": {"url": "https://a.example/"}, "b": {"url": "https://b.example/"}}
    for source in (both, {"a": both["a"]}, both):
        with any_store.write() as connection:
            for feed, since in stale_feeds.marked(connection).items():
                stale_feeds.clear(connection, feed, since)
        apply(any_store, settings(source, {"x": {}}), now, retire=True)
        with any_store.read() as connection:
            assert set(stale_feeds.marked(connection)) == {"x", stale_feeds.EVERYTHING}


@pytest.mark.large
def test_what_registers_again_unchanged_takes_as_few_statements_for_many_as_for_one(any_store, now):
    def again(number: int) -> int:
        many = settings({f"s{n}": {"url": f"https://s{n}.example/rss"} for n in range(number)})
        apply(any_store, many, now, retire=True)
        with written(any_store) as seen:
            apply(any_store, many, now, retire=True)
        return len(seen)

    assert 0 < again(1000) <= again(1) + 5
