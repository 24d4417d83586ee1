"""What templates are given: bylines, dates, and frozen views that thaw as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from service.model import Image, Outlet, Story, TopicEntry
from service.render.views import byline, freeze, same_language, shown_at, story_view, thaw


@pytest.fixture
def story(now):
    return Story(
        id=1,
        public_id="abc",
        article_ids=(1,),
        outlet=Outlet(
            "vnexpress", "VnExpress", "https://vnexpress.example/", "https://a.example/1"
        ),
        title="Khai giảng",
        lead="Sapo.",
        authors=("Thanh Hằng",),
        language="vi",
        published=now,
        first_seen_at=now + timedelta(minutes=5),
        entered_at=now + timedelta(minutes=5),
        image=Image("https://a.example/1.jpg", "Trường", 640, 360),
        others=(
            Outlet("tt", "Tuổi Trẻ", None, "https://b.example/1"),
            Outlet("x", "X", None, None),
        ),
        topics=(TopicEntry("giao-duc", "Giáo dục", now),),
    )


@pytest.mark.parametrize(
    ("authors", "shown"),
    [
        (("Thanh Hằng",), "Thanh Hằng · VnExpress"),
        ((), "VnExpress"),
        (("", " "), "VnExpress"),
        (("vnexpress",), "VnExpress"),
        (("Thanh Hằng", "Minh Anh"), "Thanh Hằng – Minh Anh · VnExpress"),
        (("A", "B", "C", "D"), "A – B – C · VnExpress"),
        (("Thanh Hằng, Minh Anh",), "Thanh Hằng – Minh Anh · VnExpress"),
    ],
)
def test_the_outlet_stands_in_the_byline_and_no_comma_does(story, authors, shown):
    assert byline(replace(story, authors=authors)) == shown


def test_the_date_shown_is_the_outlets_but_never_after_we_saw_it(story, now):
    assert shown_at(story) == now
    assert shown_at(replace(story, published=now + timedelta(days=2))) == story.first_seen_at
    assert shown_at(replace(story, published=None)) == story.first_seen_at
    moved = replace(story, published=None, entered_at=now + timedelta(days=9))
    assert shown_at(moved) == story.first_seen_at, "entering a topic anew moves no date"


def test_the_headline_leads_to_the_original_else_to_our_page(story):
    view = story_view(story)
    assert view.href == "https://a.example/1"
    assert view.page == "/stories/abc/"
    own = replace(story, outlet=replace(story.outlet, link=None))
    assert story_view(own).href == "/stories/abc/"


def test_a_frozen_view_thaws_as_it_was(story):
    view = story_view(story)
    assert thaw(json.loads(json.dumps(freeze(view)))) == view
    bare = story_view(replace(story, image=None, others=(), topics=()))
    assert thaw(json.loads(json.dumps(freeze(bare)))) == bare


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("vi", "vi-VN", True), ("vi", "en", False), (None, "vi", True), ("EN-us", "en", True)],
)
def test_languages_are_compared_as_readers_would(one, other, same):
    assert same_language(one, other) is same
