"""Immediate mails that wait for more, for a time that the first story of each begins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

MINUTE = timedelta(minutes=1)

CASES = [
    # bundle, minutes at which stories come -> (minute of the mail, its stories)
    ("15m", [0.5], [(15, 1)]),
    ("15m", [0.5, 4, 14.9], [(15, 3)]),
    ("15m", [0.5, 15.5], [(15, 1), (30, 1)]),  # what comes later opens a time of its own
    ("15m", [4.9], [(15, 1)]),  # at 19.9 it would be too late: the mark before
    ("15m", [5], [(20, 1)]),  # on the mark, which does not have it yet
    ("15m", [1, 14, 16, 29], [(15, 2), (30, 2)]),
    ("10m", [0.5, 9, 11], [(10, 2), (20, 1)]),
    ("1h", [2, 20, 40, 59.5, 61], [(60, 4), (120, 1)]),
    (None, [0.5, 4, 14.9], [(5, 2), (15, 1)]),
]


def news(bundle, **values):
    written = {"cadence": "immediate", **values}
    return {"ngay": {**written, "bundle": bundle} if bundle else written}


def run(room, at):
    if room.plan(at).deliveries:
        room.accept()


def times(room, come, until, run=run):
    """(Minute of the mail, how many stories it has), with a tick a minute after each mark."""
    coming, mails = sorted(come), []
    for minute in range(0, until, 5):
        at = MONDAY + minute * MINUTE
        while coming and coming[0] <= minute:
            room.story(f"{coming[0]}", at=MONDAY + coming.pop(0) * MINUTE)
        for tick in (at, at + MINUTE):
            run(room, tick)
        known = room.mails()
        mails += [(minute, len(one)) for one in known[len(mails) :]]
    return mails


@pytest.mark.parametrize(("bundle", "come", "expected"), CASES)
def test_what_comes_within_the_time_of_the_first_is_one_mail(
    store, tmp_path, bundle, come, expected
):
    room = Newsroom(store, tmp_path, news(bundle))
    room.subscribe("minh@example.vn", "ngay", begins=MONDAY - DAY)
    assert times(room, come, until=expected[-1][0] + 7) == expected


def test_the_time_is_each_reader_s_own_by_the_topics_that_they_follow(store, tmp_path):
    room = Newsroom(store, tmp_path, news("15m"))
    for address, topics in (("minh@example.vn", None), ("lan@example.vn", ["y-te"])):
        room.subscribe(address, "ngay", begins=MONDAY - DAY, topics=topics)
    room.run(MONDAY)
    room.story("Một", "giao-duc", at=MONDAY + MINUTE)
    room.story("Hai", "y-te", at=MONDAY + 11 * MINUTE)
    for minute in (5, 10, 15, 20, 23):
        room.run(MONDAY + minute * MINUTE)
    assert room.mails("minh@example.vn") == [["Một", "Hai"]]
    assert room.mails("lan@example.vn") == []
    room.run(MONDAY + 25 * MINUTE)
    assert room.mails("lan@example.vn") == [["Hai"]]


def test_a_restart_neither_loses_nor_lengthens_the_time(store, tmp_path):
    """Each run is a process that knows nothing of the ones before; some marks have none."""
    digests = news("15m")
    Newsroom(store, tmp_path, digests).subscribe("minh@example.vn", "ngay", begins=MONDAY - DAY)

    def restarted(_, at):
        if at.minute not in {5, 6, 10}:
            run(Newsroom(store, tmp_path, digests, now=at), at)

    room = Newsroom(store, tmp_path, digests)
    assert times(room, [1, 12], until=30, run=restarted) == [(15, 2)]


def test_after_a_stand_still_what_waited_too_long_goes_at_once(store, tmp_path):
    room = Newsroom(store, tmp_path, news("15m"))
    room.subscribe("minh@example.vn", "ngay", begins=MONDAY - DAY)
    room.run(MONDAY)
    room.story("Một", at=MONDAY + MINUTE)
    room.run(MONDAY + 3 * HOUR + 2 * MINUTE)
    assert room.mails() == [["Một"]]


def test_a_mail_goes_before_a_quiet_time_and_not_in_it(store, tmp_path):
    digests = news("30m", quiet={"hours": "22:00-06:00"})
    room = Newsroom(store, tmp_path, digests)
    room.subscribe("minh@example.vn", "ngay", begins=MONDAY - DAY)
    evening = MONDAY + 15 * HOUR  # 22:00
    room.run(evening - HOUR)
    room.story("Trước", at=evening - 18 * MINUTE)
    for minute in range(-20, 30, 5):
        room.run(evening + minute * MINUTE)
        if minute < -5:
            assert room.mails() == []
    assert room.mails() == [["Trước"]]
    room.story("Khuya", at=evening + 10 * MINUTE)
    room.story("Sớm", at=evening + 8 * HOUR - MINUTE)
    room.run(evening + 8 * HOUR)
    assert room.mails()[1:] == [["Khuya", "Sớm"]]


def test_a_cut_that_is_asked_for_by_hand_waits_for_nothing(store, tmp_path):
    room = Newsroom(store, tmp_path, news("1h"))
    room.subscribe("minh@example.vn", "ngay", begins=MONDAY - DAY)
    room.run(MONDAY)
    room.story("Một", at=MONDAY + MINUTE)
    room.run(MONDAY + 6 * MINUTE)
    assert room.mails() == []
    said = room.preview("ngay", to="minh@example.vn")
    assert "waits for more until 2026-11-23 01:01Z" in said.reason
    room.run(MONDAY + 7 * MINUTE, at=MONDAY + 7 * MINUTE, digest="ngay")
    assert room.mails() == []
    room.run(MONDAY + 7 * MINUTE, at=MONDAY + 10 * MINUTE, digest="ngay")
    assert room.mails() == [["Một"]]


def test_two_processes_bundle_as_one(any_store, tmp_path):
    """Both plan at each mark, at once: each mail goes once, and in its time."""
    rooms = [Newsroom(any_store, tmp_path, news("15m")) for _ in range(2)]
    rooms[0].subscribe("minh@example.vn", "ngay", begins=MONDAY - DAY)
    rooms[0].plan(MONDAY)

    def both(_, at):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda room: room.plan(at), rooms))
        rooms[0].accept()

    assert times(rooms[0], [1, 12, 16], until=35, run=both) == [(15, 2), (30, 1)]
