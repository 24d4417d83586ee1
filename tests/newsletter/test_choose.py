"""What one subscription is told of an edition: the rules of choosing, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.newsletter.choose import StoryItem, StoryLimits, choose
from service.newsletter.freeze import PER_TOPIC, best
from service.store.mailing.edition_candidates import DigestCandidate

T = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = ("giao-duc", "y-te", "van-hoa")


def item(number, *topics, outlet="Báo A", articles=None, entered=None):
    """`topics`: names, entered at T unless given as (name, instant)."""
    pairs = tuple(one if isinstance(one, tuple) else (one, T) for one in topics)
    ids = frozenset(articles or {number})
    first = entered or min(at for _, at in pairs)
    return StoryItem(number, pairs, ids, ids, outlet, first)


def told(items, topics=ALL, since=T, told=(), most=20, per_source=None):
    return choose(
        items, topics, since=since, told=frozenset(told), limits=StoryLimits(most, per_source)
    )


def shown(choice):
    return [(one.topic, one.item.story_id) for one in choice.shown]


def counted(choice):
    return [one.item.story_id for one in choice.counted]


def test_the_edition_s_order_is_kept():
    choice = told([item(3, "y-te"), item(1, "giao-duc"), item(2, "y-te")])
    assert shown(choice) == [("y-te", 3), ("giao-duc", 1), ("y-te", 2)]


def test_only_topics_that_are_followed():
    choice = told([item(1, "giao-duc"), item(2, "y-te")], topics=("y-te",))
    assert shown(choice) == [("y-te", 2)]


@pytest.mark.parametrize(("at", "expected"), [(T - timedelta(microseconds=1), 0), (T, 1)])
def test_what_entered_since_the_window_began(at, expected):
    assert len(told([item(1, ("giao-duc", at))])) == expected


def test_a_story_that_entered_another_topic_of_the_reader_later_is_new_there():
    one = item(1, ("giao-duc", T - HOUR), ("y-te", T + HOUR))
    assert shown(told([one])) == [("y-te", 1)]
    assert shown(told([one], topics=("giao-duc",))) == []


def test_a_story_in_two_topics_stands_in_the_first_section_of_the_digest():
    assert shown(told([item(1, "van-hoa", "giao-duc")])) == [("giao-duc", 1)]


def test_one_told_article_tells_the_whole_story():
    choice = told([item(1, "giao-duc", articles={10, 11, 12}), item(2, "giao-duc")], told={11})
    assert shown(choice) == [("giao-duc", 2)]


def test_two_stories_that_share_an_article_count_once_at_the_first_place():
    choice = told([item(1, "giao-duc", articles={10}), item(2, "giao-duc", articles={10, 11})])
    assert shown(choice) == [("giao-duc", 1)]
    assert len(choice) == 1


def test_what_is_over_the_limit_is_counted_and_so_told():
    choice = told([item(n, "giao-duc") for n in range(1, 6)], most=3)
    assert [n for _, n in shown(choice)] == [1, 2, 3]
    assert counted(choice) == [4, 5]
    assert choice.articles() == {1: True, 2: True, 3: True, 4: False, 5: False}


def test_one_outlet_does_not_fill_a_mail():
    items = [item(n, "giao-duc", outlet="Báo A") for n in (1, 2, 3)]
    items += [item(4, "giao-duc", outlet="Báo B"), item(5, "giao-duc", outlet="báo a")]
    choice = told(items, per_source=2)
    assert [n for _, n in shown(choice)] == [1, 2, 4]
    assert counted(choice) == [3, 5]


def test_cutting_a_choice_shorter_keeps_its_order():
    choice = told([item(n, "giao-duc") for n in range(1, 6)], most=4).cut_to(2)
    assert [n for _, n in shown(choice)] == [1, 2]
    assert counted(choice) == [3, 4, 5]
    assert len(choice) == 5


def test_how_long_the_oldest_story_waits_is_by_the_reader_s_topics():
    one = item(1, ("giao-duc", T - 9 * HOUR), ("y-te", T + HOUR))
    choice = told([one, item(2, ("y-te", T + 2 * HOUR))], topics=("y-te",))
    assert choice.waiting_since() == T + HOUR
    assert choice.first_entered() == T - 9 * HOUR
    assert told([]).waiting_since() is None


def candidate(number, *topics, weight=1.0, outlets=1, published=None):
    pairs = tuple(one if isinstance(one, tuple) else (one, T) for one in topics)
    return DigestCandidate(number, f"{number:024d}", pairs, weight, outlets, published)


def test_the_best_are_what_many_tell_then_what_is_newest():
    found = [
        candidate(1, "y-te"),
        candidate(2, ("y-te", T + HOUR)),
        candidate(3, "y-te", outlets=3),
        candidate(4, "y-te", weight=2.0),
        candidate(5, ("y-te", T + 2 * HOUR), published=T - 30 * HOUR),
    ]
    assert [one.story_id for one in best(found, T)] == [3, 4, 2, 1, 5]


def test_a_date_to_come_puts_no_story_before_what_came_later():
    found = [candidate(1, "y-te", published=T + 30 * HOUR), candidate(2, ("y-te", T + HOUR))]
    assert [one.story_id for one in best(found, T)] == [2, 1]


def test_a_topic_brings_its_best_hundred_of_the_period_and_of_what_is_older():
    new = [candidate(n, ("y-te", T + HOUR)) for n in range(PER_TOPIC + 5)]
    old = [candidate(1000 + n, ("y-te", T - HOUR)) for n in range(PER_TOPIC + 5)]
    other = [candidate(5000, "giao-duc")]
    chosen = {one.story_id for one in best([*new, *old, *other], T)}
    assert len(chosen) == 2 * PER_TOPIC + 1
    assert 5000 in chosen
