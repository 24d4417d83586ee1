"""Promise 2 when stories are split and merged by hand: what was told stays told in both halves."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.curate.stories import acting
from service.store import tables as t
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom


@pytest.fixture
def room(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily"}})
    room.subscribe()
    return room


def act(room, how, *articles):
    """Split or merge; articles stand for themselves and for the stories that they are in."""
    with room.store.write() as connection:
        rows = connection.execute(select(t.article.c.id, t.article.c.link))
        links = {row.id: row.link for row in rows}
        one, *others = (links[article] for article in articles)
        if how == "split":
            return acting.split(connection, one, others, "lan", room.now)
        return acting.merge(connection, (one, *others), "lan", room.now)


def home(room, article):
    with room.store.read() as connection:
        own = t.story_article.c.article_id == article
        return connection.scalar(select(t.story_article.c.story_id).where(own))


def test_neither_half_of_a_told_story_is_told_again(room):
    story, first = room.story("lũ", at=MONDAY - HOUR)
    _, second = room.story("lũ quét", at=MONDAY - HOUR, story=story)
    room.run(MONDAY)
    assert room.mails() == [["lũ", "lũ quét"]]
    act(room, "split", first, second)
    for day, (half, title) in enumerate([(first, "lũ rút"), (second, "lũ quét lớn")], 1):
        room.story(title, at=MONDAY + day * DAY - HOUR, story=home(room, half))
    for day in range(1, 4):
        room.run(MONDAY + day * DAY)
    act(room, "merge", first, second)
    room.run(MONDAY + 4 * DAY)
    assert room.mails() == [["lũ", "lũ quét"]]


def test_what_is_merged_into_a_told_story_is_told(room):
    _, told = room.story("lũ", at=MONDAY - HOUR)
    room.run(MONDAY)
    _, late = room.story("lũ khác", at=MONDAY + HOUR)
    act(room, "merge", late, told)
    room.run(MONDAY + DAY)
    act(room, "split", told, late)
    room.run(MONDAY + 2 * DAY)
    assert room.mails() == [["lũ"]]


def test_a_split_while_the_mail_waits_tells_neither_half_again(room):
    story, first = room.story("lũ", at=MONDAY - HOUR)
    _, second = room.story("lũ quét", at=MONDAY - HOUR, story=story)
    room.plan(MONDAY)
    room.now = MONDAY
    act(room, "split", first, second)
    room.send()
    room.run(MONDAY + DAY)
    assert room.mails() == [["lũ", "lũ quét"]]


def test_what_was_in_no_mail_yet_is_news_of_its_own_after_a_split(room):
    story, first = room.story("lũ", at=MONDAY - HOUR)
    room.run(MONDAY)
    _, other = room.story("bão", at=MONDAY + HOUR, story=story)
    act(room, "split", first, other)
    room.run(MONDAY + DAY)
    room.run(MONDAY + 2 * DAY)
    assert room.mails() == [["lũ"], ["bão"]]
