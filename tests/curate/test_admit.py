"""Entries into articles, stories and topics, on both databases: nothing lost, nothing doubled."""

from __future__ import annotations

import base64
import hashlib
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.config.schema import Settings
from service.curate.lookup import find_article
from service.curate.rematch import rematch
from service.store import tables as t
from service.store.content import admin_queries, stale_feeds
from service.store.core import bulk
from service.store.core.database import Store
from tests.curate.desk import Desk, entry
from tests.levels import some


def test_an_entry_becomes_an_article_a_story_and_a_place_in_a_topic_with_its_reason(desk):
    said = desk.says("a", entry(summary="<p>Sở <b>Giáo dục</b> báo.</p>"))
    assert (said.new, said.changed, said.refused, said.topics) == (1, 0, 0, {"giao-duc"})
    story = desk.story("https://a.vn/1")
    assert (story.title, story.lead) == ("Học sinh nghỉ học", "Sở Giáo dục báo.")
    with desk.store.read() as connection:
        article = find_article(connection, "http://a.vn/1?utm_source=x")
        found = admin_queries.explained(connection, article)
        assert set(stale_feeds.marked(connection)) >= {"giao-duc", "all"}
    assert [(one.topic, one.reason) for one in found.topics] == [
        ("giao-duc", {"any": ["giáo dục", "học sinh"], "in": ["title", "text"]})
    ]


def test_the_same_document_again_writes_nothing(desk):
    desk.says("a", entry(), entry("2", "https://a.vn/2"))
    with desk.store.write() as connection:
        for feed, since in stale_feeds.marked(connection).items():
            stale_feeds.clear(connection, feed, since)
    said = desk.says("a", entry(), entry("2", "https://a.vn/2"), at=desk.now + timedelta(hours=1))
    assert (said.new, said.changed, said.topics) == (0, 0, frozenset())
    with desk.store.read() as connection:
        assert stale_feeds.marked(connection) == {}


def test_every_entry_is_linked_or_refused_with_a_reason(desk):
    said = desk.says(
        "a", entry(), entry("2", None, "", summary=" <img src=x> "), entry("3", None, "Không link")
    )
    assert (said.new, said.refused) == (3, 1)
    with desk.store.read() as connection:
        rows = connection.execute(select(t.entry.c.article_id, t.entry.c.refused_reason)).all()
    assert sorted((row.article_id is not None, row.refused_reason) for row in rows) == [
        (False, "empty"),
        (True, None),
        (True, None),
    ]


def test_one_bad_entry_refuses_itself_and_becomes_an_article_when_it_says_something(desk):
    desk.says("a", entry("2", None, ""))
    said = desk.says("a", entry("2", None, "Học sinh đi học lại"))
    assert (said.new, said.changed, said.refused) == (0, 1, 0)
    assert [one.title for one in desk.articles()] == ["Học sinh đi học lại"]
    desk.says("a", entry("2", None, ""))
    assert [one.title for one in desk.articles()] == ["Học sinh đi học lại"]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(entry("other-guid"), id="another guid, the same link"),
        pytest.param(entry(link="https://a.vn/moved"), id="another link, the same guid"),
        pytest.param(entry("x", "http://a.vn/1?utm_source=rss&fbclid=1"), id="tracking, http"),
    ],
)
def test_an_entry_that_changed_its_guid_or_its_link_is_the_same_article(desk, again):
    desk.says("a", entry())
    desk.says("a", again)
    assert desk.count(t.article) == 1


def test_a_link_that_is_no_key_joins_nothing(desk):
    desk.says(
        "a",
        entry("1", "https://a.vn/", "Tin một", link_is_key=False),
        entry("2", "https://a.vn/", "Tin hai", link_is_key=False),
    )
    assert desk.count(t.article) == 2


def test_an_article_that_two_share_is_one_with_two_outlets_and_both_sets_of_topics(desk):
    desk.says("a", entry())
    desk.says("b", entry("b1", "https://a.vn/1?utm_source=b"))
    assert desk.count(t.article) == 1
    story = desk.story("https://a.vn/1")
    assert story.outlet.title == "Báo A"
    assert [other.title for other in story.others] == ["Báo B"]
    assert {topic.name for topic in story.topics} == {"giao-duc", "tat-ca"}


def test_two_entries_of_one_document_may_be_one_article(desk):
    said = desk.says("a", entry("1"), entry("2", "https://a.vn/1?utm_medium=x"))
    assert said.new == 2
    assert desk.count(t.article) == 1


def test_two_articles_that_turn_out_to_be_one_are_merged_into_the_older(desk):
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh nghỉ học"))
    desk.says("b", entry("b1", "https://b.vn/9", "Học sinh nghỉ học vì lũ"))
    assert desk.count(t.article) == 2
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh nghỉ học vì lũ"))
    assert [one.title for one in desk.articles()] == ["Học sinh nghỉ học"]
    one, two = desk.story("https://a.vn/1"), desk.story("https://b.vn/9")
    assert one.public_id == two.public_id
    assert len(one.article_ids) == 2  # the ledger still knows the one that was merged


def test_what_an_outlet_edits_is_arepaired_once_and_its_date_stays(desk):
    published = desk.now - timedelta(hours=2)
    desk.says("a", entry(published=published, summary="Bản đầu."))
    later = desk.now + timedelta(hours=1)
    desk.says("a", entry(published=later, summary="Bản sửa."), at=later)
    story = desk.story("https://a.vn/1")
    assert (story.lead, story.published, story.updated) == ("Bản sửa.", published, later)
    desk.says("a", entry(published=later, summary="Bản sửa.", authors=("A",)), at=later)
    assert desk.story("https://a.vn/1").updated == later


def test_another_outlet_does_not_change_the_words_of_the_first(desk):
    desk.says("a", entry(summary="Lời của A."))
    desk.says("b", entry("b1", "https://a.vn/1", "Tít của B", summary="Lời của B."))
    story = desk.story("https://a.vn/1")
    assert (story.title, story.lead, story.updated) == ("Học sinh nghỉ học", "Lời của A.", None)


def test_an_edit_may_take_an_article_out_of_a_topic(desk):
    desk.says("a", entry())
    said = desk.says("a", entry(title="Thời tiết hôm nay"))
    assert said.topics == {"giao-duc"}
    assert desk.story("https://a.vn/1").topics == ()


def _quiet(desk, link="https://a.vn/1"):
    with desk.store.read() as connection:
        found = admin_queries.explained(connection, find_article(connection, link))
    return {topic.topic: topic.quiet for topic in found.topics}


def test_a_first_collection_is_quiet_except_what_came_after_the_first_fetch(desk):
    desk.says(
        "a",
        entry("1", "https://a.vn/1", published=desk.now - timedelta(minutes=1)),
        entry("2", "https://a.vn/2", published=desk.now + timedelta(minutes=1)),
        entry("3", "https://a.vn/3"),
        first=True,
    )
    assert _quiet(desk, "https://a.vn/1") == {"giao-duc": True}
    assert _quiet(desk, "https://a.vn/2") == {"giao-duc": False}
    assert _quiet(desk, "https://a.vn/3") == {"giao-duc": True}


def test_a_loud_entry_wakes_a_quiet_article_and_it_enters_anew(desk):
    desk.says("a", entry(), first=True)
    later = desk.now + timedelta(hours=1)
    desk.says("b", entry("b1", "https://a.vn/1"), at=later)
    assert _quiet(desk) == {"giao-duc": False, "tat-ca": False}
    with desk.store.read() as connection:
        found = admin_queries.explained(connection, find_article(connection, "https://a.vn/1"))
    assert {topic.entered_at for topic in found.topics} == {later}


def test_an_edit_of_a_quiet_entry_is_no_news(desk):
    desk.says("a", entry(title="Thời tiết"), first=True)
    desk.says("a", entry(title="Học sinh và thời tiết"), at=desk.now + timedelta(hours=1))
    assert _quiet(desk) == {"giao-duc": True}


def test_an_old_article_that_an_edit_brings_into_a_topic_is_no_news(desk):
    desk.says("a", entry(title="Thời tiết"))
    desk.says("a", entry(title="Học sinh và thời tiết"), at=desk.now + timedelta(days=90))
    assert _quiet(desk) == {"giao-duc": True}


def test_a_changed_rule_adds_quietly_and_drops(desk):
    desk.says("a", entry(), entry("2", "https://a.vn/2", "Thời tiết"))
    rematch(desk.store, desk.settings, desk.now)
    changed = Settings.model_validate(
        {
            "source": {"a": {"url": "https://a.vn/rss"}, "b": {"url": "https://b.vn/rss"}},
            "topic": {"giao-duc": {"any": ["thời tiết"]}, "tat-ca": {"sources": ["b"]}},
        }
    )
    done = rematch(desk.store, changed, desk.now + timedelta(hours=1))
    assert done.topics == {"giao-duc"}
    assert _quiet(desk, "https://a.vn/1") == {}
    assert _quiet(desk, "https://a.vn/2") == {"giao-duc": True}
    assert rematch(desk.store, changed, desk.now + timedelta(hours=2)).topics == frozenset()


def test_ids_are_those_of_the_first_key_so_a_store_made_anew_has_the_same(desk):
    desk.says("a", entry(), entry("2", None, "Không link"))
    keys = (b"https://a.vn/1", b"entry:a:2")
    ids = [base64.b32encode(hashlib.sha256(key).digest()[:15]).decode().lower() for key in keys]
    assert sorted(one.public_id for one in desk.articles()) == sorted(ids)


@pytest.mark.postgres
def test_two_processes_that_bring_one_article_at_once_make_one(postgres_database, now):
    one, two = Store(postgres_database), Store(postgres_database)
    desks = [Desk(one, now), Desk(two, now)]
    failures = []
    start = threading.Barrier(2)

    def bring(desk, name):
        try:
            for n in range(12):
                start.wait(60)
                desk.says(name, entry(f"{name}{n}", f"https://chung.vn/{n}", f"Học sinh {n}"))
        except BaseException as error:  # noqa: BLE001 - handed to the assertion below
            failures.append(error)
            start.abort()

    threads = [threading.Thread(target=bring, args=pair) for pair in zip(desks, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert desks[0].count(t.article) == 12
    assert desks[0].count(t.entry) == 24
    one.close()
    two.close()


@pytest.mark.large
@pytest.mark.sampled
def test_thousands_of_entries_in_one_document_are_articles_and_no_news_the_next_time(desk):
    # Of an entry's two keys together, or even of one, more than one statement takes.
    many = some(bulk.MOST + 100, bulk.MOST // 2 + 100)
    entries = [entry(str(n), f"https://a.vn/{n}", f"Học sinh lớp {n}") for n in range(many)]
    said = desk.says("a", *entries)
    assert said.new == many
    assert desk.says("a", *entries).new == 0


def test_an_entry_that_says_nothing_any_more_follows_its_article_into_a_merge(desk):
    desk.says("a", entry("1", "https://a.vn/1"), entry("2", "https://a.vn/2", "Bệnh viện mới"))
    desk.says("a", entry("1", "https://a.vn/2"), entry("2", "https://a.vn/3", title=""))
    assert len(desk.articles()) == 1
