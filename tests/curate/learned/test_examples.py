"""Files of labelled texts: what a line may hold, and which line is wrong."""

from __future__ import annotations

import json

import pytest

from service.curate.learned.examples import read_examples
from service.errors import LearningError
from tests.levels import table

GOOD = json.dumps({"label": "y-te", "title": "Bệnh viện mới", "text": "Hôm nay."}).encode()


def read(*lines):
    return list(read_examples("texts.jsonl", lines))


def test_a_line_is_an_article_with_its_label():
    (one,) = read(
        b'{"label": " y-te ", "title": "A", "lead": "B", "text": "C", "source": "bao", "id": 7}'
    )
    assert (one.label, one.title, one.lead, one.text, one.source) == ("y-te", "A", "B", "C", "bao")


def test_without_a_title_the_first_line_is_it():
    (one,) = read(b'{"label": "y-te", "text": "First line\\nand the rest", "source": null}')
    assert (one.title, one.text, one.source) == ("First line", "and the rest", "")


def test_empty_lines_are_left_out():
    assert len(read(GOOD, b"\n", b"  \n", GOOD)) == 2


@table(
    ("line", "said"),
    [
        (b'{"label": "y-te", "text": ', "no JSON: Expecting value at column 27"),
        (b"label,text", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'["y-te", "text"]', "no JSON object"),
        (b'{"text": "A"}', 'no "label"'),
        (b'{"label": " ", "text": "A"}', 'no "label"'),
        (b'{"label": 3, "text": "A"}', 'no "label"'),
        (b'{"label": "y-te"}', 'neither "title" nor "lead" nor "text"'),
        (b'{"label": "y-te", "text": ["A"]}', '"text" is no text'),
        (b'{"label": "y-te", "text": "A", "source": 1}', '"source" is no text'),
    ],
)
def test_a_wrong_line_is_named(line, said):
    with pytest.raises(LearningError) as told:
        read(*[GOOD] * 6, line, GOOD)
    assert str(told.value).startswith("texts.jsonl:7: ")
    assert said in str(told.value)
