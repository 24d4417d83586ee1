"""What stands before a number and says what it is: a kind of document, a date, a plate. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.text.fold import fold

LOOK_BACK = 96
"""Characters before a number that are looked at: the longest names of issuing bodies fit."""

_KIND_OF = {
    "nghi dinh": "NĐ",
    "nghi quyet": "NQ",
    "quyet dinh": "QĐ",
    "thong tu": "TT",
    "thong tu lien tich": "TTLT",
    "chi thi": "CT",
    "cong van": "CV",
    "phap lenh": "PL",
    "sac lenh": "SL",
    "cong dien": "CĐ",
    "thong tri": "TT",
    "luat": "",
    "van ban": "",
    "thong bao": "TB",
    "ke hoach": "KH",
    "to trinh": "TTr",
    "bao cao": "BC",
    "ket luan": "KL",
    "huong dan": "HD",
    "quy dinh": "QĐ",
    "quy che": "QC",
    "de an": "ĐA",
    "chuong trinh": "CTr",
    "lenh": "L",
    "decree": "NĐ",
    "resolution": "NQ",
    "decision": "QĐ",
    "circular": "TT",
    "directive": "CT",
    "nd": "NĐ",
    "nq": "NQ",
    "qd": "QĐ",
    "ct": "CT",
    "tt": "TT",
    "cv": "CV",
}
"""Folded words -> the abbreviation of what they name, "" where that has none."""


def _words(written: str) -> frozenset[str]:
    return frozenset(written.split("|"))


_NUMBERED_ONLY = _words(
    "thong bao|ke hoach|to trinh|bao cao|ket luan|huong dan|quy dinh|quy che|de an|chuong trinh|"
    "lenh|luat|van ban|ct|tt"
)
"""Everyday words too: they name a document where `số` stands behind them."""

_SERIES = _words("ke hoach|quy dinh|quy che|de an|chuong trinh|lenh|luat|ct|tt")
"""What is numbered without being a document: programme number 12 of a channel."""

_VERBS = _words("quyet dinh|chi thi|decision|resolution")
"""They name a document for certain where they begin with a capital, or `số` stands behind them."""

_OTHER_PAPERS = _words(
    "ban an|giay phep|hop dong|hoa don|giay chung nhan|chung chi|chung nhan|the|ho so|lo hang|"
    "van bang|bien lai|ma vach|license|contract|invoice"
)
"""Papers that bear numbers and are no documents of this kind."""

_NAMES = sorted({*_KIND_OF, *_OTHER_PAPERS}, key=len, reverse=True)
_NAME = re.compile(rf"\b(?:{'|'.join(_NAMES)})s?\b")
_SENTENCE_END = re.compile(r"[.!?;\n](?=\s)")
_BETWEEN = re.compile(r"(?:\s*\([^()]{1,24}\))?\s*(?:so|no|number)?\s*[:.]?\s*")
_NUMBERED = re.compile(r"\b(?:so|no)\s*[:.]?\s*$")
_DATE = re.compile(r"\b(?:thang|ngay|quy|nam|ky|luc|month)\s*$")
_OTHER_NUMBER = re.compile(
    r"\b(?:qcvn|tcvn|tcxdvn|tcxd|qcxdvn|iso|iec|astm|din|bien (?:so|kiem soat)|bks|bien|xe|so nha|"
    r"hem|ngo|ngach|kiet|can ho|phong|kiot|toa|chuyen bay|ma (?:so|dinh danh)|dien thoai|dt|tel|"
    r"hotline|dieu|khoan|diem|tai khoan|stk|sim|ty so)[\s:.\-]*$"
)


@dataclass(frozen=True, slots=True)
class Cue:
    """What the words before a number say of it.

    `named`: a kind of document, so that the rest may be unusual; `kind`: the abbreviation of the
    word, "" where it has none. `doubtful`: the word may mean something else. `date`: a day or
    month. `other`: something that is numbered and no document.
    """

    named: bool = False
    kind: str = ""
    doubtful: bool = False
    date: bool = False
    other: bool = False


NOTHING = Cue()


def before(text: str, at: int) -> Cue:
    """What stands before the number that begins at this place."""
    written = text[max(at - LOOK_BACK, 0) : at]
    left = fold(written)
    if _OTHER_NUMBER.search(left[-24:]):
        return Cue(other=True)
    if _DATE.search(left[-12:]):
        return Cue(date=True)
    ends = [found.end() for found in _SENTENCE_END.finditer(left)]
    names = list(_NAME.finditer(left, ends[-1] if ends else 0))
    if not names:
        return NOTHING
    capital = len(left) == len(written) and written[names[-1].start()].isupper()
    return _named(names[-1][0], left[names[-1].end() :], capital=capital)


def _named(name: str, between: str, *, capital: bool) -> Cue:
    """What the last name says, with what stands between it and the number."""
    if name not in _KIND_OF:
        name = name.removesuffix("s")
    numbered = bool(_NUMBERED.search(between))
    near = numbered or _BETWEEN.fullmatch(between)
    if name in _OTHER_PAPERS or not near or any(map(str.isdigit, between)):
        return NOTHING
    if not numbered and len(name) == _SHORT and not capital:
        return NOTHING
    if not numbered and name in _NUMBERED_ONLY:
        return Cue(kind=_KIND_OF[name])
    doubtful = not (capital or numbered) if name in _VERBS else name in _SERIES
    return Cue(named=True, kind=_KIND_OF[name], doubtful=doubtful)


_SHORT = 2
"""Letters of "NĐ", "QĐ": written small they are no names."""
