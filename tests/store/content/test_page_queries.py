"""What pages ask beside stories: counts, and which edition stands for which."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from service.store import tables as t
from service.store.content import page_queries
from tests.builders import add_digest, add_source, add_story, add_topic
from tests.store.watching import statements

DAY = timedelta(days=1)


def _edition(connection, digest, cut_at, *, cadence="weekly", listed=True, days=7):
    row = t.edition.insert().values(
        digest_id=digest, cadence=cadence, cut_at=cut_at, covers_from=cut_at, covers_to=cut_at,
        period_from=cut_at - days * DAY, listed=listed, more=0, frozen_at=cut_at,
    )  # fmt: skip
    return connection.execute(row).inserted_primary_key[0]


def test_a_story_counts_once_in_a_topic_however_many_articles_tell_it(any_store, now):
    with any_store.write() as connection:
        topic, empty = add_topic(connection, now), add_topic(connection, now, "y-te")
        one, two = add_source(connection, now), add_source(connection, now, "bao-b")
        story, _article = add_story(
            connection, source=one, topics=[topic], entered_at=now, title="A"
        )
        add_story(connection, source=two, topics=[topic], entered_at=now, title="B", story=story)
        add_story(connection, source=one, topics=[topic], entered_at=now, title="C")
        assert page_queries.counts(connection) == {"giao-duc": 2}
        assert page_queries.sources_in(connection, topic) == 2
        assert page_queries.sources_in(connection, empty) == 0
        assert page_queries.sources_in(connection, None) == 2
        gone = update(t.source).where(t.source.c.id == two).values(retired_at=now)
        connection.execute(gone)
        assert page_queries.sources_in(connection, topic) == 1


def test_the_topics_of_a_large_archive_are_counted_now_and_then(any_store, now):
    with any_store.write() as connection:
        topic = add_topic(connection, now)
        source = add_source(connection, now)
        add_story(connection, source=source, topics=[topic], entered_at=now, title="A")
    page_queries.keep_counts(any_store, now, at_once=0)
    with any_store.write() as connection:
        add_story(connection, source=source, topics=[topic], entered_at=now, title="B")
    page_queries.keep_counts(any_store, now + DAY / 2, at_once=0)
    with any_store.read() as connection:
        assert page_queries.counts(connection, at_once=0) == {"giao-duc": 1}
        assert page_queries.counts(connection) == {"giao-duc": 2}, "a small one is exact"
    page_queries.keep_counts(any_store, now + DAY, at_once=0)
    with any_store.write() as connection:
        assert page_queries.counts(connection, at_once=0) == {"giao-duc": 2}
        gone = update(t.topic).where(t.topic.c.id == topic).values(retired_at=now)
        connection.execute(gone)
        assert page_queries.counts(connection, at_once=0) == {}


def test_a_topic_that_a_large_archive_got_since_is_counted_at_once(any_store, now):
    with any_store.write() as connection:
        topic = add_topic(connection, now)
        one, two = add_source(connection, now), add_source(connection, now, "bao-b")
        add_story(connection, source=one, topics=[topic], entered_at=now, title="A")
    page_queries.keep_counts(any_store, now, at_once=0)
    with any_store.write() as connection:
        new, _empty = add_topic(connection, now, "y-te"), add_topic(connection, now, "moi")
        story, _ = add_story(connection, source=one, topics=[new], entered_at=now, title="B")
        add_story(connection, source=two, topics=[new], entered_at=now, title="C", story=story)
        add_story(connection, source=one, topics=[topic, new], entered_at=now, title="D")
        assert page_queries.counts(connection, at_once=0) == {"giao-duc": 1, "y-te": 2}
        gone = update(t.topic).where(t.topic.c.id == new).values(retired_at=now)
        connection.execute(gone)
        assert page_queries.counts(connection, at_once=0) == {"giao-duc": 1}


def test_sources_are_counted_by_what_they_told_last(any_store, now):
    """However much is stored, so many rows are read; the topic's own, not the store's."""
    with any_store.write() as connection:
        topic, other = add_topic(connection, now), add_topic(connection, now, "y-te")
        one, two = add_source(connection, now), add_source(connection, now, "bao-b")
        for at, (source, topics) in enumerate(
            [(two, [topic]), (one, [topic]), (one, [topic]), (two, [other]), (two, [other])]
        ):
            add_story(
                connection, source=source, topics=topics, title=str(at),
                entered_at=now + timedelta(minutes=at),
            )  # fmt: skip
        told = [page_queries.sources_in(connection, topic, among) for among in (1, 2, 3, 100)]
        assert told == [1, 1, 2, 2]
        assert [page_queries.sources_in(connection, None, among) for among in (2, 3)] == [1, 2]


def test_counting_sources_follows_the_order_of_an_index(store, now):
    """Else all that was ever told would be sorted for each build of a feed."""
    with store.write() as connection:
        topic = add_topic(connection, now)
    for topic_id, index in ((topic, "listed"), (None, "listed_at")):
        with store.read() as connection, statements(store) as seen:
            page_queries.sources_in(connection, topic_id)
        (counted,) = [one for one in seen if one.startswith("SELECT")]
        with store.read() as connection:
            values = (topic_id,) if topic_id else ()
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {counted}", (*values, 10, 0)
            ).all()
        assert any(
            row[3].split(" (")[0].endswith(f"INDEX ix_article_topic_{index}") for row in plan
        ), plan
        assert not any(row[3] == "USE TEMP B-TREE FOR ORDER BY" for row in plan), plan


def test_retired_topics_and_digests_are_found_but_not_listed(any_store, now):
    with any_store.write() as connection:
        add_topic(connection, now)
        add_topic(connection, now, "y-te")
        add_digest(connection, now, "b", position=0)
        add_digest(connection, now, "a", position=1)
        for table in (t.topic, t.digest):
            gone = update(table).where(table.c.name.in_(["y-te", "a"])).values(retired_at=now)
            connection.execute(gone)
        assert [one.name for one in page_queries.topics(connection)] == ["giao-duc"]
        assert len(page_queries.topics(connection, retired=True)) == 2
        assert [one.name for one in page_queries.digests(connection)] == ["b"]
        assert page_queries.one_topic(connection, "y-te").retired
        assert page_queries.one_digest(connection, "a") is not None
        assert (
            page_queries.one_topic(connection, "x")
            is page_queries.one_digest(connection, "x")
            is None
        )


def test_which_edition_of_the_archive_stands_for_an_unlisted_one(any_store, now):
    monday = now.replace(day=23, hour=0)
    with any_store.write() as connection:
        digest = add_digest(connection, now)
        before, after = monday, monday + 7 * DAY
        late = _edition(connection, digest, monday + 3 * DAY, cadence="daily", listed=False)

        def stands_for() -> object:
            (edition,) = [one for one in page_queries.editions(connection, "tuan", listed=False)
                        if one.id == late]  # fmt: skip
            found = page_queries.listed_with(connection, edition)
            return found and found.cut_at

        assert stands_for() is None
        _edition(connection, digest, before)
        assert stands_for() == before, "nothing newer is there yet"
        _edition(connection, digest, after)
        assert stands_for() == after, "its period holds the cut"


def test_editions_are_found_by_digest_and_cut(any_store, now):
    with any_store.write() as connection:
        one, two = add_digest(connection, now), add_digest(connection, now, "thang")
        for n in range(3):
            _edition(connection, one, now - n * DAY)
        _edition(connection, one, now, cadence="daily", listed=False)
        _edition(connection, two, now)
        cuts = [edition.cut_at for edition in page_queries.editions(connection, "tuan")]
        assert cuts == [now, now - DAY, now - 2 * DAY]
        assert len(page_queries.editions(connection, "tuan", limit=1)) == 1
        assert len(page_queries.editions(connection, "tuan", listed=False, cut_at=now)) == 2
        assert len(page_queries.editions(connection)) == 4
        assert page_queries.headlines(connection, [], 3) == page_queries.sizes(connection, []) == {}
