"""Is it the number of a document, and how is it spelled? Pure.

A known kind of document with a known body is one anywhere. What is less complete needs a word
before it that says so. Precision stands before recall.
"""

from __future__ import annotations

from service.text.references import codes
from service.text.references.cues import Cue
from service.text.references.reading import Code, Reading

LONGEST = 60
"""Characters of a reference."""


def judged(read: Reading, cue: Cue) -> str | None:
    """The reference, if this is the number of a document."""
    if cue.other or not read.number or not read.codes or _is_date(read, cue):
        return None
    first = read.codes[0]
    if codes.is_kind(first.code):
        fits = _with_kind(read, cue)
    elif read.dotted or ((first.loose or not first.separator) and not _is_old(first, cue)):
        fits = False
    elif first.known and codes.is_body(first.code):
        fits = _of_body(read, cue)
    else:
        fits = cue.named and not cue.doubtful and not any(one.loose for one in read.codes)
    return spelled(read) if fits else None


def _is_date(read: Reading, cue: Cue) -> bool:
    return cue.date and (read.year is None or not read.codes[0].separator)


def _is_old(first: Code, cue: Cue) -> bool:
    """`Nghị định 61CP`, `60 CP`."""
    return cue.named and first.known and first.code in codes.LAWMAKERS


def _with_kind(read: Reading, cue: Cue) -> bool:
    """A kind of document first: `45/2020/NĐ-CP`, `38-CT/TW`."""
    first, *others = read.codes
    if not others:
        if first.code == "NĐ" and (read.year is not None or cue.named):
            read.codes.append(Code("CP", known=True))  # nobody else issues decrees
            return True
        return cue.named and bool(first.separator) and not first.loose
    is_body = others[0].known and codes.is_body(others[0].code)
    if first.loose or not first.separator or read.dotted or others[0].loose:
        return is_body and (bool(first.separator) or cue.named or read.year is not None)
    sure = first.code in codes.SURE_KINDS and first.code != "NĐ"
    return is_body or cue.named or sure or cue.kind == first.code  # "thông báo 41/TB-LH"


def _of_body(read: Reading, cue: Cue) -> bool:
    """A body first, as in old documents and letters: `160/CP`, `40/2000/QH10`, `1289/VPCP-NC`."""
    first, *others = read.codes
    if codes.is_party(first.code) and not codes.is_council(first.code):
        if cue.named and cue.kind and not others:
            read.codes.insert(0, Code(cue.kind, known=True))  # the Party's numbers name a kind
            return True
        return False
    lawmaker = first.code in codes.LAWMAKERS or codes.is_assembly(first.code)
    old = first.code == "HĐBT" or (read.year is not None and lawmaker)
    # "CP" are shares too.
    letter = bool(others) and not others[0].loose and (first.code != "CP" or others[0].known)
    return cue.named or old or letter


def spelled(read: Reading) -> str | None:
    """Judges by the rules of its issuer: a function of number, year and codes alone.

    None: it is too long to be one.
    """
    parts = [one.code for one in read.codes]
    number = read.number if read.year is None else f"{read.number}/{read.year}"
    if len(parts) > 1 and codes.is_kind(parts[0]) and codes.is_party(parts[1]):
        found = f"{number}-{parts[0]}/{'-'.join(parts[1:])}"
    elif parts[0] == "HĐBT" and read.year is None:
        found = f"{number}-{'-'.join(parts)}"
    else:
        found = f"{number}/{'-'.join(parts)}"
    return found if len(found) <= LONGEST else None
