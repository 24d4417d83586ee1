"""Promise 2 when stories are split and merged by hand: what was told stays told in both halves."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.curate import identity
from service.curate.stories import acting
from service.report.why import SKIPPED, why
from service.store import tables as t
from service.store.content import story_rows
from service.store.core import facts
from service.text import mailboxes
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom


@pytest.fixture
def room(any_store, tmp_path):
    rhythm = {"cadence": "daily", "cadences": ["daily", "weekly"]}
    room = Newsroom(any_store, tmp_path, {"tuan": rhythm})
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


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_was_in_no_mail_yet_is_news_of_its_own_after_a_split(room, by_hand):
    """For who was told the story too; who was told nothing of it gets both halves as news."""
    room.subscribe("hoa@example.vn", begins=MONDAY, cadence="weekly")
    room.run(MONDAY)
    story, first = room.story("lũ", at=MONDAY + HOUR)
    room.run(MONDAY + DAY)
    _, other = room.story("bão", at=MONDAY + DAY + HOUR, story=story)
    if by_hand:
        act(room, "split", first, other)
    else:  # as judging leaves it
        with room.store.write() as connection:
            name = identity.public_id("story split", 1)
            fresh = story_rows.begin(connection, name, other, room.now)
            story_rows.place(connection, {other: fresh})
    for day in range(2, 9):
        room.run(MONDAY + day * DAY)
    assert room.mails() == [["lũ"], ["bão"]]
    assert room.mails("hoa@example.vn") == [["lũ", "bão"]]
    with room.store.read() as connection:
        editions = connection.execute(
            select(t.edition_story.c.story_id)
            .join(t.edition)
            .where(t.edition.c.cadence == "weekly")
        ).all()
    assert len(editions) == 2, "as two stories"


def test_what_was_passed_over_within_a_told_story_is_no_news_after_a_split(room):
    """Its reader knew the story by then; `why` says how that was."""
    story, first = room.story("lũ", at=MONDAY - HOUR)
    room.run(MONDAY)
    _, other = room.story("lũ quét", at=MONDAY + HOUR, story=story)
    room.run(MONDAY + DAY)
    act(room, "split", first, other)
    room.run(MONDAY + 2 * DAY)
    assert room.mails() == [["lũ"]]
    with room.store.read() as connection:
        key = mailboxes.key(facts.known_secret(connection), "minh@example.vn")
        said = why(connection, key, other, [other], {"tuan": None}, room.now)
    assert said.answer == SKIPPED
    assert said.reason.endswith(
        "its story had been told, or there were more than its edition holds"
    )
