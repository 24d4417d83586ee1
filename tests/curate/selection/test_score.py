"""The order that an editor would defend, from parts that can be read."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from service.config.schema import Settings
from service.curate.selection.owners import owner_of
from service.curate.selection.score import IN_HEADLINE, LEAST_SHARE, score
from service.curate.selection.standing import (
    Standing,
    TopicPlace,
    from_json,
    names_topic,
    together,
)
from service.store.content.story_facts import Teller
from tests.levels import table

HOUR = 3600.0
ONE = Standing(
    outlets=1,
    age_s=HOUR,
    half_life_s=12 * HOUR,
    weight=1.0,
    topics={"y-te": TopicPlace(1, headline=False)},
    elsewhere=0,
)
MINE = ("y-te",)


def total(**changes):
    return score(replace(ONE, **changes), MINE).total


def test_a_flood_that_eight_outlets_tell_stands_above_fresh_single_news_for_a_day():
    flood = total(outlets=8, age_s=24 * HOUR)
    assert flood == total(age_s=0.0)
    assert total(outlets=8, age_s=23 * HOUR) > total(age_s=0.0) > total(outlets=8, age_s=25 * HOUR)


@table(
    ("higher", "lower"),
    [
        ({"outlets": 2}, {}),
        ({"outlets": 5}, {"outlets": 4}),
        ({"age_s": 0.0}, {"age_s": HOUR}),
        ({"weight": 2.0}, {"weight": 1.0}),
        ({"topics": {"y-te": TopicPlace(1, headline=True)}}, {}),
        ({}, {"elsewhere": 1}),
        ({"elsewhere": 1}, {"elsewhere": 5}),
        ({"topics": {"y-te": TopicPlace(4, headline=False)}, "elsewhere": 1}, {"elsewhere": 1}),
    ],
)
def test_each_part_moves_a_story_the_right_way(higher, lower):
    assert total(**higher) > total(**lower)


def test_the_second_outlet_says_more_than_the_tenth():
    told = [score(replace(ONE, outlets=n), MINE).outlets for n in range(1, 12)]
    gains = [after - before for before, after in itertools.pairwise(told)]
    assert told[0] == 1
    assert gains == sorted(gains, reverse=True)


def test_the_parts_can_be_read_and_their_product_is_the_score():
    parts = score(
        Standing(
            outlets=4,
            age_s=12 * HOUR,
            half_life_s=12 * HOUR,
            weight=2.0,
            topics={"y-te": TopicPlace(2, headline=True), "van-hoa": TopicPlace(1, headline=False)},
            elsewhere=1,
        ),
        MINE,
    )
    assert (parts.outlets, parts.new, parts.weight, parts.headline) == (3, 0.5, 2.0, IN_HEADLINE)
    assert parts.topics == LEAST_SHARE + (1 - LEAST_SHARE) * 2 / 4
    assert parts.total == 3 * 0.5 * 2.0 * IN_HEADLINE * 0.75


def test_only_words_of_the_reader_s_own_topics_count_in_a_headline():
    named = {"y-te": TopicPlace(1, headline=False), "van-hoa": TopicPlace(1, headline=True)}
    assert score(replace(ONE, topics=named), MINE).headline == 1
    assert score(replace(ONE, topics=named), ("van-hoa",)).headline == IN_HEADLINE
    for both in (named, dict(reversed(named.items()))):
        assert score(replace(ONE, topics=both), ("y-te", "van-hoa")).headline == IN_HEADLINE


def test_order_does_not_depend_on_when_one_looks():
    """So a page that was ordered once stays right until something comes in."""
    some = [(1, 0), (3, 7), (5, 11), (2, 3), (8, 25)]

    def order(later):
        scores = [total(outlets=n, age_s=(age + later) * HOUR) for n, age in some]
        return sorted(range(len(some)), key=lambda n: -scores[n])

    assert order(0) == order(5) == order(49)


@pytest.mark.parametrize("age", [-5 * HOUR, 0.0])
def test_a_date_to_come_makes_nothing_newer_than_new(age):
    assert score(replace(ONE, age_s=age), MINE).new == 1


def test_ten_years_are_old_and_no_error():
    assert total(age_s=10 * 365 * 24 * HOUR) == 0


def test_an_edition_keeps_it_and_gives_it_back():
    topics = {"y-te": TopicPlace(2, headline=True), "van-hoa": TopicPlace(1, headline=False)}
    one = replace(ONE, topics=topics, elsewhere=3)
    kept = one.as_json(["van-hoa", "y-te"])
    assert from_json(kept, ["van-hoa", "y-te"]) == one
    renamed = from_json(kept, ["van-hoa", "suc-khoe"])
    assert renamed is not None
    assert renamed.topics["suc-khoe"] == topics["y-te"]
    assert from_json(None, ["y-te"]) is None


def test_stories_that_have_become_one_are_told_by_as_many_as_the_larger():
    other = replace(
        ONE, outlets=5, age_s=0.0, topics={"van-hoa": TopicPlace(5, headline=True)}, weight=3.0
    )
    both = together([ONE, None, other])
    assert both is not None
    assert (both.outlets, both.age_s, both.weight) == (5, ONE.age_s, 3.0)
    assert both.topics.keys() == {"y-te", "van-hoa"}
    assert together([None]) is None


TITLE = "Bộ Y tế: dịch tả lợn lan sang 3 tỉnh"


@table(
    ("reason", "named"),
    [
        ({"any": ["dịch"], "in": ["title", "lead"]}, True),
        ({"any": ["dịch"], "in": ["lead"]}, False),
        ({"source": "bo-y-te"}, False),
        ({"any_of": [{"any": ["lợn"], "in": ["text"]}, {"all": ["tả"], "in": ["title"]}]}, True),
        ({"all_of": [{"any": ["lợn"], "in": ["text"]}]}, False),
        ({"learned": 0.9, "by": ["vắc xin", "Dịch tả"]}, True),
        ({"learned": 0.9, "by": ["vắc xin", "tả lợ"]}, False),
        ({"learned": 0.9, "by": ["dich ta"]}, False),
    ],
)
def test_whether_a_topic_s_own_words_are_in_the_headline(reason, named):
    assert names_topic(reason, TITLE) is named


SOURCES = Settings.model_validate(
    {
        "source": {
            "ttxvn": {"url": "https://ttxvn.example/rss", "owner": "Thông tấn xã Việt Nam"},
            "vnplus": {"url": "https://vietnamplus.example/rss", "owner": "THÔNG TẤN XÃ việt nam"},
            "bao-a": {"url": "https://a.example/rss"},
        }
    }
).source


def owner(name, url="", home=None):
    return owner_of(Teller(name, url or f"https://{name}.example/rss", home, 1.0), SOURCES)


def test_sections_and_mirrors_of_one_site_have_one_owner():
    assert (
        owner("a-1", "https://vnexpress.net/rss/y-te.rss")
        == owner("a-2", "https://e.vnexpress.net/rss/news.rss")
        == owner("a-3", "https://feeds.bridge.example/x", "https://vnexpress.net/")
    )
    assert owner("b", "https://tuoitre.vn/rss") != owner("c", "https://thanhnien.vn/rss")


def test_owners_that_the_configuration_names_are_one_however_they_are_written():
    assert owner("ttxvn") == owner("vnplus")
    assert owner("ttxvn") != owner("bao-a")


def test_offices_below_one_suffix_are_not_one_owner():
    bac_ninh, hue = "https://bacninh.gov.vn/rss", "https://hue.gov.vn/rss"
    assert owner("x", bac_ninh) != owner("y", hue)


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001", "tin"])
def test_an_address_without_a_domain_says_nothing_about_an_owner(host):
    assert owner("x", f"http://{host}/a.xml") != owner("y", f"http://{host}/b.xml")
