"""A feed that no repair made whole, taken apart: what is broken in an entry swallows no other.

Entries that are sound by themselves are read together, strictly; each of the others is read alone,
inside its feed's head, by feedparser's tolerant parser. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

MOST_BROKEN = 300
"""Entries that are read alone; a document with more of them is read as one."""

_HIDING = re.compile(r"<!\[CDATA\[|<!--")
_ROOT = re.compile(r"<((?:[\w.-]+:)?(rss|feed|rdf))\b(?![:.-])", re.IGNORECASE)
_CHANNEL = re.compile(r"<(channel)\b[^>]*>", re.IGNORECASE)
_CHANNEL_END = re.compile(r"</channel\s*>", re.IGNORECASE)
_ENTRY = re.compile(r"<((?:[\w.-]+:)?(?:item|entry))\b(?![:.-])[^>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Apart:
    """`head`: up to the first entry; `entries`: each with its end; `end`: what closes the head."""

    head: str
    entries: tuple[str, ...]
    end: str

    def with_only(self, *entries: str) -> str:
        return "".join((self.head, *entries, self.end))


def take(text: str) -> Apart | None:
    """A document in pieces, by its tags alone. None: it has no root, or no entry."""
    shown = _shown(text)
    root = _ROOT.search(shown)
    first = _ENTRY.search(shown)
    if root is None or first is None or first.start() < root.start():
        return None
    head = shown[: first.start()]
    channel = _CHANNEL.search(head)
    inside = channel is not None and not _CHANNEL_END.search(head)
    end = f"</{channel[1]}></{root[1]}>" if channel and inside else f"</{root[1]}>"
    return Apart(text[: first.start()], tuple(_entries(text, shown)), end)


def read(text: str, parse: Callable[[str], Any]) -> dict[str, Any] | None:
    """What `parse` says of the pieces, as of one document. None: it must be read as one.

    `parse` takes a document as text and gives a dictionary as feedparser does.
    """
    pieces = take(text)
    if pieces is None:
        return None
    sound = [_is_sound(entry) for entry in pieces.entries]
    if sound.count(False) > MOST_BROKEN:
        return None
    together = parse(
        pieces.with_only(*(e for e, good in zip(pieces.entries, sound, strict=True) if good))
    )
    if len(together["entries"]) != sound.count(True):
        return None
    rest = iter(together["entries"])
    entries: list[Any] = []
    for entry, good in zip(pieces.entries, sound, strict=True):
        entries += [next(rest)] if good else parse(pieces.with_only(entry))["entries"]
    return {"feed": together["feed"], "version": together.get("version"), "entries": entries}


def _shown(text: str) -> str:
    """The text with its sections and comments as NULs, in one walk, each tag where it was.

    A section that never ends hides the rest. Such a comment hides nothing: it may be junk within
    a tag.
    """
    pieces: list[str] = []
    last = text.rfind("-->")
    at = 0
    while begun := _HIDING.search(text, at):
        end_mark = "-->" if begun[0] == "<!--" else "]]>"
        if end_mark == "-->" and last < begun.end():
            stop = begun.end()
            pieces.append(text[at:stop])
        else:
            found = text.find(end_mark, begun.end())
            stop = found + len(end_mark) if found >= 0 else len(text)
            pieces += (text[at : begun.start()], "\0" * (stop - begun.start()))
        at = stop
    return "".join((*pieces, text[at:]))


def _entries(text: str, shown: str) -> Iterator[str]:
    """An entry without an end ends where the next one begins; the last one broke off."""
    begun = list(_ENTRY.finditer(shown))
    for number, start in enumerate(begun):
        stop = begun[number + 1].start() if number + 1 < len(begun) else len(shown)
        closing = re.compile(rf"</{re.escape(start[1])}\s*>", re.IGNORECASE)
        end = closing.search(shown, start.end(), stop)
        if end is not None:
            yield text[start.start() : end.end()]
        elif stop < len(shown):
            yield f"{text[start.start() : stop]}</{start[1]}>"


def _is_sound(entry: str) -> bool:
    parser = expat.ParserCreate("utf-8")
    try:
        parser.Parse(entry.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError:
        return False
    return True
