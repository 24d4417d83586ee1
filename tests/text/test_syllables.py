"""What Vietnamese spells as one syllable."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import Counter

from service.text.syllables import is_syllable
from tests.levels import table

GOOD = (
    "nghiêng quyết quốc giếng gì Đảng khuya ngoằn hoà hòa uỷ ủy ý à ẳng sưu bạch sách thuở rượu "
    "yếu kính Ở xoong khuếch quỳnh nguyễn"
)
BAD = "été schön für très Dvořák bach sắch bàc tộtộ wà zô jơ fã ngè-ngè nguyễnn à1 không-có hoàá"


@table("word", GOOD.split())
def test_syllables(word):
    assert is_syllable(word)
    assert is_syllable(word.upper())
    assert is_syllable(unicodedata.normalize("NFD", word))


@table("word", [*BAD.split(), "", "á á"])
def test_what_no_one_spells_so(word):
    assert not is_syllable(word)


def test_nearly_all_words_of_newspapers_are_syllables(corpus):
    packed = (corpus / "stream" / "vi-2026-01.articles.jsonl.gz").read_bytes()
    texts = [json.loads(line)["text"] for line in gzip.decompress(packed).splitlines()]
    words: Counter[str] = Counter()
    for text in texts:
        words.update(
            word
            for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text))
            if not word.isascii()
        )
    good = sum(count for word, count in words.items() if is_syllable(word))
    assert good / words.total() > 0.99
