"""What a backtest promises is what the changed rule does; it is read in batches."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

from sqlalchemy import select

from service.config.schema import Settings
from service.curate.backtest import Backtest
from service.curate.rematch import rematch
from service.store import tables as t
from service.store.content import articles
from service.store.sources import registry
from tests.curate.desk import entry

HOUR = timedelta(hours=1)
SOURCES = {name: {"url": f"https://{name}.vn/rss"} for name in ("a", "b")}

RULES = [
    {"any": ["học sinh"]},
    {"any": ["lũ", "trường"], "none": ["mưa"]},
    {"all": ["lũ", "trường"]},
    {"regex": ["^lũ", "mưa$"]},
    {"any": ["title: lũ"], "not_sources": ["b"]},
    {"near": [{"words": ["lũ", "mưa"], "within": 0}]},
    {"any_of": [{"all": ["lũ"], "none": ["trường"]}, {"regex": ["trường$"]}]},
    {"sources": ["b"]},
    {"any": ["không có"]},
    {"any": ["học sinh", "lũ", "mưa", "trường"]},
]


def ruled(rule):
    return Settings.model_validate({"source": SOURCES, "topic": {"giao-duc": rule}})


def standing(desk):
    """Article -> why it is in the topic."""
    query = (
        select(t.article_topic.c.article_id, t.article_topic.c.reason)
        .join(t.topic, t.topic.c.id == t.article_topic.c.topic_id)
        .where(t.topic.c.name == "giao-duc")
    )
    with desk.store.read() as connection:
        return {row.article_id: row.reason for row in connection.execute(query)}


def test_what_it_promises_is_what_then_happens(desk):
    words = ["học sinh", "lũ", "mưa", "trường"]
    titles = [" ".join(some) for some in product(words, repeat=3)]
    for name in SOURCES:
        some = titles[: len(titles) // 2] if name == "b" else titles
        desk.says(
            name, *(entry(f"{n}", f"https://a.vn/{n}", title) for n, title in enumerate(some))
        )
    for number, rule in enumerate(RULES, 1):
        configured = ruled(rule)
        before = standing(desk)
        backtest = Backtest(desk.store, configured, "giao-duc")
        moves = list(backtest.moves())
        assert standing(desk) == before, "nothing is written"
        with desk.store.write() as connection:
            registry.register(connection, configured, desk.now, retire=True)
        rematch(desk.store, configured, desk.now + number * HOUR)
        after = standing(desk)
        assert {one.article.id: one.reason for one in moves if one.added} == {
            article: why for article, why in after.items() if article not in before
        }
        dropped = {one.article.id: one for one in moves if not one.added}
        assert dropped.keys() == before.keys() - after.keys()
        assert all(one.before == before[article] for article, one in dropped.items())
        assert all(one.reason for one in moves)
        counted = (backtest.articles, backtest.kept, backtest.added, backtest.dropped)
        kept = len(before.keys() & after.keys())
        assert counted == (len(titles), kept, len(moves) - len(dropped), len(dropped))
        assert list(Backtest(desk.store, configured, "giao-duc").moves()) == []


def test_it_reads_in_batches_and_from_an_instant_on(desk):
    old = [entry(f"o{n}", f"https://a.vn/o{n}", f"Trời {n}") for n in range(articles.BATCH)]
    new = [entry(f"n{n}", f"https://a.vn/n{n}", f"Trời mới {n}") for n in range(30)]
    desk.says("a", *old)
    desk.says("a", *new, at=desk.now + HOUR)
    rule = ruled({"any": ["trời"]})
    whole = Backtest(desk.store, rule, "giao-duc")
    first = next(moves := whole.moves())
    assert (first.article.title, whole.articles) == ("Trời 0", 1)
    assert len(list(moves)) == articles.BATCH + 29
    later = Backtest(desk.store, rule, "giao-duc", desk.now + HOUR / 2)
    assert [one.article.title for one in later.moves()] == [f"Trời mới {n}" for n in range(30)]
    assert (later.articles, later.added) == (30, 30)
    assert list(Backtest(desk.store, rule, "giao-duc", desk.now + 2 * HOUR).moves()) == []


def test_an_article_that_several_sources_told_is_dropped_only_if_none_brings_it_in(desk):
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh"))
    desk.says("b", entry("1", "https://a.vn/1", "Học sinh"))
    only_b = Backtest(desk.store, ruled({"sources": ["b"]}), "giao-duc")
    assert list(only_b.moves()) == []
    assert only_b.kept == 1
    neither = Backtest(desk.store, ruled({"any": ["lũ"]}), "giao-duc")
    (move,) = neither.moves()
    assert (move.added, move.reason) == (False, {"lacks": {"one_of": ["any"]}})
    assert move.before == {"any": ["học sinh"], "in": ["title"]}
