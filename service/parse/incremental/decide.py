"""From the bytes of a feed to what is new in it: the cheaper levels of parsing. Pure.

    same slices ──> the head alone is read
    some new    ──> head + new slices + tail are read, as if they were the document
    otherwise   ──> the whole document is read

(304 and the hash of the body stand above: they need no parser at all.) The lower way is taken only
where it must give what the whole document would give: the parser was in the same state in front of
every entry, then and now; nothing that the head hands down has changed; and no entry, new or old,
could be taken for another. tests/parse/incremental/test_decide.py compares both ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.model import Document, Entry
from service.parse.document import is_empty, parse_document
from service.parse.feed import xml_feed
from service.parse.feed.entry_keys import addresses
from service.parse.incremental import snapshot, splitter
from service.parse.incremental.snapshot import EntryHashes, Slices
from service.parse.incremental.splitter import SplitDocument
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions
from service.parse.repair import pipeline
from service.parse.result import ParseLevel, ParseResult


def glean(
    body: bytes,
    headers: Mapping[str, str],
    url: str,
    reading: ParseOptions,
    now: datetime,
    memory: bytes | None,
) -> ParseResult[Any]:
    """Read as little as gives the same. Raises ParseError as `parse_document` does.

    `memory`: of the last document of this source, None = nothing.
    """
    if is_empty(body) or not KINDS[reading.kind].is_xml(body, headers):
        document = parse_document(body, headers, url, reading, now)
        return ParseResult(document, len(document.entries), ParseLevel.WHOLE)
    knife = _Knife()
    repaired = pipeline.repair(body, headers, knife.proves)
    pieces = knife.pieces_of(repaired.text)
    on = snapshot.basis(reading.fingerprint, url)
    before = snapshot.slices_in(memory, on)
    if pieces is not None and before is not None:
        part = _Part(pieces, repaired, headers, url, reading, now).after(before, on)
        if part is not None:
            return part
    document, inherited = xml_feed.read(repaired, headers, url, reading, now)
    slices = _slices_of(pieces, document, inherited) if pieces and inherited else None
    memory = snapshot.of_slices(slices, on) if slices else None
    return ParseResult(document, len(document.entries), ParseLevel.WHOLE, memory)


class _Knife:
    """Cuts a document once: what could be cut is well-formed, so that no other walk need tell."""

    def __init__(self) -> None:
        self._text = ""
        self._pieces: SplitDocument | None = None

    def proves(self, text: str) -> bool:
        return self.pieces_of(text) is not None or pipeline.is_well_formed(text)

    def pieces_of(self, text: str) -> SplitDocument | None:
        if text is not self._text:
            self._text, self._pieces = text, splitter.cut(text.encode("utf-8", "replace"))
        return self._pieces


@dataclass(frozen=True, slots=True)
class _Part:
    """A document in pieces, and how it is read."""

    pieces: SplitDocument
    repaired: pipeline.Repaired
    headers: Mapping[str, str]
    url: str
    reading: ParseOptions
    now: datetime

    def after(self, before: Slices, on: bytes) -> ParseResult[Any] | None:
        """Only what is new since `before`; None where that cannot be told with certainty."""
        hashes = [splitter.slice_hash(piece) for piece in self.pieces.slices]
        if len(set(hashes)) != len(hashes):
            return None
        there = dict(zip(hashes, self.pieces.slices, strict=True))
        new = {known: piece for known, piece in there.items() if known not in before.who}
        # Nothing new: the shortest entry is read all the same, to see what entries inherit now.
        slices = new.values() or [min(there.values(), key=len)]
        text = self.pieces.with_only(slices)
        read = xml_feed.read_part(
            text, self.repaired, self.headers, self.url, self.reading, self.now
        )
        if read is None or read[1] != before.inherited or len(slices) != len(read[0].entries):
            return None
        document = read[0] if new else replace(read[0], entries=())
        who = dict(zip(new, _people(document.entries), strict=True))
        who = {known: who.get(known) or before.who[known] for known in hashes}
        if not snapshot.distinct(who.values()):
            return None
        level = ParseLevel.PART if new else ParseLevel.SLICES
        memory = snapshot.of_slices(replace(before, who=who), on)
        return ParseResult(document, len(hashes), level, memory)


def _slices_of(pieces: SplitDocument, document: Document, inherited: bytes) -> Slices | None:
    """None where its slices cannot stand for its entries."""
    hashes = [splitter.slice_hash(piece) for piece in pieces.slices]
    if not len(hashes) == len(set(hashes)) == len(document.entries):
        return None
    who = dict(zip(hashes, _people(document.entries), strict=True))
    return Slices(inherited, who) if snapshot.distinct(who.values()) else None


def _people(entries: Iterable[Entry]) -> list[EntryHashes]:
    return [EntryHashes.of(one.guid, *addresses(one), one.key) for one in entries]
