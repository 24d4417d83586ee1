"""Reasons name the field and the word that matched; hostile and odd articles get honest answers."""

from __future__ import annotations

import time

from service.config.schema import Settings
from service.curate.rules.matcher import compile_rules
from service.curate.rules.reason_text import reason_line
from service.curate.rules.terms import Described
from tests.levels import table

ARTICLE = Described(
    title="Lũ lớn ở Quảng Trị",
    lead="Hàng trăm học sinh nghỉ học.",
    text="Hàng trăm học sinh nghỉ học. Nước lụt ngập nhiều trường, 12 người mất tích.",
    source="bao-a",
    categories=("Thời sự", "Miền Trung"),
    language="vi",
    link="https://bao-a.vn/thoi-su/lu-lon-123.html",
    authors=("Nguyễn Văn A", "Trần B"),
)


def matcher(rule, synonyms=None):
    topics = {"topic": {"t": rule}, "synonyms": synonyms or {}}
    return compile_rules(Settings.model_validate(topics).topic)


def reason(rule, synonyms=None, article=ARTICLE):
    return matcher(rule, synonyms).match(article).get("t")


REASONS = [
    # rule, synonyms, the line that is told
    ({"any": ["title: lũ lớn", "text: lũ"]}, {}, "any: title: lũ lớn; in: title"),
    ({"any": ["lead: học sinh"]}, {}, "any: lead: học sinh; in: lead"),
    ({"any": ["author: văn a"]}, {}, "any: author: văn a; in: author"),
    ({"any": ["category: miền trung"]}, {}, "any: category: miền trung; in: category"),
    ({"any": ["url: /thoi-su/"]}, {}, "any: url: /thoi-su/; in: url"),
    ({"any": ["url: BAO-A.vn"]}, {}, "any: url: BAO-A.vn; in: url"),
    ({"any": ["lũ"]}, {"lũ": ["lụt"]}, 'any: lũ ("lụt"); in: title, text'),
    ({"any": ["text: lũ"]}, {"Lũ": ["lụt"]}, 'any: text: lũ ("lụt"); in: text'),
    ({"any": ["mưa"]}, {"mưa": ["bão", "úng"], "úng": ["ngập"]}, 'any: mưa ("ngập"); in: text'),
    (
        {"near": [{"words": ["mất tích", "trường"], "within": 2}]},
        {},
        'near: mất tích … trường ("trường 12 người mất tích"); in: text',
    ),
    (
        {"near": [{"words": ["lũ", "trị"], "within": 3, "field": "title"}]},
        {},
        'near: title: lũ … trị ("Lũ lớn ở Quảng Trị"); in: title',
    ),
    (
        {"near": [{"words": ["lũ", "trường"], "within": 2}]},
        {"lũ": ["lụt"]},
        'near: lũ … trường ("lụt ngập nhiều trường"); in: text',
    ),
    ({"regex": [r"\d+ người"]}, {}, r'regex: \d+ người ("12 người"); in: text'),
    ({"regex": ["url:-\\d+"]}, {}, 'regex: url:-\\d+ ("-123"); in: url'),
    ({"regex": ["author:^Trần"]}, {}, 'regex: author:^Trần ("Trần"); in: author'),
    (
        {"any_of": [{"all": ["lũ", "trường"]}, {"all": ["bão", "lũ"]}]},
        {},
        "any_of: (all: lũ, trường; in: title, text)",
    ),
    (
        {"any": ["lũ"], "all_of": [{"any": ["lớp", "trường"], "none": ["diễn tập"]}]},
        {},
        "any: lũ; all_of: (any: trường; in: text); in: title",
    ),
]


@table(("rule", "synonyms", "line"), REASONS)
def test_the_reason_names_the_field_and_what_stands_there(rule, synonyms, line):
    assert reason_line(reason(rule, synonyms)) == line


MISSES = [
    ({"any": ["text: quảng trị"]}, "lacks a match of any"),
    ({"any": ["lead: lụt"]}, "lacks a match of any"),
    ({"any": ["author: a trần"]}, "lacks a match of any"),  # of two people
    ({"any": ["category: thời sự miền"]}, "lacks a match of any"),
    ({"any": ["url: thoi"], "all": ["url: lu-lo"]}, "lacks all: url: lu-lo"),  # within a word
    ({"any": ["url: thoi su"]}, "lacks a match of any"),  # signs count
    ({"near": [{"words": ["lũ", "lụt"], "within": 99}]}, "lacks a match of near"),  # two fields
    ({"near": [{"words": ["sinh nghỉ", "nghỉ học"]}]}, "lacks a match of near"),  # one word of both
    ({"regex": ["^lũ"], "any": ["bão"]}, "lacks a match of any or regex"),
    ({"any": ["lũ"], "none": ["title: trị"]}, "kept out by none: title: trị; in: title"),
    ({"any": ["lũ"], "not_sources": ["bao-a"]}, "kept out by not_sources: bao-a"),
    (
        {"any": ["lũ"], "none_of": [{"any": ["lũ"], "regex": ["x"]}]},
        "kept out by none_of: (any: lũ; in: title)",
    ),
    ({"any": ["lũ"], "all": ["bão", "trường"]}, "lacks all: bão"),
    ({"any": ["lũ"], "all_of": [{"any": ["trường"]}, {"any": ["bão"]}]}, "lacks all_of: 2"),
    ({"any": ["lũ"], "languages": ["en"]}, "lacks languages: en"),
    ({"any": ["bão"], "sources": ["b"]}, "lacks sources: b; a match of any"),
    ({"any": ["bão"], "categories": ["x"]}, "lacks a match of any or categories"),
]


@table(("rule", "line"), MISSES)
def test_why_an_article_is_not_in_a_topic(rule, line):
    made = matcher(rule)
    assert made.match(ARTICLE) == {}
    assert reason_line(made.refusal("t", ARTICLE)) == line


def test_a_synonym_goes_one_way_and_a_word_stands_for_itself_first():
    lists = {"lũ": ["lụt"]}
    assert reason({"any": ["text: lụt"]}, lists) == {"any": ["text: lụt"], "in": ["text"]}
    assert reason({"any": ["title: lũ"]}, lists) == {"any": ["title: lũ"], "in": ["title"]}
    assert reason({"any": ["title: lụt"]}, lists) is None


def test_of_several_synonyms_the_first_of_the_list_is_told():
    """The same whatever order a process gives to its sets."""
    lists = {"x": ["trường", "ngập", "lụt"]}
    assert reason({"any": ["x"]}, lists)["found"] == {"x": "trường"}


def test_what_is_kept_out_is_kept_out_of_what_a_source_fills():
    filled = Described(title="Lũ", text="", source="a", own_topics=("t",))
    rule = {"any": ["bão"], "none_of": [{"regex": ["^Lũ"]}]}
    assert reason({"any": ["bão"]}, article=filled) == {"source": "a"}
    assert reason(rule, article=filled) is None


ODD = {
    "emoji only": Described(title="🙂🙂", text="🌊🌊🌊", source="a"),
    "no title": Described(title="", text="Lũ lớn", source="a"),
    "no text": Described(title="Lũ lớn", text="", source="a"),
    "nothing": Described(title="", text="", source="a"),
    "all capitals": Described(title="LŨ LỚN Ở QUẢNG TRỊ", text="", source="a"),
    "mixed": Described(title="Flood: lũ lớn 洪水 наводнение", text="", source="a"),
}


@table(
    ("rule", "found"),
    [
        ({"any": ["lũ lớn"]}, {"no title", "no text", "all capitals", "mixed"}),
        ({"any": ["LŨ LỚN"]}, {"all capitals"}),
        ({"any": ["洪水", "наводнение"]}, {"mixed"}),
        ({"regex": ["🌊"]}, {"emoji only"}),
        ({"regex": ["(?i)^lũ"]}, {"no title", "no text", "all capitals"}),
        ({"near": [{"words": ["flood", "lớn"]}]}, {"mixed"}),
        ({"regex": [".*"]}, set(ODD)),
        ({"all_of": [{"none": ["lũ"]}]}, {"emoji only", "nothing"}),
    ],
)
def test_odd_articles_get_honest_answers(rule, found):
    made = matcher(rule)
    assert {name for name, one in ODD.items() if made.match(one)} == found


def test_a_huge_article_costs_no_more_than_its_length():
    """Megabytes of the words of the rule itself, as near and as often as can be."""
    rule = {
        "any": ["học", "học học học"],
        "near": [{"words": ["sinh", "học"], "within": 200}],
        "regex": [r"(\w+ )*!", "(học|học học)+$"],
    }
    made = matcher(rule)

    def cost(times: int) -> float:
        text = "học " * times + "sinh"
        began = time.process_time()
        assert "near" in made.match(Described(title="x", text=text, source="a"))["t"]
        return time.process_time() - began

    small, large = cost(30_000), cost(150_000)
    assert large < 20 * small + 0.5


def test_the_cost_of_an_article_hardly_grows_with_the_rules_that_do_not_match():
    """Words are looked for once for all rules: a hundred topics are not a hundred walks."""
    text = " ".join(f"chữ{n % 700}" for n in range(3000))

    def cost(topics: int) -> float:
        rules = {
            f"t{n}": {"any": [f"từ{n} {k}" for k in range(10)], "none": ["quảng cáo"]}
            for n in range(topics)
        }
        made = compile_rules(Settings.model_validate({"topic": rules}).topic)
        made.match(Described(title="x", text=text, source="a"))
        began = time.process_time()
        for _ in range(100):
            made.match(Described(title="x", text=text, source="a"))
        return time.process_time() - began

    assert cost(100) < 10 * cost(1) + 0.1
