"""Regular expressions of rules: as Python's own finds, but never for ever."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.curate.rules.patterns import MOST_CHARS, PatternError, compile_pattern
from service.text.fold import nfc
from tests.levels import table

LETTERS = ["a", "b", "ă", "đ", "-", "1", " ", r"\.", r"\x61", "(a)", "(?i:Ă)"]
CLASSES = [
    ".",
    r"\w",
    r"\W",
    r"\d",
    r"\S",
    r"\D",
    "[ab]",
    "[^a]",
    "[^ăđ]",
    r"[\wx]",
    "[]a]",
    "[^]a]",
]
SIGN = st.sampled_from([*LETTERS, *CLASSES])
EXPRESSION = st.recursive(
    SIGN,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("(?:{0[0]}|{0[1]})".format),
        st.tuples(inner, st.sampled_from("*+?")).map("(?:{0[0]}){0[1]}".format),
        inner.map("(?:{}){{1,2}}".format),
        inner.map(r"\b{}".format),
        inner.map(r"{}\b".format),
    ),
    max_leaves=6,
)
BEGIN = st.sampled_from(["", "", "^", r"\b^", r"^\b\b"])
END = st.sampled_from(["", "", "$", r"\b$", r"$\b"])
ENDED = st.tuples(BEGIN, EXPRESSION, END).map("".join)


@given(ENDED, st.text(alphabet="abăđ -1.", max_size=8))
def test_it_finds_what_pythons_own_finds(expression, text):
    assume(expression.count(r"\b") <= 4)  # so often may one place be asked for
    found = compile_pattern(expression).find(text)
    expected = re.search(expression, text, re.DOTALL)
    assert (found is not None) is (expected is not None)
    if expected is not None and "|" not in expression:
        assert found == expected[0]


@table(
    ("expression", "text", "found"),
    [
        (r"\bđiện\b", "Mất điện vì lũ", "điện"),
        (r"\bđiện\b", "mấtđiện", None),
        (r"(?i)\b(LŨ|bão)\b", "Lũ lớn", "Lũ"),
        (r"\w+ \d+/\d{4}", "số 12/2026", "số 12/2026"),
        ("🙂", "vui 🙂 quá", "🙂"),
        (r"^\[QC\]", "[QC] Mua ngay", "[QC]"),
        (r"(lũ\b)(\b-)", "lũ-", "lũ-"),  # one edge, asked for twice
        (r"\p{Lu}{3,}", "họp UBND tỉnh", "UBND"),
        (".", "", None),
        ("x" * 100, "x" * 200, "x" * 80 + "…"),
    ],
)
def test_what_it_finds_is_told(expression, text, found):
    assert compile_pattern(expression).find(nfc(text)) == found


@table(
    ("expression", "problem"),
    [
        ("[abc", "is not a regular expression: missing ]: [abc"),
        ("(lũ", "is not a regular expression: missing ): (lũ"),
        ("*a", "is not a regular expression: no argument for repetition operator: *"),
        ("a\\", "is not a regular expression: trailing \\"),
        ("a{5000}", "is not a regular expression: invalid repetition size: {5000}"),
        (".{0,900}x", "asks for too much at once"),
        (r"(\w{1,40} ){1,9}x", "asks for too much at once"),
        (r"(?:\pL{1,50}x){1,2}\pL{1,300}", "asks for too much at once"),
        ("(?=x)", "looks ahead or behind"),
        ("(?<!x)y", "looks ahead or behind"),
        (r"(a)\1", "refers to an earlier part of what it found"),
        (r"a\B", r"has \B in it"),
        (r"[\W_]", r"has \W in brackets"),
        (r"\b[\S]", r"has \b, and \D, \S or \P in brackets"),
        (r"\Qa.b\E", r"has \Q in it"),
    ],
)
def test_what_cannot_be_is_told(expression, problem):
    with pytest.raises(PatternError) as raised:
        compile_pattern(expression)
    told, _, remedy = str(raised.value).partition("; ")
    assert told == problem
    assert remedy


@table("expression", ["(a+)+$", "(a|aa)+$", "(a*)*b", r"(\w+\s?)*!", "(x+x+)+y"])
def test_an_expression_that_would_go_back_for_ever_is_done_at_once(expression):
    pattern = compile_pattern(expression)
    began = time.process_time()
    assert pattern.find("a" * 40 + "c") is None
    assert pattern.find("x" * MOST_CHARS + "c") is None
    assert time.process_time() - began < 5  # Python's own takes days


def test_of_a_huge_text_the_beginning_is_looked_at():
    pattern = compile_pattern("lũ$")
    assert pattern.find("a" * (MOST_CHARS - 2) + "lũ" + "b" * 5_000_000) == "lũ"
    assert compile_pattern("bb").find("a" * MOST_CHARS + "b" * 5_000_000) is None


@pytest.mark.parametrize("expression", [r"(a|b)*a(a|b){200}", r"\b(a|b)*a(a|b){100}x"])
def test_the_worst_that_is_taken_is_bounded(expression):
    """Here RE2 must follow as many ways at once as an expression may have."""
    pattern = compile_pattern(expression)
    text = "".join("ab"[(n * n // 7) % 2] for n in range(MOST_CHARS))
    began = time.process_time()
    pattern.find(text)
    assert time.process_time() - began < 5  # 0.1 s measured
