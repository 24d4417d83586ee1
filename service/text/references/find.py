"""Find the numbers of official documents in a text, and give each its one spelling. Pure.

    Chỉ thị số 45/CT-TW  ──>  number 45, codes CT and TW  ──>  45-CT/TW

State documents are spelled `45/2020/NĐ-CP` (Decree 30/2020/NĐ-CP, Annex III), the Party's
`45-CT/TW` (Guideline 36-HD/VPTW), whatever the separators in the text. Where a text is looked at is
found by `reading`, what stands before it by `cues`; `judging` decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from service.text.fold import nfc
from service.text.references import codes, cues
from service.text.references.judging import judged, spelled
from service.text.references.reading import NUMBER, Reading, read

MOST_REFERENCES = 100
"""Different references of one text; the longest lists of documents in the news have some thirty."""

MOST_PLACES = 2000
"""Places of one text that are looked at closely. Only a hostile one has more."""

LONGEST_REMEMBERED = 50_000
"""Characters of a text that is kept to be asked for again; all that are kept take 13 MB at most."""

_IN_LIST = re.compile(r"\s{0,2}(?:,|;|và|hoặc|hay|and|or)\s{0,2}(?:số )?")
_LONGEST_IN_LIST = 16
_LONGEST_WRITTEN = 200


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a text names a document, `start` to `end`, and the one spelling of its number."""

    start: int
    end: int
    reference: str


def mentions(text: str) -> list[Mention]:
    """Every place of a text (NFC) that names a document, in order."""
    found: list[Mention] = []
    last_end, last_cue = 0, cues.NOTHING
    for places, head in enumerate(NUMBER.finditer(text)):
        if places == MOST_PLACES:
            break
        if head.start() < last_end:
            continue
        one = read(text, head)
        if not one.codes:
            continue
        between = text[last_end : head.start()] if found else ""
        in_list = len(between) <= _LONGEST_IN_LIST and _IN_LIST.fullmatch(between)
        cue = last_cue if in_list else cues.before(text, head.start())
        reference = judged(one, cue)
        if reference is not None:
            found.append(Mention(head.start(), one.end, reference))
            last_end, last_cue = one.end, cue
    return found


def references(text: str) -> tuple[str, ...]:
    """The references in a text (NFC), each once, in order, MOST_REFERENCES at the most.

    The last texts of usual length are remembered: an article is matched and stored from one
    reading.
    """
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _references(text)


@lru_cache(maxsize=64)
def _remembered(text: str) -> tuple[str, ...]:
    return _references(text)


def _references(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.reference for one in mentions(text)))[:MOST_REFERENCES]


def parsed(written: str) -> str | None:
    """The reference that a person has written, alone or with its kind: `Chỉ thị 38/CT-TW`.

    None: it is the number of no document, or of several.
    """
    text = " ".join(nfc(written[:_LONGEST_WRITTEN]).split())
    found = mentions(text)
    if len(found) == 1 and not text[found[0].end :].strip(" .,;"):
        return found[0].reference
    one = None if found else _whole(text)
    known = one is not None and any(code.known for code in one.codes)
    return spelled(one) if one is not None and known else None


def slug(reference: str) -> str:
    """A reference in an address: `38-CT-TW`."""
    return reference.replace("/", "-")


def of_slug(written: str) -> str | None:
    """The reference of an address, however its letters are written; None: there can be none."""
    one = _whole(nfc(written))
    return None if one is None else spelled(one)


def _whole(text: str) -> Reading | None:
    """A text that is a number and nothing else, whatever it is the number of."""
    text = text.upper() if text.islower() else text
    head = NUMBER.match(text)
    if head is None:
        return None
    one = read(text, head)
    if one.end < len(text) or not one.codes or not one.number:
        return None
    first = one.codes[0]
    if codes.is_party(first.code) and not codes.is_council(first.code):
        return None  # the Party's numbers name a kind
    return one
