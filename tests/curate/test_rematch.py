"""Rules that change: stored articles enter quietly and leave, whatever interrupts it."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.config.schema import Settings
from service.curate.rematch import rematch, rules_hashes
from service.curate.stored import Fitting, fitting
from service.store import tables as t
from service.store.sources import registry
from tests.curate.desk import Desk, entry
from tests.levels import some

HOUR = timedelta(hours=1)
SOURCES = {"a": {"url": "https://a.vn/rss"}, "b": {"url": "https://b.vn/rss"}}


def ruled(**topics):
    return Settings.model_validate({"source": SOURCES, "topic": topics})


def applied(desk, settings, at):
    with desk.store.write() as connection:
        registry.register(connection, settings, at, retire=True)
    return rematch(desk.store, settings, at)


def forget_rules(desk):
    with desk.store.write() as connection:
        connection.execute(update(t.topic).values(rules_hash=None))


def rows(desk):
    with desk.store.read() as connection:
        found = connection.execute(
            select(t.article_topic).order_by(
                t.article_topic.c.article_id, t.article_topic.c.topic_id
            )
        )
        return [tuple(row) for row in found]


def test_a_new_topic_is_filled_quietly_and_marked(desk):
    desk.says("a", entry(), entry("2", "https://a.vn/2", "Thời tiết"))
    desk.unmark()
    done = applied(desk, ruled(troi={"any": ["thời tiết"]}), desk.now + HOUR)
    assert (done.topics, done.articles) == ({"troi"}, 1)
    [topic] = [one for one in desk.explained("https://a.vn/2").topics if one.topic == "troi"]
    assert (topic.quiet, topic.entered_at) == (True, desk.now + HOUR)
    assert desk.marked() >= {"troi", "all"}


def test_a_kept_article_stays_news_and_gets_the_new_reason(desk):
    desk.says("a", entry(title="Học sinh và giáo dục"))
    applied(desk, ruled(**{"giao-duc": {"any": ["học sinh"]}, "tat-ca": {}}), desk.now + HOUR)
    [topic] = desk.explained("https://a.vn/1").topics
    assert (topic.quiet, topic.entered_at) == (False, desk.now)
    assert topic.reason == {"any": ["học sinh"], "in": ["title"]}


def test_another_title_of_a_topic_is_no_other_rule(desk):
    desk.says("a", entry())
    rematch(desk.store, desk.settings, desk.now)
    topics = {
        "giao-duc": {"any": ["giáo dục", "học sinh"], "title": "Giáo dục"},
        "tat-ca": {},
    }
    sources = {**SOURCES, "b": {**SOURCES["b"], "topics": ["tat-ca"]}}
    settings = Settings.model_validate({"source": sources, "topic": topics})
    assert rematch(desk.store, settings, desk.now + HOUR).topics == frozenset()


def test_a_source_that_brings_everything_in_fills_the_topic_and_empties_it(desk):
    desk.says("a", entry(title="Thời tiết"))
    topics = {"giao-duc": {"any": ["học sinh"]}, "tat-ca": {}}
    filling = {**SOURCES, "a": {**SOURCES["a"], "topics": ["tat-ca"]}}
    named = Settings.model_validate({"source": filling, "topic": topics})
    applied(desk, named, desk.now + HOUR)
    assert desk.quiet("https://a.vn/1") == {"tat-ca": True}
    assert desk.explained("https://a.vn/1").topics[0].reason == {"source": "a"}
    applied(desk, ruled(**topics), desk.now + 2 * HOUR)
    assert desk.quiet("https://a.vn/1") == {}


def test_what_a_source_brought_in_stays_when_it_leaves_the_toml(desk):
    desk.says("b", entry("b1", "https://b.vn/1", "Thời tiết"))
    rematch(desk.store, desk.settings, desk.now)
    without = Settings.model_validate(
        {"source": {"a": SOURCES["a"]}, "topic": {"tat-ca": {"any": ["học sinh"]}}}
    )
    applied(desk, without, desk.now + HOUR)
    assert desk.quiet("https://b.vn/1") == {"tat-ca": False}


def test_a_topic_put_back_gets_quietly_what_came_in_while_it_was_gone(desk):
    both = {"giao-duc": {"any": ["học sinh"]}, "troi": {"any": ["thời tiết"]}}
    applied(desk, ruled(**both), desk.now)
    applied(desk, ruled(**{"giao-duc": both["giao-duc"]}), desk.now + HOUR)
    desk.says("a", entry(title="Thời tiết"), at=desk.now + HOUR)
    assert not desk.explained("https://a.vn/1").topics
    assert applied(desk, ruled(**both), desk.now + 2 * HOUR).topics == {"troi"}
    assert desk.quiet("https://a.vn/1") == {"troi": True}


def test_a_merged_article_is_matched_as_the_one_it_became(desk):
    desk.says("a", entry("1", "https://a.vn/1", "Thời tiết"))
    desk.says("b", entry("b1", "https://b.vn/9", "Học sinh và lũ"))
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh và lũ"))
    applied(desk, ruled(**{"giao-duc": {"any": ["lớp học"]}, "tat-ca": {}}), desk.now + HOUR)
    assert desk.story("https://b.vn/9").topics == ()


@pytest.mark.both_engines
def test_a_run_that_was_killed_is_done_again(desk):
    desk.says("a", *(entry(str(n), f"https://a.vn/{n}", f"Trời {n}") for n in range(450)))
    changed = ruled(troi={"any": ["trời"]})
    with desk.store.write() as connection:
        registry.register(connection, changed, desk.now, retire=True)
    seen = []

    def killed(done):
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rematch(desk.store, changed, desk.now, killed)
    assert 0 < seen[0] < 450
    done = rematch(desk.store, changed, desk.now + HOUR, seen.append)
    assert seen[-1] == 450
    assert done.articles == 450 - seen[0]
    assert desk.quiet("https://a.vn/0") == {"troi": True}
    assert desk.quiet("https://a.vn/449") == {"troi": True}


def test_a_process_that_ends_does_not_wait_for_a_large_archive(desk):
    desk.says("a", *(entry(str(n), f"https://a.vn/{n}", f"Thời tiết {n}") for n in range(450)))
    changed = ruled(troi={"any": ["thời tiết"]})
    with desk.store.write() as connection:
        registry.register(connection, changed, desk.now, retire=True)
    seen = []
    rematch(desk.store, changed, desk.now, seen.append, ends=lambda: True)
    assert len(seen) == 1
    assert seen[0] < 450
    rematch(desk.store, changed, desk.now + HOUR)
    assert desk.quiet("https://a.vn/449") == {"troi": True}


@pytest.mark.sampled
def test_matching_stored_articles_anew_gives_what_matching_them_at_the_door_gave(
    corpus, store, now
):
    """Real texts, short and whole: the same rules find the same articles for the same reasons."""
    path = corpus / "topics" / "vntc10.train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        texts = [
            json.loads(line)["text"] for line, _ in zip(lines, range(some(600, 250)), strict=False)
        ]
    words = [
        "giáo dục",
        "học sinh",
        "y tế",
        "bệnh viện",
        "kinh te",
        "bóng đá",
        "máy tính",
        "công an",
    ]
    topics = {f"t{n}": {"any": [word], "none": ["quảng cáo"]} for n, word in enumerate(words)}
    desk = Desk(store, now, Settings.model_validate({"source": SOURCES, "topic": topics}))
    entries = [
        entry(
            str(n), f"https://a.vn/{n}", text.partition("\n")[0][:90],
            summary=text[: 100 + n * 3],
            content=f"<p>{text}</p>" if n % 3 == 0 else "",
        )
        for n, text in enumerate(texts)
    ]  # fmt: skip
    desk.says("a", *entries)
    before = rows(desk)
    assert len(before) > some(100, 40)
    forget_rules(desk)
    assert rematch(store, desk.settings, now + HOUR).articles == 0
    assert rows(desk) == before


def test_rules_are_tried_on_the_latest_articles_and_keep_nothing(desk):
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh"))
    desk.says("b", entry("2", "https://b.vn/2", "Thời tiết"), entry("3", "https://b.vn/3", "Mưa"))
    before = rows(desk)
    rules = ruled(hoc={"any": ["học sinh"]}, troi={"any": ["thời tiết"]})
    with desk.store.read() as connection:
        assert fitting(connection, rules) == Fitting(3, {"hoc": 1, "troi": 1})
        assert fitting(connection, rules, 2) == Fitting(2, {"hoc": 0, "troi": 1})
    assert rows(desk) == before


def test_articles_that_became_others_are_not_among_the_latest(desk):
    for key in "123":
        desk.says("a", entry(key, f"https://a.vn/{key}", f"Học sinh {key}"))
    desk.says("a", entry("2", "https://a.vn/3", "Học sinh 2"))  # two become one
    rules = ruled(hoc={"any": ["học sinh"]})
    with desk.store.read() as connection:
        assert fitting(connection, rules, 2) == Fitting(2, {"hoc": 2})


def test_synonyms_that_change_are_another_rule_for_those_topics_alone_that_use_them(desk):
    desk.says("a", entry(title="Nước lụt dâng"))
    rules = {"giao-duc": {"any": ["lũ"]}, "tat-ca": {"any": ["bão"]}}
    settings = ruled(**rules)
    applied(desk, settings, desk.now)
    assert desk.quiet("https://a.vn/1") == {}
    named = settings.model_dump()
    more = Settings.model_validate({**named, "synonyms": {"Lũ": ["lụt"], "x": ["y"]}})
    assert rules_hashes(more)["tat-ca"] == rules_hashes(settings)["tat-ca"]
    assert applied(desk, more, desk.now + HOUR).topics == {"giao-duc"}
    assert desk.quiet("https://a.vn/1") == {"giao-duc": True}
    [topic] = desk.explained("https://a.vn/1").topics
    assert topic.reason == {"any": ["lũ"], "in": ["title"], "found": {"lũ": "lụt"}}
    assert applied(desk, settings, desk.now + 2 * HOUR).topics == {"giao-duc"}
    assert desk.quiet("https://a.vn/1") == {}
