"""Abbreviations of kinds of documents and of the bodies that issue them, as data.

State: Decree 30/2020/NĐ-CP, Annex III; Party: Guideline 36-HD/VPTW. Older forms are those that
Vietnamese papers still cite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.text.fold import fold


def _codes(written: str) -> frozenset[str]:
    return frozenset(written.split())


SURE_KINDS = _codes("NĐ QĐ NQ NQLT QyĐ QĐi TTLT TTLB TTLN TTr CTr VBHN QCPH LCT")
"""Kinds that mean nothing else in a text, whoever issued the document."""

KINDS = SURE_KINDS | _codes(
    "CT TT KL QC TC TB HD KH PA ĐA DA BC BB HĐ CĐ CV BGN BTT GUQ GM GGT GNP PG PC PB L SL PL "
    "SY TrS ĐL"
)
"""All kinds. Most also abbreviate something else ("CT" a company, "PC" a computer)."""

LAWMAKERS = _codes("CP TTg HĐBT HĐTP CTN")
"""Bodies whose documents of old name no kind: `160/CP`, `28-HĐBT`."""

_DOMAINS = _codes(
    "TC CT CN TM KH KHĐT KHCN KHCNMT GDĐT GD YT XD GTVT NNPTNT NN NNMT TNMT TTTT BCVT VHTTDL "
    "VHTT VHTTTT LĐTBXH NV TP NG DTTG ĐT TS DL DTTN"
)
"""Fields of ministries (B…) and of departments of provinces (S…)."""

_STATE = _codes(
    "TTCP VPCP VPQH VPCTN NHNN KTNN TANDTC TATC VKSNDTC VKSTC UBDT UBCKNN UBCK UBTDTT TCHQ TCT "
    "TCTK TCDL TCCB TLĐ BHXH UBND UB UBT HĐND BCA BQP BYT BLĐ BVHTT BGDĐT CATP CAT XPHC XPVPHC "
    "BCĐ BCĐQG BCH HĐQT HĐTV MTTQ HĐBCQG BTTTM TWPCTT VPUB VP ĐKVN CHK TTKN"
)

_PARTY = _codes(
    "TW VPTW BTCTW BTGTW BTGDVTW BNCTW BDVTW BKTTW BĐNTW UBKTTW BCHTW TWĐTN MTTW HĐLLTW TU VPTU "
    "BTCTU BTGTU BTGDVTU BNCTU BDVTU UBKTTU ThU HU QU TXU VPHU BTCHU BTGHU BDVHU UBKTHU ĐU ĐUK "
    "BCSĐ TĐTN BTV ĐTN"
)

_DEPARTMENTS = frozenset(letter + field for letter in "BS" for field in _DOMAINS)

BODIES = LAWMAKERS | _STATE | _PARTY | _DEPARTMENTS
"""Those that are known by name; `is_body` knows families too."""

_ASSEMBLY = re.compile(r"(?:UBTV)?QH(?:K?\d{1,2})?|HĐNN\d?")
"""The National Assembly, its Standing Committee and the State Council, with their term."""

_PARTY_FAMILY = re.compile(r"ĐU[A-ZĐ]{0,8}|[A-ZĐ]{1,6}(?:TW|TU)")
_PEOPLES = ("UBND", "HĐND")

SPELLED_AT_ONCE = ("TTg", "CTr", "TTr", "QyĐ", "QĐi", "ThU", "TrS")
"""Abbreviations with small letters: where the next word sticks to one, it ends here."""

_CENTRAL = re.compile(r"T\. ?[ƯW]|TƯ", re.IGNORECASE)


def is_kind(code: str) -> bool:
    return code in KINDS


def is_party(code: str) -> bool:
    """Whether the body writes its numbers the Party's way, `38-CT/TW`."""
    if code in BODIES:
        return code in _PARTY
    return is_council(code) or bool(_PARTY_FAMILY.fullmatch(code))


def is_assembly(code: str) -> bool:
    return bool(_ASSEMBLY.fullmatch(code))


def is_council(code: str) -> bool:
    """The State Council of 1981 to 1992, `21-LCT/HĐNN8`."""
    return code.startswith("HĐNN")


def is_body(code: str) -> bool:
    return code in BODIES or is_assembly(code) or code.startswith(_PEOPLES) or bool(is_party(code))


def settled(written: str) -> str | None:
    """The one spelling of an abbreviation that is known, whatever its case and marks: `QD` is QĐ.

    None: it is not known.
    """
    upper = plain(written).upper()
    if _CENTRAL.fullmatch(upper):
        return "TW"
    exact = _BY_UPPER.get(upper)
    if exact is not None:
        return exact
    if is_assembly(upper) or is_body(upper):
        return upper
    return _BY_FOLDED.get(fold(upper))


def plain(written: str) -> str:
    """The code without "&", and with the Đ of Vietnamese where a look-alike stands."""
    return written.replace("&", "").replace("Ð", "Đ").replace("ð", "đ")


def parted(written: str) -> tuple[str, str] | None:
    """A kind and a body that are written as one: `QĐUB` is QĐ and UB. None: they are not."""
    upper = written.upper()
    for kind in _LONGEST_FIRST:
        body = settled(written[len(kind) :]) if upper.startswith(kind.upper()) else None
        if body in (_NEVER_ALONE if kind not in SURE_KINDS else BODIES):
            return kind, body
    return None


def _spellings(codes: Iterable[str]) -> dict[str, str]:
    """Folded -> the code; where two fold alike it is neither."""
    found: dict[str, str] = {}
    for code in codes:
        bare = fold(code)
        found[bare] = "" if bare in found else code
    return {bare: code for bare, code in found.items() if code}


_NEVER_ALONE = frozenset({"TTg", "TW", "TU"})
"""Bodies that may stick to a kind which is also something else: "CTCP" is a company."""

_LONGEST_FIRST = sorted(SURE_KINDS | {"CT", "KL", "TT"}, key=lambda kind: (-len(kind), kind))
_BY_UPPER = {code.upper(): code for code in (*KINDS, *BODIES)}
_BY_FOLDED = _spellings(sorted({*KINDS, *BODIES, "HĐNN8", "HĐNN7"}))
