"""Which documents articles cite: kept through edits and merges, and read of what was stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, select

from service.curate.citing import BATCHES, read_stored
from service.curate.prepare import Told, prepare
from service.curate.stories import recalling
from service.model import Document
from service.store import tables as t
from service.store.content import references, versions
from service.store.content.articles import BATCH
from service.store.core import facts
from tests.builders import add_source, add_stories
from tests.curate.desk import entry

DIRECTIVE = "Sơ kết Chỉ thị số 38/CT-TW và Nghị định 15/2020/ND-CP."


def rows(desk):
    with desk.store.read() as connection:
        return {tuple(row) for row in connection.execute(select(t.article_reference))}


def cited(desk):
    return {reference for _, reference in rows(desk)}


def citing(desk, reference, **limits):
    with desk.store.read() as connection:
        found = references.citing(connection, reference, **{"limit": 100, **limits})
    return [one.title for one in found]


def version(desk):
    with desk.store.read() as connection:
        return versions.every(connection).get(versions.REFERENCES, 0)


def test_an_article_is_kept_with_what_its_title_and_text_cite(desk):
    desk.says(
        "a",
        entry(title="Học sinh và Quyết định 12/QĐ-UBND", summary=DIRECTIVE),
        entry("2", "https://a.vn/2", "Đội nhà thắng 3-2", summary="Gọi 0204-385-4321."),
    )
    assert cited(desk) == {"12/QĐ-UBND", "38-CT/TW", "15/2020/NĐ-CP"}
    assert citing(desk, "38-CT/TW") == ["Học sinh và Quyết định 12/QĐ-UBND"]
    assert citing(desk, "45-CT/TW") == []
    assert version(desk) == 1


def test_an_article_outside_of_every_topic_cites_as_well(desk):
    desk.says("a", entry(title="Tin khác", summary=DIRECTIVE))
    assert desk.story("https://a.vn/1").topics == ()
    assert citing(desk, "38-CT/TW") == ["Tin khác"]


def test_an_edit_changes_what_an_article_cites_and_another_outlet_does_not(desk):
    desk.says("a", entry(summary=DIRECTIVE))
    desk.says("b", entry(summary="Theo Chỉ thị 05-CT/TW."))
    assert cited(desk) == {"38-CT/TW", "15/2020/NĐ-CP"}
    before = version(desk)
    desk.says("a", entry(summary="Theo Quy định 41-QĐ/TW."))
    assert cited(desk) == {"41-QĐ/TW"}
    assert version(desk) == before + 1
    desk.says("a", entry(summary="Theo Quy định 41-QĐ/TW, học sinh nghỉ."))
    assert version(desk) == before + 1


def test_a_document_whose_own_entry_tells_an_article_twice_cites_what_it_says(desk):
    one = entry(summary=DIRECTIVE)
    desk.says("a", one, replace(one, key="2", guid="2", summary="Theo Quy định 41-QĐ/TW."))
    assert cited(desk) == {"38-CT/TW", "15/2020/NĐ-CP"}


def test_articles_that_become_one_keep_what_each_cited_and_are_listed_once(desk):
    desk.says("a", entry("1", "https://a.vn/1", "Một", summary=DIRECTIVE))
    desk.says("a", entry("2", "https://a.vn/2", "Hai", summary="Theo Chỉ thị 38-CT/TW, 41-QĐ/TW."))
    assert len(citing(desk, "38-CT/TW")) == 2
    desk.says("a", entry("1", "https://a.vn/2", "Một", summary=DIRECTIVE))
    assert citing(desk, "38-CT/TW") == ["Một"]
    assert citing(desk, "41-QĐ/TW") == ["Một"]
    with desk.store.read() as connection:
        one = references.of_articles(connection, desk.story("https://a.vn/1").article_ids)
    assert one == ["15/2020/NĐ-CP", "38-CT/TW", "41-QĐ/TW"]


def test_what_nobody_cites_costs_no_statement(desk):
    sent = []
    listen = (desk.store.engine, "before_cursor_execute", lambda *told: sent.append(told[2]))
    event.listen(*listen)
    desk.says("a", entry(summary="Không có văn bản nào."))
    event.remove(*listen)
    assert not [one for one in sent if "article_reference" in one]


def test_the_newest_are_listed_first_and_no_more_than_are_asked_for(desk):
    ages = {"Mới": 1, "Cũ": 30, "Vừa": 3, "Không ngày": None}
    for number, (title, days) in enumerate(ages.items()):
        published = None if days is None else desk.now - timedelta(days=days)
        link = f"https://a.vn/{number}"
        desk.says("a", entry(str(number), link, title, summary=DIRECTIVE, published=published))
    assert citing(desk, "38-CT/TW") == ["Không ngày", "Mới", "Vừa", "Cũ"]
    assert citing(desk, "38-CT/TW", limit=2) == ["Không ngày", "Mới"]
    assert citing(desk, "38-CT/TW", scan=2) == ["Không ngày", "Vừa"]  # the latest two to come


def test_what_was_stored_before_is_read_once_in_bounded_steps(desk):
    """A kill between two steps loses nothing: how far it came stands in the store."""
    number = BATCH * BATCHES + 1
    with desk.store.write() as connection:
        source = add_source(connection, desk.now, "c")
        cites = ": Chỉ thị số 38-CT/TW"
        titles = [f"Tin {n}" + cites * (n % 100 == 0) for n in range(number)]
        add_stories(connection, source=source, entered_at=desk.now, titles=titles)
    assert read_stored(desk.store) is True
    assert len(rows(desk)) == BATCH * BATCHES // 100
    assert read_stored(desk.store) is False
    assert len(rows(desk)) == number // 100 + 1
    assert version(desk) == BATCHES + 1
    with desk.store.write() as connection:
        connection.execute(delete(t.article_reference))
    assert read_stored(desk.store) is False
    assert rows(desk) == set()  # all is read, nothing is looked at again


@pytest.mark.parametrize("value", ["0 all", "0 7", ""])
def test_all_is_read_anew_when_words_come_to_cite_something_else(desk, value):
    desk.says("a", entry(summary=DIRECTIVE))
    with desk.store.write() as connection:
        facts.put(connection, "references_read", value)
        connection.execute(delete(t.article_reference))
    while read_stored(desk.store):
        pass
    assert cited(desk) == {"38-CT/TW", "15/2020/NĐ-CP"}


def test_reading_what_was_stored_keeps_what_a_merged_article_cites(desk):
    desk.says("a", entry("1", "https://a.vn/1", "Một", summary="Không."))
    desk.says("a", entry("2", "https://a.vn/2", "Hai", summary=DIRECTIVE))
    desk.says("a", entry("1", "https://a.vn/2", "Một", summary="Không."))
    before = rows(desk)
    with desk.store.write() as connection:
        connection.execute(delete(t.article_reference))
    while read_stored(desk.store):
        pass
    assert rows(desk) == before != set()


def test_a_worker_hands_over_what_an_entry_cites(desk):
    document = Document("", None, "vi", (entry(summary=DIRECTIVE),))
    (made,), _ = prepare(document, Told(desk.ids["a"], "a"), desk.matcher)
    assert made.references == ("38-CT/TW", "15/2020/NĐ-CP")


def test_a_hostile_article_keeps_a_bounded_number(desk):
    text = " ".join(f"{n}/2020/NĐ-CP" for n in range(1, 5000))
    desk.says("a", entry(summary=text))
    assert len(rows(desk)) == 100


def test_what_was_taken_back_is_not_listed_again_when_all_is_read_anew(desk):
    """As after an upgrade that reads more: its headline still names the document."""
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh học Chỉ thị 38-CT/TW"))
    with desk.store.write() as connection:
        recalling.recall(connection, "https://a.vn/1", "sai ngày", "lan", desk.now)
        facts.forget(connection, "references_read")
    assert not read_stored(desk.store)
    with desk.store.read() as connection:
        assert references.citing(connection, "38-CT/TW", 10) == []
