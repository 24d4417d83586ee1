"""Topics of an official document: who cites it in any spelling enters, and the reason names it."""

from __future__ import annotations

import pytest

from service.config.json_schema import json_schema
from service.config.loading import load
from service.config.schema import Settings
from service.curate.faults import faults
from service.curate.rematch import rematch
from service.curate.rules.matcher import compile_rules, packed, unpacked
from service.curate.rules.reason_text import reason_line
from service.curate.rules.terms import Described
from tests.curate.desk import Desk, entry
from tests.levels import table

ARTICLE = Described(
    title="Sơ kết Chỉ thị 38/CT-TW",
    text="Cùng Nghị định 15/2020/ND-CP và Chỉ thị số 38-CT/TW, bỏ Quyết định 12/QĐ-UBND.",
    source="a",
)


def compiled(rule):
    topics = Settings.model_validate({"topic": {"t": rule}}).topic
    matcher = unpacked(packed(topics))
    assert matcher.match(ARTICLE) == compile_rules(topics).match(ARTICLE)
    return matcher


@table(
    ("rule", "line"),
    [
        ({"reference": "38-CT/TW"}, "reference: 38-CT/TW; in: title, text"),
        ({"reference": "38 / CT-TW"}, "reference: 38-CT/TW; in: title, text"),
        ({"reference": ["160/CP", "15/2020/NĐ-CP"]}, "reference: 15/2020/NĐ-CP; in: text"),
        ({"reference": "38-CT/TW", "any": ["bão"]}, "reference: 38-CT/TW; in: title, text"),
        (
            {"any_of": [{"reference": "38-CT/TW", "all": ["quyết định"]}]},
            "any_of: (all: quyết định; reference: 38-CT/TW; in: title, text)",
        ),
    ],
)
def test_the_reason_names_the_document_and_where_it_stands(rule, line):
    assert reason_line(compiled(rule).match(ARTICLE)["t"]) == line


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({"reference": "138-CT/TW"}, "lacks a match of reference"),
        ({"reference": "38-CT/TW", "all": ["bão"]}, "lacks all: bão"),
        ({"reference": "38-CT/TW", "none": ["cùng"]}, "kept out by none: cùng; in: text"),
        (
            {"any": ["sơ kết"], "none_of": [{"reference": "15/2020/NĐ-CP"}]},
            "kept out by none_of: (reference: 15/2020/NĐ-CP; in: text)",
        ),
    ],
)
def test_why_an_article_that_cites_something_is_not_in_a_topic(rule, line):
    matcher = compiled(rule)
    assert matcher.match(ARTICLE) == {}
    assert reason_line(matcher.refusal("t", ARTICLE)) == line


def test_a_topic_of_documents_alone_asks_for_something():
    assert faults(Settings.model_validate({"topic": {"t": {"reference": "38-CT/TW"}}})) == []


@pytest.mark.parametrize("written", ['"38-CT/TW"', '["38-CT/TW", "160/CP"]'])
def test_one_number_or_a_list_is_what_the_schema_allows_too(written, tmp_path):
    text = f"[topic.t]\nreference = {written}\n"
    (tmp_path / "bantin.toml").write_text(text)
    settings = load(tmp_path / "bantin.toml", {}).settings
    assert settings.topic["t"].reference[0] == "38-CT/TW"
    one, several = json_schema()["$defs"]["Topic"]["properties"]["reference"]["anyOf"]
    assert (one["type"], several["type"], several["items"]) == ("string", "array", one)


def test_stored_articles_enter_the_topic_of_a_document_quietly(any_store, now):
    def configured(rule):
        return Settings.model_validate(
            {"source": {"a": {"url": "https://a.vn/rss"}}, "topic": {"t": rule}}
        )

    desk = Desk(any_store, now, configured({"any": ["không có"]}))
    desk.says("a", entry(summary="Theo Chỉ thị số 38/CT-TW."))
    desk.says("a", entry("2", "https://a.vn/2", "Tin khác", summary="Cổ tức 160/CP."))
    rematch(any_store, desk.settings, now)
    changed = rematch(any_store, configured({"reference": ["38-CT/TW", "160/CP"]}), now)
    assert (changed.topics, changed.articles) == ({"t"}, 1)
    (inside,) = desk.explained("https://a.vn/1").topics
    assert inside.quiet
    assert inside.reason == {"reference": ["38-CT/TW"], "in": ["text"]}
    assert desk.explained("https://a.vn/2").topics == ()
