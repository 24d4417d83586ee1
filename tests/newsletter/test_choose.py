"""What one subscription is told of an edition: the rules of choosing, without a database."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.curate.selection.balance import StoryLimits
from service.curate.selection.standing import Standing, TopicPlace
from service.newsletter.choose import Chooser, StoryItem, choose
from service.newsletter.freeze import PER_TOPIC, best
from service.newsletter.layout import lay_out
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


def told(items, topics=ALL, since=T, told=(), most=20, **room):
    return choose(
        items, topics, since=since, told=frozenset(told), limits=StoryLimits(most, **room)
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


def candidate(number, *topics, published=None, **known):
    """A story with what its place follows from, at a cut two hours after T."""
    pairs = tuple(one if isinstance(one, tuple) else (one, T) for one in topics)
    one = DigestCandidate(number, f"{number:024d}", pairs, published)
    return one, standing(
        {name: TopicPlace(1, headline=False) for name, _ in pairs},
        age_s=(T + 2 * HOUR - one.out_at).total_seconds(),
        **known,
    )


def standing(topics, **known):
    values = {"outlets": 1, "age_s": 0.0, "half_life_s": 12 * 3600.0, "weight": 1.0, "elsewhere": 0}
    return Standing(topics=topics, **{**values, **known})


def highest(*candidates):
    return [one.story_id for one in best(dict(candidates), T)]


@pytest.mark.parametrize("lot", [1, 7, 250])
def test_the_best_of_lots_are_the_best_of_all_at_once(lot):
    rng = random.Random(lot)
    found = []
    for number in range(450):
        topics = [
            (name, T + rng.randint(-4, 4) * HOUR)
            for name in rng.sample(["giao-duc", "y-te", "van-hoa"], rng.choice([1, 1, 1, 2, 3]))
        ]
        found.append(candidate(number, *topics, outlets=rng.choice([1, 1, 2, 5])))
    rng.shuffle(found)
    kept = {}
    for begin in range(0, len(found), lot):
        kept = best(kept | dict(found[begin : begin + lot]), T)
    at_once = best(dict(found), T)
    assert list(kept.items()) == list(at_once.items())
    assert 2 * PER_TOPIC < len(at_once) < len(found)


def test_the_best_are_what_many_tell_then_what_is_newest():
    found = [
        candidate(1, "y-te"),
        candidate(2, ("y-te", T + HOUR)),
        candidate(3, "y-te", outlets=3),
        candidate(4, "y-te", weight=2.0),
        candidate(5, ("y-te", T + 2 * HOUR), published=T - 30 * HOUR),
    ]
    assert highest(*found) == [3, 4, 2, 1, 5]
    assert highest(*reversed(found)) == [3, 4, 2, 1, 5]


def test_a_date_to_come_puts_no_story_before_what_came_later():
    found = [candidate(1, "y-te", published=T + 30 * HOUR), candidate(2, ("y-te", T + HOUR))]
    assert highest(*found) == [2, 1]


def test_sources_without_weight_come_last_the_newest_first():
    found = [candidate(n, ("y-te", T + n * HOUR), weight=0.0) for n in (1, 2)]
    assert highest(candidate(3, ("y-te", T - 40 * HOUR)), *found) == [3, 2, 1]


def test_a_topic_brings_its_best_hundred_of_the_period_and_of_what_is_older():
    new = [candidate(n, ("y-te", T + HOUR)) for n in range(PER_TOPIC + 5)]
    old = [candidate(1000 + n, ("y-te", T - HOUR)) for n in range(PER_TOPIC + 5)]
    other = [candidate(5000, "giao-duc")]
    chosen = set(highest(*new, *old, *other))
    assert len(chosen) == 2 * PER_TOPIC + 1
    assert 5000 in chosen


# -- the order for one reader -----------------------------------------------------------------


def ranked(number, *topics, outlet="Báo A", headline=False, elsewhere=0, **known):
    places = {name: TopicPlace(1, headline=headline) for name in topics}
    return replace(
        item(number, *topics, outlet=outlet),
        standing=standing(places, elsewhere=elsewhere, **known),
    )


def test_what_stands_higher_for_the_reader_s_topics_is_shown_first():
    both, own = ranked(1, "giao-duc", "y-te"), ranked(2, "y-te")
    assert [n for _, n in shown(told([both, own], topics=("y-te",)))] == [2, 1]
    assert [n for _, n in shown(told([both, own], topics=("giao-duc", "y-te")))] == [1, 2]


def test_topics_share_the_room_of_a_mail():
    items = [ranked(n, "giao-duc", outlets=2) for n in range(16)]
    items += [ranked(20 + n, topic) for n, topic in enumerate(("y-te", "y-te", "van-hoa"))]

    def topics(**room):
        return Counter(topic for topic, _ in shown(told(items, **room)))

    assert topics(most=8) == {"giao-duc": 5, "y-te": 2, "van-hoa": 1}
    assert topics(most=20) == {"giao-duc": 16, "y-te": 2, "van-hoa": 1}, "there is room for all"
    assert topics(most=20, per_topic=3) == {"giao-duc": 3, "y-te": 2, "van-hoa": 1}
    assert len(told(items, per_topic=3)) == len(items), "the others are counted, and so told"
    assert len(told(items, topics=("giao-duc",), most=12).shown) == 12, "alone it has all of it"


def test_the_lead_story_s_topic_follows_it_and_no_heading_stands_twice():
    items = [
        ranked(1, "van-hoa", outlets=5),
        ranked(2, "giao-duc"),
        ranked(3, "y-te"),
        ranked(4, "van-hoa", outlet="Báo B"),
        ranked(5, "giao-duc", outlet="Báo B"),
    ]
    layout = lay_out(told(items), ALL)
    assert layout.lead == ("van-hoa", 1)
    assert layout.sections == (("van-hoa", (4,)), ("giao-duc", (2, 5)), ("y-te", (3,)))


def test_no_outlet_stands_twice_in_a_row_where_another_stands_as_high():
    items = [ranked(n, "y-te", age_s=60.0 * n) for n in range(1, 4)]
    items += [ranked(n, "y-te", outlet="Báo B", age_s=60.0 * n) for n in (7, 8)]
    items.append(ranked(9, "y-te", outlet="Báo B", weight=0.1))
    assert lay_out(told(items), ALL).stories == (1, 7, 2, 8, 3, 9)


NAMES = st.lists(st.sampled_from(ALL), min_size=1, max_size=3, unique=True)
ITEMS = st.lists(
    st.builds(
        lambda topics, **values: (topics, values),
        NAMES,
        outlet=st.sampled_from(["Báo A", "Báo B"]),
        outlets=st.integers(1, 6),
        age_s=st.sampled_from([0.0, 3600.0, 90_000.0]),
        elsewhere=st.integers(0, 2),
        headline=st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@given(ITEMS, NAMES, st.integers(1, 12), st.one_of(st.none(), st.integers(1, 4)))
def test_whatever_there_is_each_story_stands_once_under_one_heading(some, follows, most, a_topic):
    items = [ranked(n, *topics, **values) for n, (topics, values) in enumerate(some)]
    choice = told(items, topics=tuple(follows), most=most, per_topic=a_topic)
    if not choice.shown:
        return
    layout = lay_out(choice, ALL)
    headings = [name for name, _ in layout.sections]
    assert len(set(headings)) == len(headings)
    assert layout.lead[0] not in headings[1:]
    assert sorted(layout.stories) == sorted(one.item.story_id for one in choice.shown)
    assert len(layout.stories) + layout.more == sum(
        not set(topics).isdisjoint(follows) for topics, _ in some
    )
    assert choice.shown[0].score == max(one.score for one in choice.shown)
    assert choice == told(items, topics=tuple(follows), most=most, per_topic=a_topic)


def test_an_answer_that_is_remembered_costs_little_however_much_its_reader_was_told():
    chooser = Chooser([item(1, "y-te"), item(2, "y-te")], StoryLimits(20))
    tracemalloc.start()
    try:
        for reader in range(200):
            told_before = set(range(1000 + reader, 1400 + reader))
            assert len(chooser.choose(ALL, T, told_before)) == 2
            assert len(chooser.choose(ALL, T, told_before | {1})) == 1
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 400 * 1500
