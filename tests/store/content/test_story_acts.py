"""Acts by hand about stories, as rows: through merges of articles, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.model import StoryActKind
from service.store.content import merges, story_acts, story_rows
from tests.builders import add_source, add_story

APART, TOGETHER = StoryActKind.APART, StoryActKind.TOGETHER


@pytest.fixture
def rows(any_store, now):
    """Four articles, each with its story: [(story, article)]."""
    with any_store.write() as connection:
        source = add_source(connection, now)
        return [
            add_story(connection, source=source, topics=[], entered_at=now, title=f"Tin {number}")
            for number in range(4)
        ]


def test_acts_are_found_by_their_stories_in_the_order_in_which_they_were_said(any_store, rows, now):
    (one, a), (two, b), (three, c), _ = rows
    with any_store.write() as connection:
        first = story_acts.add(connection, APART, {a: 0, b: 1}, "lan", now)
        second = story_acts.add(connection, TOGETHER, {a: 0, c: 1}, "minh", now)
        assert second > first
        assert [act.id for act in story_acts.of_stories(connection, [one])] == [first, second]
        (found,) = story_acts.of_stories(connection, [two])
        assert (found.kind, found.actor, found.happened_at) == (APART, "lan", now)
        assert found.sides == {a: 0, b: 1}
        assert story_acts.homes(connection, [found]) == {a: one, b: two}
        assert story_acts.of_stories(connection, [three])[0].sides == {a: 0, c: 1}


def test_acts_live_as_long_as_one_of_their_stories_has_a_new_article(any_store, rows, now):
    (one, a), (_, b), (_, c), (_, d) = rows
    later = now + timedelta(days=9)
    with any_store.write() as connection:
        about = story_acts.add(connection, APART, {a: 0, b: 1}, "lan", now)
        story_acts.add(connection, APART, {c: 0, d: 1}, "lan", now)
        assert len(story_acts.living(connection, now)) == 2
        assert story_acts.living(connection, later) == []
        source = add_source(connection, now, "bao-b")
        add_story(connection, source=source, topics=[], entered_at=later, title="Mới", story=one)
        assert [act.id for act in story_acts.living(connection, later)] == [about]


def test_an_act_goes_with_an_article_that_has_become_another(any_store, rows, now):
    (_, a), (two, b), (_, c), (_, d) = rows
    with any_store.write() as connection:
        act = story_acts.add(connection, APART, {a: 0, b: 1, d: 1}, "lan", now)
        merges.merge(connection, c, a)
        merges.merge(connection, b, d)
        (found,) = story_acts.of_stories(connection, [two])
        assert (found.id, found.sides) == (act, {c: 0, b: 1})


def test_what_was_put_apart_and_is_one_article_is_no_side_of_its_own(any_store, rows, now):
    (one, a), (_, b), (_, c), _ = rows
    with any_store.write() as connection:
        story_acts.add(connection, APART, {a: 0, b: 1, c: 1}, "lan", now)
        merges.merge(connection, a, b)
        (found,) = story_acts.of_stories(connection, [one])
        assert found.sides == {c: 1}


def test_stories_that_were_put_apart_do_not_become_one_when_two_of_their_articles_do(
    any_store, rows, now
):
    (one, a), (two, b), (three, c), (_, d) = rows
    with any_store.write() as connection:
        story_rows.place(connection, {c: two, d: three})
        assert not story_acts.apart(connection, one, two)
        story_acts.add(connection, APART, {a: 0, c: 1}, "lan", now)
        assert story_acts.apart(connection, one, two)
        assert story_acts.apart(connection, two, one)
        merges.merge(connection, a, b)
        assert story_rows.articles_of(connection, one) == [a]
        assert story_rows.articles_of(connection, two) == [c]
        assert [story_rows.story_of(connection, each) for each in (a, b)] == [one, one]
        # Where nobody said so, they do.
        merges.merge(connection, a, d)
        assert story_rows.story_of(connection, d) == one
