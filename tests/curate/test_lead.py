"""The lead of an article whose source gives none."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from service.curate.lead import LONGEST, lead_of
from service.text.excerpt import lead as first_sentences
from tests import levels
from tests.levels import table

FLOOD = "Mưa lớn làm nước sông Thương dâng cao trong đêm qua."
SCHOOLS = "Mười hai trường ven sông Thương cho học sinh nghỉ vì nước dâng cao."
ASIDE = "Ông Nam kể chuyện cũ bên ấm trà nóng."
REST = "Sông Thương dâng cao. Các trường nghỉ. " * 5
"""Sentences that are too short to be a lead, with what it is about."""


def test_the_sentences_that_the_text_repeats_stand_for_it_in_their_order():
    assert lead_of(f"{FLOOD} {ASIDE} {SCHOOLS} {REST}") == f"{FLOOD} {SCHOOLS}"


def test_of_two_alike_the_nearer_to_the_beginning_is_taken():
    assert lead_of(f"{FLOOD} {SCHOOLS} {FLOOD} {SCHOOLS}") == f"{FLOOD} {SCHOOLS}"


@table(
    "caption",
    ["Nước sông Thương dâng cao sáng nay (Ảnh: Minh Hà).", "Ảnh minh họa.", "(Nguồn: bao.example)",
     "Photo: River Thuong this morning, seen from the bridge.", "[Hình: Báo Sông Thương]"],
)  # fmt: skip
def test_captions_and_credits_are_no_lead(caption):
    assert lead_of(f"{caption} {FLOOD} {SCHOOLS} {REST}") == f"{FLOOD} {SCHOOLS}"


def test_names_and_numbers_stay_whole():
    text = (
        "TP. Trung Du chi 1.572.000 đồng cho ThS. Trần Văn Nam và 12 người. Họ bắt đầu từ thứ Hai."
    )
    assert lead_of(text) == text


def test_one_sentence_is_enough_where_two_are_too_long():
    long = "Nước sông Thương dâng cao " * 15 + "hôm nay."
    lead = lead_of(f"{long} {long}")
    assert lead == long
    assert len(lead) <= LONGEST


@table(
    "text",
    ["", "Một câu không có dấu chấm", "Ngắn. Rất ngắn. Ngắn.", "河水上涨。学校停课。", "🌊🌊🌊"],
)
def test_what_has_no_sentence_to_choose_gives_its_beginning(text):
    assert lead_of(text) == first_sentences(text)


def test_a_text_without_a_sentence_is_cut_at_a_word():
    assert len(lead_of("nước " * 2000)) <= 301
    assert lead_of("x" * 5_000_000).endswith("…")


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["vims", "vmds"])
def test_it_is_nearer_to_what_people_write_than_the_first_two_sentences(
    corpus, record_property, name
):
    """ROUGE-1 and ROUGE-2 (precision and F) against the best of each story's summaries.

    Of all articles ours are higher in each of the four; in a sample precision is within its error.
    """
    folder = corpus / "clusters"
    summaries = {
        row["cluster"]: [one.rpartition("=Einleitung=")[2] for one in row["summaries"]]
        for row in _rows(folder / f"{name}.summaries.jsonl.gz")
    }
    docs = levels.sample(
        (one for one in _rows(folder / f"{name}.docs.jsonl.gz") if one["cluster"] in summaries),
        4, name=lambda one: f"{one['cluster']} {one['doc']}",
    )  # fmt: skip
    ours = _scores([(lead_of(one["text"]), summaries[one["cluster"]]) for one in docs])
    first = _scores([(first_sentences(one["text"]), summaries[one["cluster"]]) for one in docs])
    words = ("ROUGE-1 P", "ROUGE-1 F", "ROUGE-2 P", "ROUGE-2 F")
    told = ", ".join(
        f"{word} {a:.3f} ({b:.3f})" for word, a, b in zip(words, ours, first, strict=True)
    )
    record_property("report", f"leads, {name}, {len(docs)} articles: {told} (first sentences)")
    assert ours[1] > first[1]
    assert ours[3] > first[3]
    assert min(ours[0] - first[0], ours[2] - first[2]) > (0 if levels.WHOLE else -0.03)


def _rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def _scores(pairs: list[tuple[str, list[str]]]) -> list[float]:
    each = [
        [max(score) for score in zip(*(_rouge(lead, one) for one in written), strict=True)]
        for lead, written in pairs
    ]
    return [sum(column) / len(each) for column in zip(*each, strict=True)]


def _rouge(lead: str, summary: str) -> list[float]:
    scores = []
    for n in (1, 2):
        ours, theirs = _grams(lead, n), _grams(summary, n)
        both = (ours & theirs).total()
        precision, recall = both / max(ours.total(), 1), both / max(theirs.total(), 1)
        scores += [precision, 2 * precision * recall / max(precision + recall, 1e-9)]
    return scores


def _grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return Counter(zip(*(words[begin:] for begin in range(n)), strict=False))
