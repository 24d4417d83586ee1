"""A number with what hangs on it: digits, year, abbreviations, however they are parted. Pure.

No part of a pattern is unbounded, so that reading is linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from service.text.references import codes

MOST_CODES = 6
FIRST_YEAR, LAST_YEAR = 1945, 2100
LAST_SHORT_YEAR = 2009
"""Later years are not written with two digits."""

_LETTER = r"[^\W\d_]"
_SEP = r"[/\-\u2010-\u2015\u2212]"
_GAP = r"[ \t\r\n\xa0]{0,2}"
_YEAR = r"(?:19|20)[0-9]{2}"

# The digit stands first: a text is searched for digits, and all else is looked at only there.
NUMBER = re.compile(
    # no part of a longer number, date, word or address; "số15" is a slip
    rf"[0-9](?:(?<!\w.)|(?<=số.))(?<!\d[.,:].)(?<!\w{_SEP}.)"
    rf"[0-9]{{0,4}}(?:\.[0-9]{{3}}(?![0-9]))?(?:[A-Za-zđ](?!{_LETTER}))?"
    # behind it a letter, perhaps with a year between; without separator only an abbreviation
    rf"(?={_GAP}{_SEP}{_GAP}(?:(?:{_YEAR}{_GAP}{_SEP}?|[0-9]{{2}}{_GAP}{_SEP}){_GAP})?{_LETTER}"
    rf"|[ \xa0]?(?:[A-ZĐÐ]{_LETTER}{{1,3}}{_GAP}{_SEP}|CP\b|TTg\b|HĐBT\b))",
    re.DOTALL,
)
"""Where a document's number may begin."""

_NEXT = re.compile(
    rf"({_GAP})({_SEP}|\.(?={_LETTER})|)({_GAP})(?:(\d{{4}}|\d{{2}})(?!\d)|"
    rf"(T\. ?[ƯWưw](?!{_LETTER})\.?|{_LETTER}{{1,14}}(?:&{_LETTER}{{1,8}})?))"
)
_DIGITS = re.compile(r"\d{1,2}(?!\d)")
_TERM = re.compile(r" ?(\d{1,2})(?!\d)")
_WITH_TERM = ("QH", "UBTVQH")
_CAPITALS = 2
"""Capitals without which letters are a word: "Chính"."""


@dataclass(frozen=True, slots=True)
class Code:
    """An abbreviation. `known`: its spelling is settled.

    `separator` stands before it, "" where there is none; `loose`: with blanks on both sides.
    """

    code: str
    known: bool
    separator: str = "-"
    loose: bool = False


@dataclass(slots=True)
class Reading:
    """A number before it is judged. `number` is "" for zero; `end`: where it ends in the text.

    `dotted`: it is written with a stop, "1.735". `year` None: it has none.
    """

    number: str
    end: int
    dotted: bool = False
    year: int | None = None
    codes: list[Code] = field(default_factory=list)


def read(text: str, head: re.Match[str]) -> Reading:
    """The number that begins at a match of `NUMBER`, as far as it goes."""
    written = head[0]
    suffix = "" if written[-1].isdigit() else written[-1].lower()
    value = int((written[:-1] if suffix else written).replace(".", ""))
    found = Reading(f"{value:02}{suffix}" if value else "", head.end(), "." in written)
    while len(found.codes) < MOST_CODES and (part := _NEXT.match(text, found.end)):
        separator, year = part[2], part[4]
        if year is not None:
            if not separator or not _take_year(found, year, text, part.end()):
                break
        elif not (separator or not found.codes) or not _take_code(found, text, part):
            break
    return found


def _take_year(found: Reading, digits: str, text: str, end: int) -> bool:
    """A year behind the number, or behind the codes (`34/NĐ-CP/2010`)."""
    year = int(digits)
    if len(digits) == len("98"):  # "22/98", "01/TTLT/99"
        year += 1900 if year >= FIRST_YEAR % 100 else 2000
        if (year > LAST_SHORT_YEAR) if found.codes else not _NEXT.match(text, end):
            return False
    if found.year is not None or not FIRST_YEAR <= year <= LAST_YEAR:
        return False
    found.year, found.end = year, end
    return True


def _take_code(found: Reading, text: str, part: re.Match[str]) -> bool:
    """The abbreviation that stands here. False: none does, or it is the last."""
    start, end = part.span(5)
    if end < len(text) and text[end].isupper():
        return False  # longer than any abbreviation
    written, sticks = _without_tail(text[start:end], text, end)
    end = start + len(written)
    known = codes.settled(written)
    capitals = sum(map(str.isupper, written)) if written[0].isupper() else 0
    numbered = written.isupper() and _DIGITS.match(text, end)  # "C14"
    if known is None and capitals < _CAPITALS and not numbered:
        return False
    code = known or codes.plain(written)
    if not sticks:
        term = (_TERM if code in _WITH_TERM else _DIGITS).match(text, end)
        if term is None and end < len(text) and text[end].isdigit():
            return False
        if term is not None:
            code, end = code + term[0].strip(), term.end()
            known = code if codes.is_assembly(code) else None
    separator = part[2]
    if separator == "." and not _closes(found, code):
        return False
    one = Code(code, known is not None, separator, loose=bool(part[1] and part[3]))
    found.codes += _parted(one)
    found.end = end
    return not sticks


def _without_tail(written: str, text: str, end: int) -> tuple[str, bool]:
    """An abbreviation without the word that sticks to it, and whether one does.

    `TTgvừa` -> `TTg`, `CPvề` -> `CP`; `end`: where the letters end in the text.
    """
    goes_on = end < len(text) and text[end].isalpha()
    if not goes_on and codes.settled(written) is not None:
        return written, False
    for code in codes.SPELLED_AT_ONCE:
        if written.endswith(code) and not goes_on:
            return written, False
        if written.startswith(code):
            return code, True
    last = max((at for at, letter in enumerate(written) if letter.isupper()), default=0)
    return written[: last + 1], goes_on or last + 1 < len(written)


def _closes(found: Reading, code: str) -> bool:
    """Whether a stop may stand before it: `QĐ.UB`, as typewriters had it."""
    return bool(found.codes) and codes.is_kind(found.codes[-1].code) and codes.is_body(code)


def _parted(one: Code) -> list[Code]:
    if one.code in codes.KINDS or one.code in codes.BODIES:
        return [one]
    pair = codes.parted(one.code)
    if pair is None:
        return [one]
    return [Code(pair[0], True, one.separator, one.loose), Code(pair[1], True)]
