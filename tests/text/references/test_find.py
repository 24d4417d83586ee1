"""References are found in sentences labelled by hand, and nothing else is taken for one."""

from __future__ import annotations

import gzip
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from service.text.fold import nfc
from service.text.references.find import (
    MOST_PLACES,
    MOST_REFERENCES,
    mentions,
    of_slug,
    parsed,
    references,
    slug,
)
from tests.levels import table

LABELLED = Path(__file__).with_name("labelled.txt")
MARKS = re.compile(r"(\{[^}]*\}|<[^>]*>)")


@dataclass
class Sentence:
    """A text without its labels. `mentions`: where each begins -> its spelling."""

    text: str = ""
    mentions: dict[int, str] = field(default_factory=dict)
    traps: int = 0


def sentence(line):
    made = Sentence()
    for part in MARKS.split(line):
        written = part
        if part.startswith("{"):
            written, _, spelled = part[1:-1].partition(" -> ")
            made.mentions[len(made.text)] = spelled or written.rstrip(".")
        elif part.startswith("<"):
            written = part[1:-1]
            made.traps += 1
        made.text += written
    assert made.text == nfc(made.text)
    return made


def labelled():
    lines = LABELLED.read_text(encoding="utf-8").splitlines()
    return [sentence(line) for line in lines if line and not line.startswith("#")]


def test_precision_and_recall_on_what_was_labelled_by_hand():
    """A wrong spelling counts against both."""
    right = found_in_all = labels = traps = 0
    wrong = []
    for one in labelled():
        found = {mention.start: mention.reference for mention in mentions(one.text)}
        right += len(found.items() & one.mentions.items())
        found_in_all += len(found)
        labels += len(one.mentions)
        traps += one.traps
        if found != one.mentions:
            wrong.append((one.text, found, one.mentions))
    precision, recall = right / found_in_all, right / labels
    print(f"{labels} mentions, {traps} traps: precision {precision:.4f}, recall {recall:.4f}")  # noqa: T201 - read with -s
    assert labels >= 200
    assert traps >= (labels + traps) / 3
    assert wrong == []  # .99 and .90 would do; what was right must stay so


def test_candidates_of_real_papers(corpus):
    """They were picked by a pattern, and none of them is a trap: only recall can be told."""
    packed = corpus / "vi_text" / "docnumber-mentions.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(packed.read_bytes()).splitlines()]
    missed = []
    for row in rows:
        text, match = nfc(row["context"]), nfc(row["match"])
        at = text.index(match)
        if not any(at <= one.start < at + len(match) for one in mentions(text)):
            missed.append(match)
    recall = 1 - len(missed) / len(rows)
    print(f"{len(rows)} candidates: recall {recall:.4f}")  # noqa: T201 - read with -s
    assert recall >= 0.95, missed


def test_each_reference_is_found_again_by_its_slug_and_by_itself():
    spelled = {reference for one in labelled() for reference in one.mentions.values()}
    slugs = {slug(reference): reference for reference in spelled}
    assert len(slugs) == len(spelled)
    assert not any("/" in one for one in slugs)
    assert {one: of_slug(one) for one in slugs} == slugs
    assert {parsed(f"Công văn số {one}") for one in spelled} == spelled


@table(
    ("written", "reference"),
    [
        ("38-CT/TW", "38-CT/TW"),
        ("38/CT-TW", "38-CT/TW"),
        ("38-ct/tw", "38-CT/TW"),
        ("Chỉ thị số 38/CT-TW", "38-CT/TW"),
        ("  38 - CT / T.Ư ", "38-CT/TW"),
        ("15/2020/ND-CP", "15/2020/NĐ-CP"),
        ("Decree No. 15/2020/ND-CP", "15/2020/NĐ-CP"),
        ("8/2001/QD-TTG", "08/2001/QĐ-TTg"),
        ("160/CP", "160/CP"),
        ("28/HĐBT", "28-HĐBT"),
        ("28-HĐBT", "28-HĐBT"),
        ("40/2000/qh10", "40/2000/QH10"),
        ("Nghị quyết 36/TW", "36-NQ/TW"),
    ],
)
def test_what_a_person_writes(written, reference):
    assert parsed(written) == reference


@table(
    "written",
    [
        "", "38", "38/2020", "CT/TW", "2-1", "25/12/2020", "0912-345-678", "29A-123.45", "36/TW",
        "QCVN 01:2018/BYT", "500/USD", "4-HAGL", "38-CT/TW và 39-CT/TW", "0/QĐ-TTg", "chỉ thị",
        "38-CT/TW/" + "A" * 300,
    ],
)  # fmt: skip
def test_what_is_no_reference(written):
    assert parsed(written) is None


@table("written", ["", "38", "..", "38-CT-TW.atom", "%2f", "a" * 5000, "38-CT-TW-"])
def test_what_is_no_slug(written):
    assert of_slug(written) is None


def test_a_slug_in_small_letters_and_without_marks_leads_to_the_same():
    assert of_slug("38-ct-tw") == "38-CT/TW"
    assert of_slug("15-2020-nd-cp") == "15/2020/NĐ-CP"


HOSTILE = {
    "digits": "1",
    "numbers": "12/",
    "dates": "12/3/2026 ",
    "separators": "-",
    "numbers and blanks": "1 - ",
    "letters": "1/" + "A" * 40,
    "mentions": "Nghị định 1/2020/NĐ-CP. ",
    "codes": "1/QĐ-QĐ-QĐ-QĐ-QĐ-QĐ-QĐ-QĐ ",
    "names": "nghị định số thông tư ",
    "stops": "1.",
    "marks": "1/Đ̣",
    "dotted": "T. Ư",
}


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_grows_with_the_text_alone(part):
    """Very much at once, and no pattern that looks twice at the same characters."""
    short = "x" + part * (100_000 // len(part))
    long = "x" + part * (200_000 // len(part))
    mentions(short[:1000])
    assert seconds(long) < 3.5 * seconds(short) + 0.05


def seconds(text):
    """Seconds of CPU time; the better of two."""
    took = []
    for _ in range(2):
        begun = time.process_time()
        mentions(text)
        took.append(time.process_time() - begun)
    return min(took)


def test_five_million_characters_of_mentions():
    """As many places are looked at as an article can have, and as many references kept."""
    text = " ".join(f"Nghị định {n}/2020/NĐ-CP," for n in range(1, 99999)) + " 7/CP" * 500_000
    assert len(text) >= 5_000_000
    assert len(mentions(text)) <= MOST_PLACES
    found = references(text)
    assert len(found) == len(set(found)) == MOST_REFERENCES
    assert found[:2] == ("01/2020/NĐ-CP", "02/2020/NĐ-CP")
