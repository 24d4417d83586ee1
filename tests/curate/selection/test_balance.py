"""Topics share the room of a list, and outlets take turns: pure, with stories made by hand."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from service.curate.selection.balance import AS_HIGH, Ranked, StoryLimits, share, take_turns


def story(name, topic="a", score=1.0, outlet="Báo A"):
    return Ranked(name, topic, outlet, score)


def ranked(stories):
    return sorted(stories, key=lambda one: (-one.score, one.item))


def shown(stories, most, **room):
    return [one.item for one in share(ranked(stories), StoryLimits(most, **room))[0]]


def topics(stories, most, **room):
    return Counter(one.topic for one in share(ranked(stories), StoryLimits(most, **room))[0])


def test_a_topic_with_sixteen_of_twenty_stories_does_not_drown_the_others():
    stories = [story(f"a{n:02}", "a", 1 - n / 1000) for n in range(16)]
    stories += [story(f"{topic}{n}", topic, 0.9) for topic in "bc" for n in range(2)]
    assert topics(stories, 9) == {"a": 5, "b": 2, "c": 2}, "all of the small ones"
    assert topics(stories, 6) == {"a": 2, "b": 2, "c": 2}
    assert topics(stories, 20, per_topic=8) == {"a": 8, "b": 2, "c": 2}
    assert topics(stories, 20) == {"a": 16, "b": 2, "c": 2}, "nothing is left out without need"


def test_the_highest_comes_first_whatever_its_topic():
    stories = [story("b", "b", 0.5), story("a", "a", 0.4), story("c", "a", 0.9)]
    assert shown(stories, 3) == ["c", "b", "a"]


def test_a_topic_with_higher_stories_gets_more_of_the_room():
    stories = [story(f"a{n}", "a", 3.0) for n in range(9)]
    stories += [story(f"b{n}", "b", 1.0) for n in range(9)]
    assert topics(stories, 8) == {"a": 6, "b": 2}


def test_a_topic_s_places_go_to_one_outlet_after_the_other_where_they_stand_as_high():
    stories = [story(n, outlet="Báo A", score=1 - n / 100) for n in range(6)]
    stories += [story(7, outlet="Báo B", score=0.9), story(8, outlet="Báo C", score=0.5)]
    assert shown(stories, 4) == [0, 7, 1, 2]


def test_one_topic_alone_gets_all_the_room():
    assert len(shown([story(n) for n in range(30)], 20)) == 20


def test_an_outlet_has_its_own_limit_and_makes_room_for_others():
    stories = [story(n, outlet="Báo A", score=2) for n in range(5)]
    stories.append(story(9, outlet="Báo B", score=1))
    assert shown(stories, 4, per_source=2) == [0, 1, 9]


ANY = st.lists(
    st.builds(
        story,
        st.uuids().map(str),
        st.sampled_from("abcd"),
        st.sampled_from([0.0, 0.5, 0.9, 1.0, 2.0]),
        st.sampled_from(["Báo A", "Báo B", "Báo C"]),
    ),
    max_size=30,
)
LIMIT = st.one_of(st.none(), st.integers(1, 5))


@given(ANY, st.integers(1, 12), LIMIT, LIMIT, st.randoms(use_true_random=False))
def test_whatever_comes_nothing_is_lost_and_limits_hold(stories, most, a_topic, an_outlet, chance):
    room = StoryLimits(most, a_topic, an_outlet)
    taken, left = share(ranked(stories), room)
    assert sorted(one.item for one in taken + left) == sorted(one.item for one in stories)
    assert len(taken) <= most
    assert all(n <= (a_topic or most) for n in Counter(one.topic for one in taken).values())
    assert all(n <= (an_outlet or most) for n in Counter(one.outlet for one in taken).values())
    if len(stories) <= most and a_topic is None and an_outlet is None:
        assert not left, "with room for all, all are shown"
    for topic in "abcd":
        of_topic = [one.score for one in taken if one.topic == topic]
        assert all(AS_HIGH * after <= before for before, after in itertools.pairwise(of_topic))
    mixed = list(stories)
    chance.shuffle(mixed)
    assert share(ranked(mixed), room) == (taken, left), "the order of arrival changes nothing"


def turns(stories, after=None):
    return take_turns(ranked(stories), lambda one: one.score, lambda one: one.outlet, after)


def test_outlets_take_turns_where_stories_stand_as_high():
    stories = [story(n, outlet="Báo A", score=1 - n / 100) for n in range(3)]
    stories += [story(7, outlet="Báo B", score=0.9), story(8, outlet="Báo C", score=0.85)]
    assert [one.item for one in turns(stories)] == [0, 7, 1, 8, 2]


def test_a_much_higher_story_waits_for_nobody():
    stories = [story(1, outlet="Báo A", score=3.0), story(2, outlet="Báo A", score=2.9)]
    stories.append(story(3, outlet="Báo B", score=1.0))
    assert [one.item for one in turns(stories)] == [1, 2, 3]


def test_what_stands_before_a_section_counts():
    stories = [story(1, outlet="Báo A"), story(2, outlet="Báo B")]
    assert [one.item for one in turns(stories, after="Báo A")] == [2, 1]


@given(ANY)
def test_nothing_stands_twice_in_a_row_from_one_outlet_where_another_stands_as_high(stories):
    order = turns(stories)
    assert sorted(one.item for one in order) == sorted(one.item for one in stories)
    for place, (before, one) in enumerate(itertools.pairwise(order), 1):
        if before.outlet == one.outlet:
            behind = order[place:]
            highest = max(other.score for other in behind)
            assert one.score == highest
            assert not [
                other
                for other in behind
                if other.outlet != one.outlet and other.score >= AS_HIGH * highest
            ]


def test_turns_follow_from_the_stories_alone():
    stories = [story(n, outlet=f"Báo {n % 3}", score=1 + n % 5) for n in range(40)]
    expected = turns(stories)
    for seed in range(5):
        mixed = list(stories)
        random.Random(seed).shuffle(mixed)
        assert turns(mixed) == expected
