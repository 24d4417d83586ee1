"""What admins say about stories binds the machine: pure, and judged online."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from service.curate.stories.by_hand import ByHand
from service.curate.stories.terms import read
from service.model import StoryAct, StoryActKind
from tests.curate.stories.test_engine import AGAIN, FLOOD, MUSEUM, NOW, Desk, _stream

A, B, C, D = 1, 2, 3, 4
WHEN = datetime(2026, 11, 24, tzinfo=UTC)


def acts(*said: list[set[int]]) -> list[StoryAct]:
    """In order: [{a, b}] = together, [{a}, {b}] = apart."""
    return [
        StoryAct(
            number,
            StoryActKind.TOGETHER if len(sides) == 1 else StoryActKind.APART,
            "lan",
            WHEN,
            {one: side for side, ones in enumerate(sides) for one in ones},
        )
        for number, sides in enumerate(said, 1)
    ]


def by_hand(*said: list[set[int]], homes: dict[int, int] | None = None) -> ByHand:
    """Every article is the whole of a story of its own unless `homes` says otherwise."""
    return ByHand(acts(*said), homes or {one: one for one in (A, B, C, D)})


def test_what_was_put_together_is_so_across_acts_and_in_any_order_of_names():
    said = by_hand([{B, A}], [{C, B}])
    assert said.with_(A) == said.with_(C) == {A, B, C}
    assert said.with_(D) == {D}
    assert (said.made(A), said.made(D)) == (True, False)


def test_the_newest_word_counts_either_way():
    assert by_hand([{A, B}], [{A}, {B}]).apart(A, B)
    assert by_hand([{A, B}], [{A}, {B}]).with_(A) == {A}
    assert by_hand([{A}, {B}], [{A, B}]).with_(A) == {A, B}


def test_of_a_chain_that_a_newer_act_denies_the_oldest_link_yields():
    said = by_hand([{A, B}], [{B, C}], [{A}, {C}])
    assert said.with_(B) == {B, C}
    assert said.with_(A) == {A}
    assert said.apart(A, C)
    # Told in the other order, the other link is the older one.
    assert by_hand([{B, C}], [{A, B}], [{A}, {C}]).with_(B) == {A, B}


def test_who_is_apart_from_one_is_apart_from_all_that_is_together_with_it():
    said = by_hand([{A}, {C}], [{A, B}], homes={A: 1, B: 1, C: 3})
    assert said.apart(1, 3)
    said.move(C, 9)
    assert (said.apart(1, 9), said.apart(1, 3)) == (True, False)


def test_who_is_put_with_one_half_of_a_split_leaves_the_other():
    """B was with A; A and C are apart; at last B was put with C."""
    said = by_hand([{A, B}], [{A}, {C}], [{B, C}])
    assert said.with_(C) == {B, C}
    assert said.with_(A) == {A}


def test_a_split_into_several_keeps_each_from_each():
    said = by_hand([{A}, {B}, {C, D}])
    assert all(said.apart(*pair) for pair in ((A, B), (B, C), (A, D)))
    assert not said.apart(C, D)


def test_nothing_said_binds_nothing():
    assert not ByHand()
    assert ByHand().home(A) is None
    assert not ByHand().apart(1, 2)


class Admin(Desk):
    """The desk of the engine's tests, with acts: stories are moved as the rows would be."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[list[set[int]]] = []

    def say(self, *sides: set[int]) -> None:
        self.said.append(list(sides))
        if len(sides) == 1:
            story = self.stories.story_of(min(sides[0]))
            moves = dict.fromkeys(sides[0], story)
        else:
            moves = {one: next(self.fresh) for one in sides[1]}
            moves = dict.fromkeys(sides[1], max(moves.values()))
        for one, story in moves.items():
            self.stories.move(one, story)
        self.bind({one: self.stories.story_of(one) for one in self.stories.articles()})

    def bind(self, homes: dict[int, int]) -> None:
        self.stories.by_hand = ByHand(acts(*self.said), homes)


def told(number: int) -> tuple[str, str]:
    """The flood again, in words that are another outlet's in part."""
    title, text = (FLOOD, AGAIN)[number % 2]
    return f"{title} ({number})", f"{text} Bản tin số {number} của đài."


def test_a_split_stays_split_while_ten_more_articles_come_of_the_same_news():
    desk = Admin()
    one, other, third = desk.add(told(0)), desk.add(told(1)), desk.add(told(2))
    assert desk.stories.story_of(one) == desk.stories.story_of(third)
    desk.say({one, other}, {third})
    later = [desk.add(told(number)) for number in range(3, 13)]
    assert not desk.together(one, third)
    assert desk.together(one, other)
    stories = {desk.stories.story_of(number) for number in later}
    assert stories <= {desk.stories.story_of(one), desk.stories.story_of(third)}


def test_without_the_act_the_machine_joins_them_again():
    """Else the test above would show nothing."""
    desk = Admin()
    one, _other, third = desk.add(told(0)), desk.add(told(1)), desk.add(told(2))
    desk.say({one}, {third})
    desk.said.clear()
    desk.bind({})
    for number in range(3, 13):
        desk.add(told(number))
    assert desk.together(one, third)


def test_a_merge_stays_merged_and_takes_in_what_either_of_the_two_would():
    desk = Admin()
    flood, museum = desk.add(FLOOD), desk.add(MUSEUM)
    assert not desk.together(flood, museum)
    desk.say({flood, museum})
    later = [desk.add(told(number)) for number in range(10)]
    last = desk.add((MUSEUM[0], MUSEUM[1] + " It was closed in 2022."))
    assert desk.together(flood, museum)
    assert all(desk.together(flood, one) for one in [*later, last])


def test_what_was_merged_by_hand_keeps_its_id_and_takes_in_a_larger_story():
    desk = Admin()
    flood, museum = desk.add(FLOOD), desk.add(MUSEUM)
    desk.say({museum, flood})
    keeps, others = desk.stories.story_of(museum), [801, 802, 803]
    for number in others:
        desk.stories.restore(number, 1, read(*told(number), None), desk.at)
    desk.add(told(5))  # touches both, which become one
    assert {desk.stories.story_of(one) for one in (flood, museum, *others)} == {keeps}
    assert desk.last.moved == dict.fromkeys(others, keeps)


def test_when_two_that_were_merged_by_hand_become_one_all_of_the_other_comes_along():
    """What has left the window too, or half of the merge would be undone."""
    desk = Admin()
    first, second = desk.add(told(0)), desk.add(MUSEUM)
    desk.stories.move(first, 77)
    desk.stories.remove(second)
    desk.stories.restore(second, 78, read(*told(1), None), desk.at)
    desk.said = [[{first, 901}], [{second, 902}]]
    desk.bind({first: 77, 901: 77, second: 78, 902: 78})
    desk.add(told(2))
    assert desk.last.moved == {second: 77, 902: 77}
    assert [desk.stories.by_hand.home(one) for one in (901, 902, second)] == [77, 77, 77]


def test_what_left_the_window_holds_what_is_in_it():
    """Half of a story made by hand is out of the window; half of one that was split, too."""
    desk = Admin()
    old, new, split = 901, desk.add(told(0)), desk.add(told(1))
    home, away = 77, 78
    desk.said = [[{old, new}], [{old}, {split}]]
    desk.stories.move(new, home)
    desk.stories.move(split, away)
    desk.bind({old: home, new: home, split: away})
    for number in range(2, 8):
        desk.add(told(number))
        assert desk.stories.story_of(new) == home
        assert desk.stories.story_of(split) == away
        assert old not in desk.last.moved


def test_an_article_that_was_placed_by_hand_before_it_was_judged_stays_there():
    desk = Admin()
    desk.add(FLOOD)
    museum = desk.add(MUSEUM)
    desk.said = [[{museum, 500}]]
    desk.bind({museum: desk.stories.story_of(museum), 500: desk.stories.story_of(museum)})
    placed = desk.stories.add(500, read(*AGAIN, None), NOW, desk.fresh, 999)
    assert placed.story == desk.stories.story_of(museum)
    assert desk.together(museum, 500)


@pytest.mark.parametrize("seed", range(4))
def test_acts_hold_whatever_the_order_of_arrival(seed):
    desk = Admin()
    flood, again, museum = desk.add(told(0)), desk.add(told(1)), desk.add(MUSEUM)
    desk.say({flood}, {again})
    desk.say({again, museum})
    coming = [told(number) for number in range(2, 10)] + [MUSEUM] * 2 + _stream(outlets=2)[:20]
    random.Random(seed).shuffle(coming)
    for one in coming:
        desk.add(one)
        assert desk.together(again, museum)
        assert not desk.together(flood, again)
