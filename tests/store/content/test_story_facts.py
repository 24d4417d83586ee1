"""What the order of stories follows from, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, update

from service.curate.selection import reading
from service.store import tables as t
from service.store.content import merges, story_facts
from service.store.content.story_facts import ToldBy
from tests.builders import add_source, add_story, add_topic
from tests.store.watching import statements

HOUR = timedelta(hours=1)


def sighting(connection, source, article, seen, published=None):
    connection.execute(
        insert(t.entry).values(
            source_id=source, entry_key=f"{source}-{article}", title="Tin", hash=b"",
            quiet=False, article_id=article, first_seen_at=seen, published_at=published,
        )
    )  # fmt: skip


def test_who_told_it_and_when_and_how_much_of_it_is_in_each_topic(any_store, now):
    with any_store.write() as connection:
        a, b, c = (
            add_source(connection, now, f"bao-{n}", weight=w)
            for n, w in zip("abc", (1, 2, 3), strict=True)
        )
        y_te, giao_duc = (add_topic(connection, now, name) for name in ("y-te", "giao-duc"))
        gone = add_topic(connection, now, "cu")
        connection.execute(update(t.topic).where(t.topic.c.id == gone).values(retired_at=now))
        story, first = add_story(
            connection, source=a, topics=[y_te, gone], entered_at=now, title="Sởi lan rộng",
            published=now - 3 * HOUR,
        )  # fmt: skip
        add_story(
            connection, source=b, topics=[y_te, giao_duc], entered_at=now + HOUR, title="Sởi",
            story=story, published=now + 9 * HOUR,
        )  # fmt: skip
        add_story(
            connection, source=b, topics=[], entered_at=now + 2 * HOUR, title="Dịch", story=story
        )
        sighting(connection, a, first, now)
        sighting(connection, c, first, now + 4 * HOUR, now + 3 * HOUR)
        other, _ = add_story(
            connection, source=c, topics=[giao_duc], entered_at=now, title="Tin khác"
        )
    with any_store.read() as connection, statements(any_store) as asked:
        found = story_facts.of_stories(connection, [story, other])
        known = reading.read(connection, [story, other], {})
    one = found[story]
    assert one.title == "Sởi lan rộng"
    assert one.told_by == [
        ToldBy(a, now - 3 * HOUR), ToldBy(b, now + HOUR), ToldBy(c, now + 3 * HOUR)
    ]  # fmt: skip
    assert (one.articles, one.loose) == (3, 1)
    assert one.topics == {"y-te": 2, "giao-duc": 1}
    assert one.reasons == {"y-te": {"word": "Sởi"}}
    assert found[other].told_by == [ToldBy(c, now)]
    assert len(asked) == 4 + 5
    standing = known.standing(story, ["giao-duc", "van-hoa"], 2 * HOUR, 12 * HOUR)
    assert (standing.outlets, standing.weight, standing.elsewhere) == (3, 3, 3)
    assert standing.topics.keys() == {"giao-duc"}


def test_what_has_become_one_article_is_not_counted_twice(any_store, now):
    with any_store.write() as connection:
        a, b = (add_source(connection, now, name) for name in ("bao-a", "bao-b"))
        topic = add_topic(connection, now)
        story, winner = add_story(connection, source=a, topics=[topic], entered_at=now, title="A")
        _, loser = add_story(connection, source=b, topics=[topic], entered_at=now, title="B")
        merges.merge(connection, winner, loser)
    with any_store.read() as connection:
        found = story_facts.of_stories(connection, [story])[story]
    assert (found.articles, found.loose, found.topics) == (1, 0, {"giao-duc": 1})
    assert [one.source_id for one in found.told_by] == [a, b]


def test_a_hundred_stories_cost_as_many_statements_as_one(any_store, now):
    with any_store.write() as connection:
        source, topic = add_source(connection, now), add_topic(connection, now)
        ids = [
            add_story(connection, source=source, topics=[topic], entered_at=now, title=f"Tin {n}")[
                0
            ]
            for n in range(100)
        ]
    counts = []
    for some in (ids[:1], ids):
        with any_store.read() as connection, statements(any_store) as asked:
            assert len(reading.read(connection, some, {}).facts) == len(some)
        counts.append(len(asked))
    assert counts == [5, 5]
