"""What was taken back stays so, whatever sources bring of it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.curate.judging import Judge
from service.curate.rematch import rematch
from service.curate.search.indexing import index_stored
from service.curate.stories import acting, recalling
from service.errors import StoryError
from service.store import tables as t
from service.store.content import stories
from tests.curate.desk import Desk, entry
from tests.curate.stories.test_engine import AGAIN, FLOOD

LINK = "https://a.vn/1"
TITLE = "Giáo dục vùng cao có thêm ba trường mới"
TEXT = "Ba trường mới mở cửa cho học sinh ở xã Mường Pồn, tỉnh Điện Biên, sáng nay."
WEEKS = timedelta(weeks=2)


@pytest.fixture
def desk(any_store, now):
    desk = Desk(any_store, now)
    desk.checks = False
    desk.says("a", entry("1", LINK, TITLE, summary=TEXT))
    return desk


def recall(desk, link=LINK, **options):
    with desk.store.ledger() as connection:
        return recalling.recall(connection, link, "sai", "lan", desk.now, **options)


def listed(desk):
    with desk.store.read() as connection:
        return [one.title for one in stories.everywhere(connection)]


def kept(desk):
    """Title and words of each article."""
    told = select(t.article.c.title, t.article.c.lead, t.article.c.content)
    with desk.store.read() as connection:
        return [tuple(row) for row in connection.execute(told.order_by(t.article.c.id))]


@pytest.mark.parametrize(
    "again",
    [
        ("a", entry("1", LINK, "Giáo dục: tựa khác", summary="Lời khác.")),  # edited
        ("a", entry("9", LINK, TITLE, summary=TEXT)),  # under another guid
        ("a", entry("1", "https://a.vn/moi", TITLE, summary=TEXT)),  # at another address
        ("b", entry("7", "http://www.a.vn/1", TITLE, summary=TEXT)),  # by who links to it
        ("b", entry("7", "https://b.vn/7", TITLE, summary=TEXT)),  # the very words
        ("b", entry("7", "https://b.vn/7", TITLE, summary="Học sinh vui.")),  # the very headline
    ],
)
def test_what_brings_it_again_brings_nothing(desk, again):
    assert listed(desk) == [TITLE]
    recall(desk)
    assert listed(desk) == []
    desk.now += timedelta(hours=1)
    desk.says(*again)
    assert listed(desk) == []
    assert all((lead, content) == ("", "") for _, lead, content in kept(desk))
    assert desk.count(t.article_topic) == 0
    index_stored(desk.store)
    rematch(desk.store, desk.settings, desk.now)
    Judge().run(desk.store, timedelta(days=5), desk.now)
    assert listed(desk) == []


def test_other_news_come_as_ever_and_old_headlines_come_again(desk):
    recall(desk)
    desk.says("a", entry("2", "https://a.vn/2", "Học sinh nghỉ học tránh bão", summary="Từ mai."))
    assert listed(desk) == ["Học sinh nghỉ học tránh bão"]
    desk.now += WEEKS
    desk.says("b", entry("7", "https://b.vn/7", TITLE, summary="Học sinh vui."))
    assert TITLE in listed(desk)


def test_two_articles_that_turn_out_to_be_one_are_taken_back_both(desk):
    desk.says("b", entry("7", "https://b.vn/7", "Học sinh đi học", summary="Học sinh đi học."))
    assert len(listed(desk)) == 2
    recall(desk)
    desk.says("b", entry("7", LINK, "Học sinh đi học", summary="Học sinh đi học."))
    assert listed(desk) == []
    with desk.store.read() as connection:
        merged = t.article.c.merged_into.is_not(None)
        assert len(connection.execute(select(t.article.c.id).where(merged)).all()) == 1
    assert all((lead, content) == ("", "") for _, lead, content in kept(desk))


def test_an_older_article_of_a_story_that_becomes_one_with_it_leaves_that_story(desk):
    """The older one's story goes on with its other outlet."""
    desk.says("b", entry("7", "https://b.vn/7", "Học sinh đi học", summary="Học sinh đi học."))
    with desk.store.write() as connection:
        acting.merge(connection, [LINK, "https://b.vn/7"], "lan", desk.now)
    desk.says("a", entry("2", "https://a.vn/2", "Giáo dục mầm non", summary="Học sinh mầm non."))
    recall(desk, "https://a.vn/2")
    desk.now += timedelta(hours=1)
    desk.says("a", entry("1", "https://a.vn/2", TITLE, summary=TEXT))
    assert listed(desk) == ["Học sinh đi học"]


def test_no_new_article_joins_a_story_that_was_taken_back(desk):
    judge = Judge()
    flood = entry("3", "https://a.vn/3", FLOOD[0], summary=FLOOD[1])
    desk.says("a", replace(flood, categories=("giáo dục",)))
    judge.run(desk.store, timedelta(days=5), desk.now)
    recall(desk, "https://a.vn/3")
    desk.says("b", entry("4", "https://b.vn/4", AGAIN[0], summary=AGAIN[1]))
    judge.run(desk.store, timedelta(days=5), desk.now)
    Judge().run(desk.store, timedelta(days=5), desk.now)
    assert AGAIN[0] in listed(desk)
    assert FLOOD[0] not in listed(desk)


def test_given_back_it_has_its_words_again_once_its_source_is_read(desk):
    recall(desk)
    with desk.store.ledger() as connection:
        connection.execute(update(t.source_poll).values(read_as=b"x"))
        recalling.undo(connection, LINK, "lan", desk.now)
        assert set(connection.scalars(select(t.source_poll.c.read_as))) == {None, b"x"}
    assert listed(desk) == [TITLE]
    desk.says("a", entry("1", LINK, TITLE, summary=TEXT))  # the same bytes as before
    assert kept(desk) == [(TITLE, TEXT, "")]


def test_it_is_neither_split_nor_merged_by_hand(desk):
    desk.says("b", entry("7", "https://b.vn/7", "Học sinh đi học", summary="Học sinh đi học."))
    recall(desk)
    with pytest.raises(StoryError, match="was recalled"), desk.store.write() as connection:
        acting.merge(connection, ["https://b.vn/7", LINK], "lan", desk.now)
