# ruff: noqa: E501 - faults stand here as they are printed
"""What `check` says of rules that cannot be, with file and line; and what it warns of."""

from __future__ import annotations

from textwrap import dedent

import pytest

from service.runtime.check import check
from tests.levels import table


@pytest.fixture
def judged(tmp_path):
    def judge(text: str):
        (tmp_path / "bantin.toml").write_text(dedent(text), encoding="utf-8")
        found = check(tmp_path / "bantin.toml", {})
        return [
            [str(one).partition("bantin.toml:")[2] for one in some]
            for some in (found.faults, found.warnings)
        ]

    return judge


FAULTS = [
    (
        'any = [\n  "lũ",\n  "titel: bão",\n]',
        (
            '4: topic.t.any[1]: there is no field "titel"; did you mean "title:"?; without the colon '
            "it finds these words"
        ),
    ),
    (
        'none = ["body: bão"]\nany = ["x"]',
        (
            '2: topic.t.none[0]: there is no field "body"; there are title, text, lead, url, author, '
            "category; without the colon it finds these words"
        ),
    ),
    (
        "any = ['title:']",
        "2: topic.t.any[0]: 'title:' has no letter or digit in it; write a word or a phrase",
    ),
    (
        "regex = ['lũ', '(lụt']",
        "2: topic.t.regex[1]: '(lụt' is not a regular expression: missing ): (lụt; correct it",
    ),
    (
        "regex = ['titel:^x']",
        '2: topic.t.regex[0]: there is no field "titel"; did you mean "title:"?',
    ),
    (
        "any = ['x']\nnone_of = [{ regex = ['x(?!y)'] }]",
        (
            "3: topic.t.none_of[0].regex[0]: 'x(?!y)' looks ahead or behind; write what must not be "
            "there into none or none_of"
        ),
    ),
    (
        'near = [{ words = ["lũ", "LŨ"] }]',
        "2: topic.t.near[0]: 'lũ' stands in it twice; write two different words",
    ),
    (
        'near = [{ words = ["title: lũ", "xã"] }]',
        "2: topic.t.near[0]: 'title: lũ' names a field; write field = \"title\" beside words",
    ),
    (
        'near = [{ words = ["…", "xã"] }]',
        "2: topic.t.near[0]: '…' has no letter or digit in it; write a word or a phrase",
    ),
    (
        'any_of = [{ none = ["x"] }]',
        (
            '2: topic.t.any_of[0]: asks for nothing; say what must be there (all = ["…"]), or take it '
            "out"
        ),
    ),
    (
        'any = ["x"]\nall_of = [{}]',
        (
            '3: topic.t.all_of[0]: asks for nothing; say what must be there (all = ["…"]), or take it '
            "out"
        ),
    ),
    (
        'any_of = [{ all = ["hội chợ xuân"], none = ["chợ"] }]',
        (
            "2: topic.t.any_of[0].all: 'hội chợ xuân' lets nothing in: none keeps out 'chợ'; take one "
            "of the two out"
        ),
    ),
    (
        'any_of = [{ any = ["chợ"], none = ["chợ"] }]',
        (
            "2: topic.t.any_of[0].any: 'chợ' lets nothing in: none keeps out 'chợ'; take one of the two "
            "out"
        ),
    ),
    (
        'any = ["x"]\n[synonyms]\n"lũ" = ["lụt"]\n"lụt" = [\n"ngập",\n"lũ"]',
        '4: synonyms."lũ": refers to itself: lũ -> lụt -> lũ; take one of these words out',
    ),
    (
        'any = ["x"]\n[synonyms]\nbao = ["bão", "Bao"]',
        "4: synonyms.bao: refers to itself: bao -> bao; take one of these words out",
    ),
    (
        'any = ["x"]\n[synonyms]\nmua = ["title: mưa"]',
        (
            "4: synonyms.mua[0]: 'title: mưa' names a field; fields stand in rules; write the words "
            "alone"
        ),
    ),
    (
        'any = ["x"]\n[synonyms]\nmua = ["mưa", "🙂"]',
        "4: synonyms.mua[1]: '🙂' has no letter or digit in it; write a word",
    ),
]


@table(("rule", "fault"), FAULTS)
def test_a_rule_that_cannot_be_is_told_with_its_line(judged, rule, fault):
    faults, _ = judged(f"[topic.t]\n{rule}")
    assert faults[0] == fault


@pytest.mark.parametrize(
    "rule",
    [
        'any = ["7:30 sáng", "Nghệ An: lũ", "Covid: tin mới"]',
        "regex = ['https?://x', 'giá: \\d+']",
        'any = ["x"]\nall_of = [{ none = ["y"] }]',
        'any = ["x"]\n[synonyms]\n"UBND" = ["ủy ban nhân dân"]\n"ubnd" = ["UBND"]',
        'any = ["category: chợ"]\nnone = ["chợ"]',
    ],
)
def test_what_only_looks_like_a_fault_is_none(judged, rule):
    assert judged(f"[topic.t]\n{rule}") == [[], []]


@pytest.mark.parametrize("expression", [".*", "", ".", "x?", r"\w*", r"\w|🙂", "title:.*"])
def test_an_expression_that_finds_something_everywhere_is_warned_of(judged, expression):
    if not expression:
        expression = "()"
    faults, warnings = judged(f"[topic.t]\nany = ['x']\nregex = ['lũ', '{expression}']")
    assert faults == []
    assert warnings == [
        (
            f"3: topic.t.regex[1]: '{expression}' finds something in every article; say more of what "
            "it must find; `bantin topics test` shows what it adds"
        )
    ]


@pytest.mark.parametrize("expression", ["lũ", r"\d", "[a-z]", "(?i)bão|lũ"])
def test_of_others_it_does_not_warn(judged, expression):
    assert judged(f"[topic.t]\nregex = ['{expression}']") == [[], []]
