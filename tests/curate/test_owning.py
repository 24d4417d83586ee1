"""Whose an article is that two sources tell: the one's whose host its link names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.config.schema import Settings
from service.curate.owning import SourceAddresses, fit
from service.store import tables as t
from tests.curate.desk import Desk, entry

LINK = "https://a.vn/tin/1"


def at(*fetched, home=None):
    return SourceAddresses(fetched, (home,) if home else ())


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param(at("https://a.vn/rss"), at("https://b.vn/rss"), id="its host"),
        pytest.param(at("http://www.a.vn:80/rss"), at("https://b.vn/rss"), id="www and scheme"),
        pytest.param(
            at("https://feeds.example/a", home="https://a.vn/"), at("https://b.vn/rss"), id="home"
        ),
        pytest.param(
            at("https://a.vn/rss"), at("https://copy.example/a", home="https://a.vn"), id="copy"
        ),
        pytest.param(at("https://a.vn/tin/rss"), at("https://a.vn/the-thao/rss"), id="section"),
        pytest.param(
            at("https://a.vn/rss", home="https://a.vn/tin"), at("https://a.vn/rss"), id="its home"
        ),
        pytest.param(at("https://rss.a.vn/1"), at("https://b.vn/rss"), id="part of its host"),
        pytest.param(at("https://a.vn/rss"), at("https://rss.a.vn/1"), id="the same host"),
        pytest.param(at("https://b.vn/rss", "https://a.vn/rss"), at("https://b.vn"), id="moved"),
    ],
)
def test_who_fits_a_link_better(better, worse):
    assert fit(LINK, better) > fit(LINK, worse)


@pytest.mark.parametrize(
    ("link", "places"),
    [
        (LINK, at()),
        (LINK, at("https://xa.vn/rss", "https://a.vn:8443/rss", "no address", "http://[")),
        (None, at("https://a.vn/rss")),
        ("urn:tin:1", at("https://a.vn/rss")),
    ],
)
def test_what_names_no_host_of_theirs_fits_nobody(link, places):
    assert fit(link, places) == (0, 0)


@pytest.fixture
def told_by_b(desk):
    """A story of a's, which b tells first, as news."""
    desk.says("b", entry("b1", f"{LINK}?utm_source=b", "Học sinh nghỉ lũ", published=desk.now))
    desk.unmark()
    return desk.story(LINK)


def test_the_owner_gets_the_article_when_it_comes_second(desk, told_by_b):
    assert told_by_b.outlet.source == "b"
    later = desk.now + timedelta(hours=1)
    desk.says("a", entry("1", LINK, "Lũ lên: học sinh nghỉ", published=later), at=later)
    story = desk.story(LINK)
    assert (story.outlet.source, story.title) == ("a", "Lũ lên: học sinh nghỉ")
    assert [one.source for one in story.others] == ["b"]
    assert desk.marked() == {"giao-duc", "tat-ca", "all"}


def test_what_readers_and_feeds_know_it_by_stays(desk, told_by_b):
    """Its id, its place in the order and its times: the outlet has changed nothing."""
    later = desk.now + timedelta(hours=1)
    desk.says("a", entry("1", LINK, "Học sinh và lũ", published=later, updated=later), at=later)
    story = desk.story(LINK)
    for name in ("public_id", "published", "updated", "sort_at", "entered_at", "article_ids"):
        assert getattr(story, name) == getattr(told_by_b, name), name
    assert {one.name for one in story.topics} == {one.name for one in told_by_b.topics}


def test_from_then_on_its_words_count(desk, told_by_b):
    desk.says("a", entry("1", LINK, "Lũ"), at=desk.now + timedelta(hours=1))
    second, third = (desk.now + timedelta(hours=hours) for hours in (2, 3))
    desk.says("b", entry("b1", f"{LINK}?utm_source=b", "Học sinh đi học"), at=second)
    assert (desk.story(LINK).title, desk.story(LINK).updated) == ("Lũ", None)
    desk.says("a", entry("1", LINK, "Lũ rút"), at=third)
    assert (desk.story(LINK).title, desk.story(LINK).updated) == ("Lũ rút", third)


def test_topics_that_the_first_one_brought_it_into_stay(desk, told_by_b):
    desk.says("a", entry("1", LINK, "Lũ"))
    assert desk.quiet(LINK) == {"giao-duc": False, "tat-ca": False}


def test_who_comes_second_and_fits_no_better_gets_nothing(desk):
    desk.says("a", entry("1", LINK))
    desk.says("b", entry("b1", LINK, "Học sinh khác"))
    assert desk.story(LINK).outlet.source == "a"
    desk.says("a", entry("2", "https://c.vn/2"))
    desk.says("b", entry("b2", "https://c.vn/2", "Học sinh khác"))
    assert desk.story("https://c.vn/2").outlet.source == "a"


def test_what_an_aggregator_counts_clicks_for_is_the_publishers(desk):
    burned = entry("b1", "https://b.vn/~r/1", origin=LINK, origin_is_key=True)
    desk.says("b", burned)
    desk.says("a", entry("1", LINK))
    assert desk.story(LINK).outlet.source == "a"
    desk.says("b", entry("b1", "https://b.vn/~r/1", "Khác", origin=LINK, origin_is_key=True))
    assert desk.story(LINK).outlet.source == "a"


def test_of_two_articles_that_become_one_the_owners_words_stay(desk):
    """b's entry stood under an address of its own first; then it names that of a's."""
    desk.says("b", entry("b1", "https://b.vn/chung", "Học sinh và lũ"))
    desk.says("a", entry("1", LINK, "Học sinh nghỉ"))
    desk.says("b", entry("b1", LINK, "Học sinh và lũ"))
    assert desk.count(t.article) == 2
    story = desk.story(LINK)
    assert (story.outlet.source, story.title, story.link) == ("a", "Học sinh nghỉ", LINK)
    assert len(desk.articles()) == 1


def test_a_document_names_the_home_of_a_feed_that_stands_elsewhere(any_store, now):
    settings = Settings.model_validate(
        {
            "source": {"a": {"url": "https://dem.example/a"}, "b": {"url": "https://b.vn/rss"}},
            "topic": {"t": {}},
        }
    )
    desk = Desk(any_store, now, settings)
    desk.says("b", entry("b1", LINK))
    desk.says("a", entry("1", LINK), home="https://a.vn/")
    assert desk.story(LINK).outlet.source == "a"
