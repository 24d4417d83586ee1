"""Odd articles on their way in: kept as they are or refused with a reason, beside good ones."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select

from service.config.schema import Settings
from service.curate.articles import LONGEST_TITLE, TITLE_CHARS
from service.curate.lead import LONGEST as LONGEST_LEAD
from service.report.explain import Explanation, explain
from service.report.explanation_json import as_json
from service.store import tables as t
from service.store.content import stories
from tests.curate.desk import SETTINGS, Desk, entry
from tests.curate.test_cost import Watched
from tests.levels import some

SENTENCES = "Học sinh vùng cao trở lại trường sau lũ. Thầy cô đã dọn bùn từ hôm trước. "
FEW_WORDS = " ".join(["Học", *["sinh"] * 30])

WITHOUT_END = Settings.model_validate(
    {
        "source": {"a": {"url": "https://a.vn/rss"}},
        "topic": {
            "giao-duc": {"any": ["học sinh"]},
            "tat-ca": {"regex": [".*"]},
            "khong-het": {"regex": ["(a+)+$", r"(\w+\s?)*!"]},
        },
    }
)
"""Beside a plain rule: one that matches everything, one that goes back for ever elsewhere."""


@pytest.mark.parametrize(
    ("said", "title", "topics", "language"),
    [
        ({"title": "🌊🌊🌊", "summary": "🙂🙂"}, "🌊🌊🌊", [], None),
        ({"title": "", "summary": SENTENCES}, SENTENCES[:70], ["giao-duc"], "vi"),
        ({"title": "", "summary": "", "content": f"<p>{FEW_WORDS}</p>"}, "Học", ["giao-duc"], None),
        ({"title": "Học sinh nghỉ học", "summary": ""}, "Học sinh nghỉ học", ["giao-duc"], "vi"),
        ({"title": "HỌC SINH NGHỈ HỌC VÌ LŨ"}, "HỌC SINH NGHỈ HỌC VÌ LŨ", ["giao-duc"], "vi"),
        ({"title": "Flood: học sinh 洪水 наводнение"}, "Flood: học", ["giao-duc"], None),
        ({"title": "Học sinh " * 2000}, "Học sinh", ["giao-duc"], None),
    ],
    ids=["emoji", "no title", "neither", "no text", "capitals", "languages", "endless title"],
)
def test_an_odd_article_is_kept_as_it_is(store, now, said, title, topics, language):
    desk = Desk(store, now)
    desk.says("a", entry("1", "https://a.vn/1", **said), entry("2", "https://a.vn/2"))
    with store.read() as connection:
        odd = explain(connection, "https://a.vn/1", SETTINGS)
    assert isinstance(odd, Explanation)
    told = as_json(odd)
    assert told["title"].startswith(title)
    assert len(told["title"]) <= max(LONGEST_TITLE, TITLE_CHARS) + 1
    assert [one["id"] for one in told["topics"]] == topics
    if language is not None:
        assert told["language"] == language
    assert desk.quiet("https://a.vn/2") == {"giao-duc": False}, "its neighbour came in"


@pytest.mark.parametrize("said", ["", " \u200b\u00a0", "<p></p><!-- -->", "<img src='x'>"])
def test_what_says_nothing_is_refused_with_its_reason(store, now, said):
    desk = Desk(store, now)
    nothing = entry("1", "https://a.vn/1", title="", summary=said, content=said)
    assert desk.says("a", nothing, entry("2", "https://a.vn/2")).refused == 1
    with store.read() as connection:
        (refused,) = explain(connection, "https://a.vn/1", SETTINGS).refused
    assert refused.reason == "empty"
    assert desk.quiet("https://a.vn/2") == {"giao-duc": False}


def test_five_megabytes_cost_no_more_than_their_length_and_have_a_lead(store, now):
    desk = Desk(store, now, WITHOUT_END)

    def cost(number: int, times: int) -> float:
        content = "<p>" + SENTENCES * times + "</p>"
        huge = entry(str(number), f"https://a.vn/{number}", content=content)
        began = time.process_time()
        desk.says("a", huge, entry(f"{number}b", f"https://a.vn/{number}b"))
        return time.process_time() - began

    cost(0, 100)
    times = 5_000_000 // len(SENTENCES) // 4
    quarter, whole = cost(1, times), cost(2, 4 * times)
    assert whole < 10 * max(quarter, 0.05), "quadratic would be 16 times"
    assert set(desk.quiet("https://a.vn/2")) == set(desk.quiet("https://a.vn/2b"))
    with store.read() as connection:
        lead = connection.scalar(
            select(t.article.c.lead).where(t.article.c.link == "https://a.vn/2")
        )
    assert 0 < len(lead) <= LONGEST_LEAD


def test_a_rule_that_matches_everything_or_never_ends_takes_nothing_from_the_others(store, now):
    desk = Desk(store, now, WITHOUT_END)
    endless = f"{'a' * 400}c " * 20
    desk.says("a", entry("1", "https://a.vn/1", summary=endless), entry("2", "https://a.vn/2"))
    for link in ("https://a.vn/1", "https://a.vn/2"):
        assert desk.quiet(link) == {"giao-duc": False, "tat-ca": False}


@pytest.mark.large
def test_many_articles_with_one_title_are_as_many_articles_and_cost_the_same_to_the_last(
    store, now
):
    desk, number = Watched(store, now), some(10_000, 2_000)

    def part(first: int) -> int:
        same = [entry(str(n), f"https://a.vn/{n}") for n in range(first, first + 500)]
        return desk.costs(*same)

    costs = [part(first) for first in range(0, number, 500)]
    assert costs[-1] <= costs[1]
    with store.read() as connection:
        articles = connection.scalar(select(func.count()).select_from(t.article))
        assert articles == number
        assert len(stories.in_topic(connection, "giao-duc", 100)) == 100
    assert desk.quiet("https://a.vn/0") == desk.quiet(f"https://a.vn/{number - 1}")
