"""Stored English reasons as sentences of the words, in every language."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from service.render.engine import shipped_templates
from service.render.words import load_words
from service.report.causes import cause
from service.report.sentence import Sentence, SentenceWriter, in_english
from tests.levels import table

ROOT = Path(__file__).parents[2] / "service"
ENGLISH = load_words((shipped_templates(),), "en")
CAUSES = dict(ENGLISH.chapter("cause."))
SYSTEM = {"cause.refused", "cause.reset", "cause.unreachable", "cause.no_route", "cause.timed_out"}
"""What the operating system says, not our code."""

vietnamese = SentenceWriter(load_words((shipped_templates(),), "vi"), str)


@cache
def literals() -> str:
    """All text of the code that raises errors, f-strings in the pieces between their values."""
    loaders = (SourceFileLoader("code", str(path)) for path in ROOT.rglob("*.py"))
    return "\n".join(text for one in loaders for text in texts(one.get_code("code")))


def texts(constant: object) -> Iterator[str]:
    """What stands in compiled code, which is there already: to parse all anew took seconds."""
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, tuple | frozenset):
        for one in constant:
            yield from texts(one)
    elif isinstance(constant, CodeType):
        yield from texts(constant.co_consts)


def test_each_cause_is_said_somewhere_in_the_code():
    """Who changes the text of an error finds its sentence here."""
    unsaid = {key: part for key in set(CAUSES) - SYSTEM if (part := _own(key)) not in literals()}
    assert unsaid == {}, "nobody says them any more"


def _own(key: str) -> str:
    """The longest part of a cause that stands for it alone."""
    parts = [literal for literal, *_ in string.Formatter().parse(CAUSES[key])]
    pieces = [one for part in parts for one in re.split(r"; |: |, (?:which )?|this is ", part)]
    longest = max(pieces, key=len).strip(' ;:()"')
    assert len(longest) > 4, f"{key} has nothing of its own"
    return longest


@table(
    ("text", "said"),
    [
        ("the server answered 503 (Service Unavailable)", "máy chủ trả lời mã 503"),
        ("the server answered 599", "máy chủ trả lời mã 599"),
        (
            "the server answered 410 (Gone); it says that this is gone for good",
            "máy chủ trả lời mã 410: đã gỡ bỏ hẳn",
        ),
        (
            "no connection to tin.example.vn:443: Connection refused",
            "không kết nối được tin.example.vn:443: bị từ chối",
        ),
        (
            "a.vn cannot be had (the document is empty), so that no page is asked for until it can",
            "không lấy được a.vn (tài liệu rỗng), nên chưa lấy trang nào ở đó",
        ),
        ("something of a library's own", "something of a library's own"),
        ("", ""),
    ],
)
def test_a_cause_is_told_in_the_sites_language(text, said):
    assert vietnamese.tell(cause(text)) == said
    assert in_english().tell(cause(text)) == text, "English stays as it was stored"


def test_what_is_no_cause_stays_text():
    assert cause("a{b}c") == "a{b}c"
    assert isinstance(cause("the document is empty"), Sentence)


@table("chapter", ["cause.", "standing.", "hub.", "late.", "trouble.", "admin."])
def test_both_languages_fill_the_same_sentences(chapter):
    english, vi = (dict(one.chapter(chapter)) for one in (ENGLISH, vietnamese.words))
    assert english
    own = load_words((shipped_templates(),), "vi")
    for key, said in english.items():
        fields = {name for _, name, _, _ in string.Formatter().parse(said) if name}
        theirs = {name for _, name, _, _ in string.Formatter().parse(vi[key]) if name}
        assert theirs <= fields, key
        assert own.say(key, **dict.fromkeys(fields, "x")), key
