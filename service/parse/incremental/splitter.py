"""A well-formed feed cut into its head, the bytes of each entry, and its tail. Pure.

    <rss><channel><title>…</title>  <item>…</item>  <item>…</item>  </channel></rss>
    └──────────── head ───────────┘└───── slice ───┘└──── slice ──┘└───── tail ─────┘

expat walks the document, the very parser behind feedparser's strict way, and tells the exact byte
where each entry begins; blanks and comments behind an entry belong to its slice. Where anything is
out of the ordinary there is no cut, and the whole document is read.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.parsers import expat

SLICE_HASH_BYTES = 12

_ROOTS = {"rss": "channel", "feed": "", "rdf": ""}  # root -> what the entries stand in, "": in it
_NAME = re.compile(rb"[^\s/>]+")
_ENTRIES = frozenset({"item", "entry"})


@dataclass(frozen=True, slots=True)
class SplitDocument:
    """A document in pieces; joined in order they are the document."""

    head: bytes
    slices: tuple[bytes, ...]
    tail: bytes

    def with_only(self, slices: Iterable[bytes]) -> bytes:
        """The document with these entries alone."""
        return b"".join((self.head, *slices, self.tail))


def cut(document: bytes) -> SplitDocument | None:
    """Cut UTF-8 without XML declaration. None: it cannot be cut with certainty."""
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        return None
    walk = _EntryWalk(document)
    try:
        walk.run()
    except (expat.ExpatError, _OddError):
        return None
    starts, end = walk.starts, walk.end
    if not starts or len(starts) != walk.ended:
        return None
    edges = (*starts, end)
    slices = tuple(document[a:b] for a, b in itertools.pairwise(edges))
    return SplitDocument(document[: starts[0]], slices, document[end:])


def slice_hash(piece: bytes) -> bytes:
    """What an entry's bytes are known by; blanks around it do not count."""
    return hashlib.blake2b(piece.strip(), digest_size=SLICE_HASH_BYTES).digest()


class _OddError(Exception):
    """The document is not built as feeds are."""


class _EntryWalk:
    """`starts`: the byte where each entry begins. `end`: the byte behind the last one."""

    def __init__(self, document: bytes) -> None:
        self.starts: list[int] = []
        self.ended = 0
        self.end = 0
        self._document = document
        self._depth = 0
        self._level = 0  # at which entries stand
        self._inside = ""  # the element that they stand in
        self._entry: str | None = None  # as expat writes it
        self._over = False  # something else came behind the entries
        self._ordinary: set[str] = set()  # names of elements inside entries that are none

    def run(self) -> None:
        parser = self._parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._stop
        parser.Parse(self._document, True)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        depth = self._depth
        self._depth += 1
        if depth > self._level and name in self._ordinary:
            return
        local = name.rpartition(" ")[2].lower()
        if depth == 0:
            if local not in _ROOTS:
                raise _OddError
            self._inside = _ROOTS[local]
            self._level = 2 if self._inside else 1
            return
        if local in _ENTRIES:
            self._open(name, depth)
        elif depth > self._level > 0:
            self._ordinary.add(name)
        elif depth == self._level and self.starts:
            self._over = True
        elif depth == 1 and self._level > 1 and (local != self._inside or self.starts):
            raise _OddError  # a second channel, or none

    def _open(self, name: str, depth: int) -> None:
        if depth != self._level or self._over or self._entry not in {None, name}:
            raise _OddError
        self._entry = name
        self.starts.append(self._parser.CurrentByteIndex)
        self._parser.CharacterDataHandler = None  # text in an entry is its own

    def _stop(self, name: str) -> None:
        self._depth -= 1
        if self._depth != self._level or name != self._entry:
            return
        start = self._parser.CurrentByteIndex
        written = _NAME.match(self._document, self.starts[-1] + 1)
        if written is None or not self._document.startswith(b"</" + written[0], start):
            raise _OddError  # it closes itself: nothing in it
        self.ended += 1
        self._parser.CharacterDataHandler = self._text
        self.end = self._document.index(b">", start) + 1

    def _text(self, text: str) -> None:
        if self._depth == self._level and not self._over and text.strip():
            raise _OddError  # between entries, in nobody's slice
