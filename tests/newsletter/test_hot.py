"""A digest of hot stories: each as soon as it is hot, and never twice, whatever else tells it."""

from __future__ import annotations

import re

import pytest
from lxml import html
from sqlalchemy import insert, update

from service.store import tables as t
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

NOON = MONDAY + 5 * HOUR
HOT = {"nong": {"title": "Tin nóng", "cadence": "immediate", "hot": True}}
BOTH = {"ngay": {"cadence": "daily", "at": "07:00"}, **HOT}
MINH = "minh@example.vn"


@pytest.fixture
def newsroom(any_store, tmp_path):
    return Newsroom(any_store, tmp_path, BOTH)


def heat(room, story, at):
    with room.store.write() as connection:
        connection.execute(insert(t.hot_story).values(story_id=story, hot_at=at))


def test_a_story_is_mailed_when_it_becomes_hot_however_long_ago_it_came(newsroom):
    newsroom.subscribe(digest="nong")
    story, _ = newsroom.story("Lũ lớn", at=NOON - 5 * HOUR)
    newsroom.story("Tin thường", at=NOON - 4 * HOUR)
    for minutes in range(0, 60, 20):
        newsroom.run(NOON - HOUR + minutes * HOUR / 60)
    assert newsroom.outbox() == []
    heat(newsroom, story, NOON)
    newsroom.story("Lũ lớn, báo khác kể", story=story, source="bao-b", at=NOON)
    newsroom.run(NOON + HOUR / 10)
    newsroom.run(NOON + HOUR / 5)
    newsroom.story("Lũ lớn, thêm một báo", story=story, source="bao-c", at=NOON + HOUR / 4)
    newsroom.run(NOON + 2 * HOUR)
    (mail,) = newsroom.outbox()
    assert "Lũ lớn" in mail["Subject"]
    assert "Tin thường" not in mail.get_body(("plain",)).get_content()


def test_nobody_is_told_twice_by_a_digest_of_hot_stories_and_another(newsroom):
    newsroom.subscribe(digest="nong")
    newsroom.subscribe(digest="ngay")
    early, _ = newsroom.story("Sớm", at=MONDAY - 3 * HOUR)
    hot, _ = newsroom.story("Nóng", at=MONDAY + HOUR)
    newsroom.run(MONDAY)
    heat(newsroom, early, MONDAY + HOUR)
    heat(newsroom, hot, MONDAY + 2 * HOUR)
    newsroom.run(MONDAY + 3 * HOUR)
    newsroom.story("Khác", at=MONDAY + 4 * HOUR)
    newsroom.run(MONDAY + DAY)
    assert newsroom.mails() == [["Sớm"], ["Nóng"], ["Khác"]]


def test_what_was_hot_before_somebody_came_and_what_is_quiet_is_not_told(newsroom):
    before, _ = newsroom.story("Trước", at=NOON - 3 * HOUR)
    heat(newsroom, before, NOON - 2 * HOUR)
    newsroom.subscribe(digest="nong", begins=NOON - HOUR)
    old, _ = newsroom.story("Cũ", at=NOON, quiet=True)
    heat(newsroom, old, NOON)
    newsroom.run(NOON + HOUR)
    assert newsroom.outbox() == []


@pytest.mark.parametrize(("language", "mark"), [("vi", "Nóng"), ("en", "Hot")])
def test_any_mail_marks_what_is_hot_in_the_words_of_pages(newsroom, language, mark):
    newsroom.subscribe(digest="ngay")
    with newsroom.store.write() as connection:
        connection.execute(update(t.subscriber).values(language=language))
    hot, _ = newsroom.story("Lũ lớn", at=MONDAY - 2 * HOUR)
    newsroom.story("Tin thường", "y-te", source="bao-b", at=MONDAY - HOUR)
    heat(newsroom, hot, MONDAY - HOUR)
    newsroom.run(MONDAY)
    (mail,) = newsroom.outbox()
    assert newsroom.renderer.words(language).say("page.hot") == mark
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert text.count(mark) == 1
    assert re.search(rf"^\d\. Lũ lớn\nSapo của Lũ lớn.\n{mark} · Bao-A, ", text, re.MULTILINE)
    (marked,) = html.fromstring(mail.get_body(("html",)).get_content()).cssselect(".hot")
    assert marked.text_content() == mark
    assert marked.getparent().text_content().startswith(f"{mark} Bao-A, ")


def test_the_preview_is_the_mail(newsroom):
    newsroom.subscribe(digest="nong")
    story, _ = newsroom.story("Lũ lớn", at=NOON - 5 * HOUR)
    newsroom.run(NOON - HOUR)
    heat(newsroom, story, NOON)
    newsroom.now = NOON + HOUR / 10
    expected = newsroom.preview("nong", to=MINH)
    newsroom.run(NOON + HOUR / 10)
    (mail,) = (newsroom.root / "var" / "outbox" / "new").iterdir()
    assert mail.read_bytes() == expected.message
