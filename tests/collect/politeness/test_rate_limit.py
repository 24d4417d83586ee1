"""Gaps between the sources of one site, by a clock of numbers."""

from __future__ import annotations

from service.collect.politeness.rate_limit import NO_GAP, Gap, RequestQueue, Sites

GAP = Gap(2.0, 1)


def test_one_site_is_asked_one_by_one_with_a_gap_after_each_answer():
    waiting = RequestQueue[str](Sites())
    for item in "abc":
        waiting.add("x", GAP, item)
    waiting.add("y", GAP, "other")
    assert sorted(waiting.take(0.0, 10)) == [("x", "a"), ("y", "other")]
    assert waiting.take(50.0, 10) == []  # still answering
    assert waiting.next_at() is None
    waiting.done("x", 60.0)
    assert waiting.next_at() == 62.0
    assert waiting.take(61.9, 10) == []
    assert waiting.take(62.0, 10) == [("x", "b")]
    waiting.done("x", 62.5)
    waiting.done("y", 63.0)
    assert waiting.take(64.5, 10) == [("x", "c")]
    assert len(waiting) == 0


def test_several_connections_still_keep_the_gap_between_starts():
    waiting = RequestQueue[int](Sites())
    for item in range(4):
        waiting.add("x", Gap(1.0, 2), item)
    assert waiting.take(0.0, 10) == [("x", 0)]
    assert waiting.next_at() == 1.0
    assert waiting.take(1.0, 10) == [("x", 1)]
    assert waiting.take(5.0, 10) == []
    waiting.done("x", 5.0)
    assert waiting.take(6.0, 10) == [("x", 2)]


def test_without_a_gap_all_go_as_far_as_there_is_room():
    waiting = RequestQueue[int](Sites())
    for item in range(5):
        waiting.add("x", NO_GAP, item)
    assert len(waiting.take(0.0, 3)) == 3
    assert waiting.next_at() == 0.0
    assert len(waiting.take(0.0, 3)) == 2
    assert waiting.next_at() is None


def test_the_memory_of_a_site_outlives_a_pass():
    sites = Sites()
    first = RequestQueue[str](sites)
    first.add("x", GAP, "a")
    first.take(0.0, 1)
    first.done("x", 1.0)
    second = RequestQueue[str](sites)
    second.add("x", GAP, "b")
    assert second.take(1.5, 1) == []
    assert second.next_at() == 3.0
    assert second.take(3.0, 1) == [("x", "b")]


def test_a_site_that_another_pass_is_asking_is_looked_at_again():
    sites = Sites()
    other, mine = RequestQueue[str](sites), RequestQueue[str](sites)
    other.add("x", GAP, "a")
    other.take(0.0, 1)
    mine.add("x", GAP, "b")
    assert mine.take(0.0, 1) == []
    assert mine.next_at() == 1.0
    assert mine.take(1.0, 1) == []
    other.done("x", 1.5)
    assert mine.take(2.0, 1) == []
    assert mine.take(3.5, 1) == [("x", "b")]


def test_the_more_careful_source_of_a_site_decides():
    waiting = RequestQueue[str](Sites())
    waiting.add("x", Gap(0.0, 5), "a")
    waiting.add("x", Gap(9.0, 1), "b")
    assert waiting.take(0.0, 5) == [("x", "a")]
    waiting.done("x", 1.0)
    assert waiting.next_at() == 10.0


def test_a_site_that_wants_a_longer_gap_gets_it_from_every_queue():
    sites = Sites()
    first, second = RequestQueue[str](sites), RequestQueue[str](sites)
    for waiting in (first, second):
        waiting.add("x", GAP, "a")
    first.take(0.0, 1)
    sites.slow_down("x", 10.0)
    sites.slow_down("x", 5.0)  # another host of the site is content with less
    first.done("x", 1.0)
    assert second.take(10.9, 1) == []
    assert second.take(11.0, 1) == [("x", "a")]
    sites.forget(11.0)
    second.done("x", 12.0)
    assert sites.free_at("x", GAP) == 22.0


def test_what_needs_another_turn_stands_before_the_others():
    waiting = RequestQueue[str](Sites())
    for item in "abc":
        waiting.add("x", GAP, item)
    waiting.take(0.0, 1)
    waiting.again("x", "a")
    waiting.done("x", 1.0)
    assert waiting.take(2.9, 9) == []
    assert waiting.take(3.0, 9) == [("x", "a")]
    assert len(waiting) == 2


def test_what_is_long_past_is_forgotten():
    sites = Sites()
    sites.begin("x", GAP, 0.0)
    sites.end("x", GAP, 1.0)
    sites.begin("y", GAP, 0.0)
    sites.forget(2.9)
    assert sites.free_at("x", GAP) == 3.0
    sites.forget(3.1)
    assert sites.free_at("x", GAP) == 0.0
    assert sites.free_at("y", GAP) is None
