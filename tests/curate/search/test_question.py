"""A question as readers write it becomes a value, or a clear error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.curate.search.question import (
    LONGEST_QUESTION,
    MOST_WORDS,
    Question,
    QuestionError,
    parse,
)
from tests.levels import table

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
ZONE = "Asia/Ho_Chi_Minh"


def asked(text):
    return parse(text, {"giao-duc", "y-te"}, {"vnexpress", "dan-tri"}, ZONE, NOW)


def phrases(text):
    return [" ".join(one.folded) for one in asked(text).phrases]


@table(
    ("text", "found"),
    [
        ("chính phủ", ["chinh", "phu"]),
        ('"chính phủ"', ["chinh phu"]),
        ("“Chính  phủ” họp", ["chinh phu", "hop"]),
        ('"chính phủ', ["chinh phu"]),
        ('họp"chính phủ"nay', ["hop", "chinh phu", "nay"]),
        ("38-CT/TW", ["38 ct tw"]),
        ("Đà Nẵng đà nẵng da", ["da", "nang", "da"]),
        ("tin tin", ["tin"]),
        ("uỷ ỦY", ["uy"]),
        ("học -sinh", ["hoc", "sinh"]),
        ("học NEAR sinh", ["hoc", "near", "sinh"]),
        ("NEAR(học sinh, 3)", ["near hoc", "sinh", "3"]),
        ("học* ^sinh (OR) {col}", ["hoc", "sinh", "or", "col"]),
        ("học'); DROP TABLE article; --", ["hoc", "drop", "table", "article"]),
        ('"" "!" học', ["hoc"]),
        ("lúc 10:30", ["luc", "10 30"]),
        ("TP.HCM: kẹt xe", ["tp hcm", "ket", "xe"]),
        ("https://vnexpress.net/tin", ["https vnexpress net tin"]),
        ("a::b", ["a b"]),
        ("x\0y\ud800z", ["xyz"]),
    ],
)
def test_words_and_phrases(text, found):
    assert phrases(text) == found


def test_filters_stand_anywhere_and_say_what_they_mean():
    found = asked('topic:giao-duc học TOPIC:"y-te" source:vnexpress since:7d sinh')
    assert found.topics == ("giao-duc", "y-te")
    assert found.sources == ("vnexpress",)
    assert found.since == NOW - timedelta(days=7)
    assert [one.words for one in found.phrases] == [("học",), ("sinh",)]
    assert asked("học since:2026-11-20").since == datetime(2026, 11, 19, 17, tzinfo=UTC)
    assert asked("topic:giao-duc").phrases == ()
    assert asked("source:dan-tri since:1d").sources == ("dan-tri",)


@table(
    ("text", "key", "values"),
    [
        ("", "empty", {}),
        (' - "" * ', "empty", {}),
        ("since:7d", "empty", {}),
        ("x" * (LONGEST_QUESTION + 1), "long", {"most": LONGEST_QUESTION}),
        (" ".join(map(str, range(MOST_WORDS + 1))), "words", {"most": MOST_WORDS}),
        ("học author:minh", "key", {"word": "author", "keys": "topic, source, since"}),
        ("học chủ:y-te", "key", {"word": "chủ", "keys": "topic, source, since"}),
        ("topic:khong-co", "topic", {"id": "khong-co"}),
        ('topic:"', "topic", {"id": ""}),
        ("source:khong-co học", "source", {"id": "khong-co"}),
        ("học since:hôm-qua", "since", {"time": "hôm-qua"}),
        ("học since:99999y", "since", {"time": "99999y"}),
        ("học since:1d since:2d", "since_twice", {}),
    ],
)
def test_what_cannot_be_answered_is_said(text, key, values):
    with pytest.raises(QuestionError) as raised:
        asked(text)
    assert (raised.value.key, raised.value.values) == (f"search.fault.{key}", values)


def test_a_question_has_marks_or_not():
    assert asked("Đà nang").marked
    assert asked("ủy ban").marked
    assert not asked("uy BAN 38-CT/TW").marked
    assert not asked("topic:giao-duc").marked


def test_spaces_and_kinds_of_quotes_make_no_other_question():
    assert asked("  “chính \n phủ”  họp").written == asked('"chính phủ" họp').written


NASTY = (
    st.text(alphabet=st.sampled_from("\"'*-:^(){}+=_\\%$ \t\0\u0301ạđẦaNEARtopicsource17d"))
    | st.text()
)


@given(NASTY)
@example('topic:topic:"" "')
@example("since:-1d")
@example("\u0301:\u0301")
def test_whatever_is_written_is_a_question_or_an_error(text):
    try:
        found = asked(text)
    except QuestionError:
        return
    assert isinstance(found, Question)
    assert all(phrase.folded and all(phrase.folded) for phrase in found.phrases)
    assert asked(found.written) == found
