"""The read model: what feeds, pages and mails list, in which order, in how many statements."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from service.store import tables as t
from service.store.content import stories
from service.store.content import topics as topics_of
from tests.builders import add_source, add_story, add_topic
from tests.levels import some
from tests.store.watching import statements


def test_a_story_says_all_that_a_list_needs(any_store, now):
    with any_store.write() as connection:
        a = add_source(connection, now, "bao-a", title="Báo A", weight=2.0)
        b = add_source(connection, now, "bao-b", title="Báo B")
        again = add_source(connection, now, "bao-a-y-te", title="Báo A")
        education = add_topic(connection, now, "giao-duc", "Giáo dục")
        health = add_topic(connection, now, "y-te", "Y tế")
        story, first = add_story(
            connection, source=a, topics=[education], entered_at=now, title="Tin một",
            published=now - timedelta(hours=1),
        )  # fmt: skip
        _, second = add_story(
            connection, source=b, topics=[health], entered_at=now + timedelta(hours=2),
            title="Tin một, kể lại", story=story,
        )  # fmt: skip
        connection.execute(
            update(t.article)
            .where(t.article.c.id == first)
            .values(
                authors=["Thanh Hằng"],
                image={"url": "https://a/i.jpg", "alt": "x", "width": 3, "height": 2},
                enclosures=[{"url": "https://a/e.mp3", "type": "audio/mpeg", "length": 5}],
            )
        )
        for source, key in ((a, "1"), (again, "2")):
            connection.execute(
                insert(t.entry).values(
                    source_id=source, entry_key=key, title="Tin một", hash=b"", quiet=False,
                    article_id=first, first_seen_at=now, link=f"https://a/{key}",
                )
            )  # fmt: skip
    with any_store.read() as connection:
        [found] = stories.in_topic(connection, "giao-duc")
    assert found.id == story
    assert found.article_ids == (first, second)
    assert (found.outlet.source, found.outlet.title, found.weight) == ("bao-a", "Báo A", 2.0)
    assert [other.title for other in found.others] == ["Báo B"]  # not its own second feed
    assert [topic.name for topic in found.topics] == ["giao-duc", "y-te"]
    assert [topic.entered_at for topic in found.topics] == [now, now + timedelta(hours=2)]
    assert found.entered_at == now
    assert found.sort_at == found.published == now - timedelta(hours=1)
    assert found.authors == ("Thanh Hằng",)
    assert found.image is not None
    assert (found.image.width, found.image.height) == (3, 2)
    assert found.enclosures[0].length == 5


def test_another_outlet_at_the_same_address_is_named_without_it(any_store, now):
    with any_store.write() as connection:
        a, b = (add_source(connection, now, name, title=name) for name in ("a", "b"))
        topic = add_topic(connection, now)
        _, article = add_story(
            connection, source=a, topics=[topic], entered_at=now, title="Tin một"
        )
        link = connection.execute(select(t.article.c.link)).scalar()
        connection.execute(
            insert(t.entry).values(
                source_id=b, entry_key="1", title="Tin", hash=b"", quiet=False,
                article_id=article, first_seen_at=now, link=link,
            )
        )  # fmt: skip
    with any_store.read() as connection:
        [found] = stories.everywhere(connection)
    assert [(one.title, one.link) for one in found.others] == [("b", None)]


def test_what_is_news_stands_before_what_is_quiet(any_store, now):
    """A quiet article that later became news entered when it became news."""
    with any_store.write() as connection:
        source = add_source(connection, now)
        topic = add_topic(connection, now)
        story, _ = add_story(
            connection, source=source, topics=[topic], entered_at=now, title="Cũ", quiet=True
        )
        add_story(
            connection, source=source, topics=[topic], entered_at=now + timedelta(days=2),
            title="Mới", story=story,
        )  # fmt: skip
    with any_store.read() as connection:
        [found] = stories.in_topic(connection, "giao-duc")
    [topic_entry] = found.topics
    assert (topic_entry.quiet, topic_entry.entered_at) == (False, now + timedelta(days=2))
    assert found.entered_at == now


def test_a_retired_topic_is_no_longer_named_but_its_own_list_stays(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        kept, gone = add_topic(connection, now, "con"), add_topic(connection, now, "bo")
        add_story(connection, source=source, topics=[kept, gone], entered_at=now, title="Hai")
        add_story(connection, source=source, topics=[gone], entered_at=now, title="Một")
        connection.execute(update(t.topic).where(t.topic.c.name == "bo").values(retired_at=now))
    with any_store.read() as connection:
        [found] = stories.everywhere(connection)
        assert [topic.name for topic in found.topics] == ["con"]
        assert len(stories.in_topic(connection, "bo")) == 2
        assert stories.in_topic(connection, "khong-co") == []


def test_merged_stories_are_found_as_what_they_became(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        topic = add_topic(connection, now)
        one, _ = add_story(connection, source=source, topics=[topic], entered_at=now, title="Một")
        two, moved = add_story(
            connection, source=source, topics=[topic], entered_at=now, title="Hai"
        )
        old = connection.execute(
            select(t.story.c.public_id).where(t.story.c.id == two)
        ).scalar_one()
        connection.execute(update(t.story).where(t.story.c.id == two).values(merged_into=one))
        connection.execute(
            update(t.story_article)
            .where(t.story_article.c.article_id == moved)
            .values(story_id=one)
        )
    with any_store.read() as connection:
        found = stories.by_public_id(connection, old)
        assert found is not None
        assert found.id == one
        assert set(found.article_ids) >= {moved}
        assert {key: value.id for key, value in stories.by_ids(connection, [one, two]).items()} == {
            one: one,
            two: one,
        }
        assert stories.by_public_id(connection, "nothing") is None
        assert len(stories.in_topic(connection, "giao-duc")) == 1


def test_a_story_in_no_topic_is_found_by_its_id_alone(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        story, _ = add_story(connection, source=source, topics=[], entered_at=now, title="Lạc")
    with any_store.read() as connection:
        assert stories.everywhere(connection) == []
        found = stories.by_ids(connection, [story])[story]
    assert (found.topics, found.entered_at, found.sort_at) == ((), None, now)


@pytest.mark.parametrize("limit", [1, 7, 100])
@hypothesis_settings(max_examples=some(15, 6), deadline=None,
                     suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    hours=st.lists(
        st.tuples(st.integers(0, 50), st.none() | st.integers(-50, 60)), min_size=1, max_size=60
    )
)
def test_the_newest_are_the_newest_however_many_rows_are_read_at_once(store, now, limit, hours):
    """They are ordered by min(published, entered_at), then public_id."""
    with store.write() as connection:
        for table in (
            t.article_topic, t.story_article, t.story, t.article, t.source_poll, t.source_counts,
            t.source, t.topic,
        ):  # fmt: skip
            connection.execute(table.delete())
        source = add_source(connection, now)
        topics = [add_topic(connection, now), add_topic(connection, now, "y-te")]
        expected = []
        for number, (entered, published) in enumerate(hours):
            at = now + timedelta(hours=entered)
            said = None if published is None else now + timedelta(hours=published)
            story, article = add_story(
                connection, source=source, topics=topics, entered_at=at, title=f"Tin {number}"
            )
            connection.execute(
                update(t.article).where(t.article.c.id == article).values(published_at=said)
            )
            topics_of.list_anew(connection, [article])
            public = connection.execute(
                select(t.story.c.public_id).where(t.story.c.id == story)
            ).scalar_one()
            expected.append((-min(at, said or at).timestamp(), public))
        in_topic = stories.in_topic(connection, "giao-duc", limit, scan=3)
        everywhere = stories.everywhere(connection, limit, scan=3)
    wanted = [public for _, public in sorted(expected)][:limit]
    assert [one.public_id for one in in_topic] == wanted
    assert [one.public_id for one in everywhere] == wanted


def test_few_statements_whatever_the_number_of_stories(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        topic = add_topic(connection, now)
        for number in range(150):
            add_story(
                connection, source=source, topics=[topic],
                entered_at=now + timedelta(minutes=number), title=f"Tin {number}",
            )  # fmt: skip
    with any_store.read() as connection, statements(any_store) as seen:
        found = stories.in_topic(connection, "giao-duc")
        assert len(found) == 100
        assert [one.sort_at for one in found] == sorted(
            (one.sort_at for one in found), reverse=True
        )
        assert len(seen) <= 9


def test_what_came_in_at_one_time_is_not_all_read_to_find_the_newest(any_store, now):
    """As after a first collection: all entered at once, and came out over a month."""
    with any_store.write() as connection:
        source = add_source(connection, now)
        topic = add_topic(connection, now)
        for number in range(120):
            add_story(
                connection, source=source, topics=[topic], entered_at=now,
                title=f"Tin {number}", published=now - timedelta(hours=number),
            )  # fmt: skip
    for ask in (
        lambda connection: stories.in_topic(connection, "giao-duc", 10, scan=20),
        lambda connection: stories.everywhere(connection, 10, scan=20),
    ):
        with any_store.read() as connection, statements(any_store) as seen:
            assert [one.title for one in ask(connection)] == [f"Tin {n}" for n in range(10)]
            assert sum("LIMIT" in statement.upper() for statement in seen) == 1


def test_a_list_of_everything_follows_the_order_of_an_index(store, now):
    """Else all that was ever told would be sorted for each page."""
    with store.write() as connection:
        add_topic(connection, now)
    with store.read() as connection, statements(store) as seen:
        stories.everywhere(connection, 10)
    (scan,) = [statement for statement in seen if "LIMIT" in statement.upper()]
    with store.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {scan}", (10, 0)).all()
    assert any("USING INDEX ix_article_topic_listed_at" in row[3] for row in plan), plan
    assert not any(row[3] == "USE TEMP B-TREE FOR ORDER BY" for row in plan), plan
