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

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.model import Document, Entry
from service.parse.document import is_empty, parse_document
from service.parse.feed import xml_feed
from service.parse.feed.entry_keys import addresses
from service.parse.incremental import snapshot, splitter
from service.parse.incremental.levels import ParseLevel
from service.parse.incremental.snapshot import Slices, Who
from service.parse.incremental.splitter import SplitDocument
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions
from service.parse.repair import pipeline


@dataclass(frozen=True, slots=True)
class ParsedEntries:
    """A document with the entries that had to be read. `listed`: how many it has in all.

    `slices` None: its slices cannot stand for its entries.
    """

    document: Document
    listed: int
    level: ParseLevel
    slices: Slices | None


def glean(
    body: bytes,
    headers: Mapping[str, str],
    url: str,
    reading: ParseOptions,
    now: datetime,
    before: Slices | None,
) -> ParsedEntries:
    """Read as little as gives the same. Raises ParseError as `documents.read` does."""
    if is_empty(body) or not KINDS[reading.kind].is_xml(body, headers):
        document = parse_document(body, headers, url, reading, now)
        return ParsedEntries(document, len(document.entries), ParseLevel.WHOLE, None)
    knife = _Knife()
    repaired = pipeline.repair(body, headers, knife.proves)
    pieces = knife.pieces_of(repaired.text)
    if pieces is not None and before is not None:
        part = _Part(pieces, repaired, headers, url, reading, now).after(before)
        if part is not None:
            return part
    read = xml_feed.read(repaired, headers, url, reading, now)
    slices = _remembered(pieces, read, url) if pieces is not None else None
    return ParsedEntries(read.document, len(read.document.entries), ParseLevel.WHOLE, slices)


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

    def after(self, before: Slices) -> ParsedEntries | None:
        """Only what is new since `before`; None where that cannot be told with certainty."""
        hashes = [splitter.slice_hash(piece) for piece in self.pieces.slices]
        if len(set(hashes)) != len(hashes):
            return None
        there = dict(zip(hashes, self.pieces.slices, strict=True))
        new = {known: piece for known, piece in there.items() if known not in before.who}
        # Nothing new: the shortest entry is read all the same, to see what entries inherit now.
        read = self._read(new.values() or [min(there.values(), key=len)])
        if read is None or read.state != before.state:
            return None
        if _facts(read, self.url) != before.facts:
            return None
        entries = read.document.entries if new else ()
        who = dict(zip(new, _people(entries), strict=True))
        who = {known: who.get(known) or before.who[known] for known in hashes}
        if not snapshot.distinct(who.values()):
            return None
        level = ParseLevel.PART if new else ParseLevel.SLICES
        document = replace(read.document, entries=entries)
        return ParsedEntries(document, len(hashes), level, replace(before, who=who))

    def _read(self, slices: Collection[bytes]) -> xml_feed.ParsedFeed | None:
        text = self.pieces.with_only(slices)
        read = xml_feed.read_part(
            text, self.repaired, self.headers, self.url, self.reading, self.now
        )
        if read is None or not len(slices) == read.raw_entries == len(read.document.entries):
            return None
        return read


def _remembered(pieces: SplitDocument, read: xml_feed.ParsedFeed, url: str) -> Slices | None:
    hashes = [splitter.slice_hash(piece) for piece in pieces.slices]
    entries = read.document.entries
    if read.state is None or not len(hashes) == len(set(hashes)) == read.raw_entries:
        return None
    if len(entries) != len(hashes):
        return None
    who = dict(zip(hashes, _people(entries), strict=True))
    if not snapshot.distinct(who.values()):
        return None
    return Slices(read.state, _facts(read, url), who)


def _facts(read: xml_feed.ParsedFeed, url: str) -> bytes:
    """What a document says of itself that reaches into its entries."""
    return snapshot.facts(read.document.link, read.document.language, url, read.order)


def _people(entries: Iterable[Entry]) -> list[Who]:
    return [Who.of(one.guid, *addresses(one), one.key) for one in entries]
