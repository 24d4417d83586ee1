"""Words in rules: by syllable, accents where the rule has them, and the reason told."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from service.config.schema import Settings, Topic
from service.curate.faults import faults
from service.curate.rules.matcher import compile_rules
from service.curate.rules.terms import Described
from tests.levels import table


def _match(topic: dict, title: str = "", text: str = "", **described: object):
    matcher = compile_rules({"t": Topic(**topic)})
    values = {"source": "bao-a", **described}
    return matcher.match(Described(title=title, text=text, **values)).get("t")


WORDS = [
    # rule, text, found
    ("y tế", "Sở Y tế họp", True),
    ("y tế", "Sở Y TẾ họp", True),
    ("y tế", "quy tế nhị", False),  # inside another word
    ("y tế", "y té ngã", False),  # other marks
    ("y tế", "so y te hop", False),  # the rule has marks, the text has none
    ("y te", "Sở Y tế họp", True),  # a rule without marks finds both
    ("y te", "so y te hop", True),
    ("hòa bình", "Hoà Bình", True),  # the two placements of the tone
    ("uỷ ban", "Ủy ban nhân dân", True),
    ("Đà Nẵng", "đà nẵng", True),
    ("da nang", "Đà Nẵng", True),
    ("covid-19", "dịch COVID 19", True),  # by words, not by what parts them
    ("AI", "AI thay đổi giáo dục", True),
    ("AI", "Ai thay đổi?", False),  # all in capitals: finds only capitals
    ("AI", "ai thay đổi?", False),
    ("AI", "dùng AI, không phải ai", True),
    ("ai", "AI thay đổi giáo dục", True),  # in small letters: finds both
    ("Ai", "AI thay đổi giáo dục", True),
    ("A", "hạng a", True),  # one letter alone is not an acronym
    ("5G", "mạng 5g", True),  # nor beside digits
    ("H5N1", "cúm h5n1", False),
    ("H5N1", "cúm H5N1", True),
    ("UBND tỉnh", "UBND TỈNH họp", True),  # the other words of a phrase as ever
    ("UBND tỉnh", "Ubnd tỉnh họp", False),
    ("ĐH", "các ĐH công lập", True),
    ("ĐH", "các đh công lập", False),
    ("ĐH", "các DH công lập", False),  # marks count as ever
    ("DH", "các ĐH công lập", True),
    ("AI", "hai người", False),
    ("học sinh", "học, sinh viên", True),  # words in a row
    ("học sinh", "học của sinh viên", False),
    ("38-CT/TW", "Chỉ thị 38-CT/TW", True),
]


@table(("rule", "text", "found"), WORDS)
def test_words_are_found_by_syllable(rule, text, found):
    assert (_match({"any": [rule]}, title=text) is not None) is found
    decomposed = unicodedata.normalize("NFD", text)
    assert (_match({"any": [rule]}, title=decomposed) is not None) is found


def test_the_reason_says_which_words_stand_where():
    rule = {"any": ["giáo dục", "học sinh", "tuyển sinh"]}
    assert _match(rule, title="Học sinh nghỉ học", text="Ngành giáo dục báo học sinh") == {
        "any": ["giáo dục", "học sinh"],
        "in": ["title", "text"],
    }


def test_all_asks_for_every_word_and_any_for_one_of_them():
    both = {"any": ["lũ", "bão"], "all": ["trường", "học sinh"]}
    assert _match(both, title="Lũ: trường cho học sinh nghỉ")
    assert _match(both, title="Lũ: trường đóng cửa") is None
    assert _match(both, title="Trường của học sinh giỏi") is None


def test_none_and_not_sources_keep_out_even_what_a_source_brings_in():
    rule = {"any": ["y tế"], "none": ["quảng cáo"], "not_sources": ["bao-b"]}
    assert _match(rule, title="Sở Y tế")
    assert _match(rule, title="Sở Y tế", text="bài quảng cáo", own_topics=["t"]) is None
    assert _match(rule, title="Sở Y tế", source="bao-b") is None


def test_a_source_brings_everything_into_its_topics():
    assert _match({"any": ["y tế"]}, title="Thời tiết", own_topics=["t"]) == {"source": "bao-a"}
    assert _match({}, title="Thời tiết", own_topics=["t"]) == {"source": "bao-a"}
    assert _match({}, title="Thời tiết") is None


def test_what_the_source_calls_it_is_another_way_in():
    rule = {"any": ["giáo dục"], "categories": ["Giáo dục"]}
    assert _match(rule, title="Khai giảng", categories=["GIÁO DUC", "Tin"]) == {
        "categories": ["GIÁO DUC"]
    }
    assert _match(rule, title="Khai giảng", categories=["Giáo dục thể chất"]) is None


def test_sources_and_languages_narrow_and_decide_alone_without_words():
    rule = {"any": ["school"], "languages": ["en"], "sources": ["post"]}
    assert _match(rule, title="School", source="post", language="en-GB")
    assert _match(rule, title="School", source="post", language="vi") is None
    assert _match(rule, title="School", source="bao-a", language="en") is None
    assert _match(rule, title="School", source="post") is None
    assert _match({"languages": ["en"]}, language="en") == {"language": "en"}
    assert _match({"sources": ["bao-a"]}) == {"source": "bao-a"}


def test_a_turkish_capital_and_a_detached_mark_part_no_word():
    assert _match({"any": ["istanbul"]}, title="İSTANBUL haber")
    assert _match({"any": ["İstanbul"]}, title="İstanbul haber")


def test_a_word_that_none_always_keeps_out_is_a_fault():
    settings = Settings.model_validate(
        {
            "topic": {
                "t": {
                    "any": ["giáo dục thể chất", "y tế", "y te"],
                    "all": ["quảng cáo"],
                    "none": ["thể chất", "Y tế", "quảng cáo"],
                }
            }
        }
    )
    assert [(path, problem) for path, problem, _ in faults(settings)] == [
        (("topic", "t", "any"), "'giáo dục thể chất' lets nothing in: none keeps out 'thể chất'"),
        (("topic", "t", "any"), "'y tế' lets nothing in: none keeps out 'Y tế'"),
    ]


@given(
    st.lists(st.text(alphabet="aăâđêyếo", min_size=1, max_size=6), min_size=1, max_size=4),
    st.text(alphabet="aăâđêyếo .,", max_size=40),
)
def test_one_matcher_of_many_topics_finds_what_each_finds_alone(words, text):
    topics = {f"t{n}": Topic(any=(word,)) for n, word in enumerate(words)}
    described = Described(title=text, text=text, source="s")
    together = compile_rules(topics).match(described)
    alone = {}
    for name, topic in topics.items():
        alone |= compile_rules({name: topic}).match(described)
    assert together == alone


def test_a_topic_that_nothing_can_enter_is_a_fault_unless_a_source_fills_it():
    settings = Settings.model_validate(
        {
            "source": {"a": {"url": "https://a.vn/rss", "topics": ["filled"]}},
            "topic": {"empty": {}, "filled": {}, "odd": {"any": ["…", "y tế"]}},
        }
    )
    assert [(path, problem) for path, problem, _ in faults(settings)] == [
        (("topic", "empty"), "nothing can enter this topic"),
        (("topic", "odd", "any", 0), "'…' has no letter or digit in it"),
    ]
