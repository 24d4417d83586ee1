"""A feed that breaks off is closed, and what is whole in it is kept. Pure.

    <rss><channel><title>…</title><item>…</item><item><guid>2</guid><title>Hai</title><link>https://a.v
                                 └── whole ────┘└── kept: it can be known again ────┘└── lost ──────

expat, which walked as far as there is something to walk, tells which elements are open and where
the last whole one ends; so nothing in comments or CDATA is taken for a tag.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

_ENTRIES = frozenset({"item", "entry"})
_GUIDS = frozenset({"guid", "id"})


@dataclass(slots=True)
class _Open:
    """An entry that has begun: where, where its last whole element ends, and what it has."""

    start: int
    end: int
    names: set[str] = field(default_factory=set)


def closed(document: bytes) -> bytes | None:
    """The document with an end, None where it has no feed's root.

    What is whole of the entry that was hit is kept if it has a title and can be known again: both
    stand before its text. Else it is left for the next fetch, since under another key it would be
    told twice.
    """
    walk = _TagWalk(document)
    walk.run()
    if not walk.around:
        return None
    kept = document[: walk.whole]
    hit = walk.entry
    if hit is not None and walk.may_keep(hit):
        kept = document[: hit.end] + f"</{walk.entry_name}>".encode()
    return kept + "".join(f"</{name}>" for name in reversed(walk.around)).encode()


class _TagWalk:
    """`around`: names of what entries stand in. `whole`: where the last whole element in it ends.

    `entry`: the one that is open when the document breaks off.
    """

    def __init__(self, document: bytes) -> None:
        self.around: list[str] = []
        self.whole = 0
        self.entry: _Open | None = None
        self.entry_name = ""
        self._document = document
        self._depth = 0
        self._entries = 0
        self._begun = False  # nothing came since the last start tag but text
        self._guids = False

    def run(self) -> None:
        parser = self._parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._stop
        try:
            parser.Parse(self._document, True)
        except (expat.ExpatError, ValueError):
            return

    def may_keep(self, hit: _Open) -> bool:
        # Only whole entries before it tell that links are keys here, and no guid is to come.
        by_link = bool(self._entries) and not self._guids
        return "title" in hit.names and (
            not _GUIDS.isdisjoint(hit.names) or (by_link and "link" in hit.names)
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._begun = True
        self._depth += 1
        local = _local(name)
        level = len(self.around)
        if self.entry is not None or self._depth != level + 1:
            return
        if local in _ENTRIES:
            end = self._document.find(b">", self._parser.CurrentByteIndex) + 1
            self.entry, self.entry_name = _Open(self._parser.CurrentByteIndex, end), name
            if "rdf:about" in attributes:
                self.entry.names.add("id")
        elif level == 0 or (level == 1 and local == "channel" and _local(self.around[0]) == "rss"):
            self.around.append(name)
            self.whole = self._document.find(b">", self._parser.CurrentByteIndex) + 1

    def _stop(self, name: str) -> None:
        depth, level = self._depth, len(self.around)
        self._depth -= 1
        empty, self._begun = self._begun, False
        if depth > level + 2 or (depth == level + 2 and self.entry is None):
            return
        end = self._end(empty=empty)
        if depth == level + 2 and self.entry is not None:
            self.entry.end = end
            self.entry.names.add(_local(name))
        elif depth == level + 1:
            if self.entry is not None:
                self._entries += 1
                self._guids = self._guids or not _GUIDS.isdisjoint(self.entry.names)
                self.entry = None
            self.whole = end
        elif depth == level:
            self.around.pop()
            self.whole = end

    def _end(self, *, empty: bool) -> int:
        """Where the element ends; expat points behind one that closes itself."""
        at = self._parser.CurrentByteIndex
        if empty and self._document[at - 2 : at] == b"/>":
            return at
        return self._document.find(b">", at) + 1


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()
