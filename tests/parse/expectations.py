"""What feedparser's own test files expect, and what our Document says to it.

Each file begins with a comment: `Expect: not bozo and entries[0]['title'] == 'Example Atom'`. Of
such a line every comparison is taken that speaks of a field that we keep; the others (`bozo`,
copyright, itunes_block …) are left. Text is compared after our cleaning, since that is what readers
get.
"""

from __future__ import annotations

import ast
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from service.model import Document, Entry
from service.text.clean import clean_html, plain, title_text
from service.text.instants import dates

EXPECT = re.compile(r"Expect:\s*(.*?)\s*(?:-->|\n|\*/)")
HEADER = re.compile(r"^\s*Header:\s*([\w-]+):\s*(.*?)\s*$", re.MULTILINE)
HOST = "http://127.0.0.1:8097/"
"""Where feedparser's own test server stands; expected addresses name it."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One comparison: where in feedparser's result, and the value there."""

    path: Path
    value: object


def text_of(body: bytes) -> str:
    """The file as far as its leading comment is concerned."""
    for encoding in ("utf-16", "utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le", "cp037"):
        try:
            text = body.decode(encoding)
        except (UnicodeDecodeError, UnicodeError):
            continue
        if "Expect:" in text:
            return text
    return body.decode("utf-8", "replace")


def headers_of(text: str) -> dict[str, str]:
    """The HTTP headers that the comment asks for, with lower-case names."""
    return {found[1].lower(): found[2] for found in HEADER.finditer(text)}


def expectations(text: str) -> list[Expectation] | None:
    """All comparisons of the file with a constant; None where it has no `Expect:`."""
    found = EXPECT.search(text)
    if found is None:
        return None
    tree = ast.parse(found[1].strip(), mode="eval").body
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    return [one for part in parts for one in _comparisons(part)]


def _comparisons(node: ast.expr) -> Iterator[Expectation]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        path = _path(node.operand)
        if path and path[-1] == "has_key":
            yield Expectation(path[:-1], None)
    if not isinstance(node, ast.Compare) or not all(isinstance(op, ast.Eq) for op in node.ops):
        return
    sides = [node.left, *node.comparators]
    constants = [side for side in sides if _path(side) is None]
    if len(constants) != 1:
        return
    try:
        value = ast.literal_eval(constants[0])
    except ValueError:
        return
    for side in sides:
        path = _path(side)
        if path and path[-1] == "ord":
            yield Expectation(path[:-1], chr(value))
        elif path:
            yield Expectation(path, value)


def _path(node: ast.expr) -> Path | None:
    """`entries[0]['title']` and `entries[0].title` as ("entries", 0, "title")."""
    match node:
        case ast.Name():
            return (node.id,)
        case ast.Attribute():
            before, last = _path(node.value), (node.attr,)
        case ast.Subscript(slice=ast.Constant(value=key)):
            before, last = _path(node.value), (key,)
        case ast.Call(func=ast.Attribute(attr="has_key"), args=[ast.Constant(value=key)]):
            before, last = _path(node.func.value), (key, "has_key")
        case ast.Call(func=ast.Name(), args=[inner]):
            before, last = _path(inner), (node.func.id,)
        case _:
            return None
    return (*before, *last) if before else None


def pair(document: Document, wanted: Expectation, now: datetime) -> tuple[object, object] | None:
    """(ours, theirs) in a form that can be compared; None where we do not keep the field."""
    if wanted.path[0] == "feed":
        return _of_feed(document, wanted.path[1:], wanted.value)
    if wanted.path == ("entries", "len"):
        return len(document.entries), wanted.value
    if wanted.path[0] != "entries" or len(wanted.path) < 3:
        return None
    number = wanted.path[1]
    assert isinstance(number, int)
    # Entries that stand in a document twice, word for word, count once.
    entry = document.entries[min(number, len(document.entries) - 1)] if document.entries else None
    path = wanted.path[2:]
    if path[-1] == "language" and path[0] in {"language", "content", "title_detail"}:
        inherited = document.language if wanted.value else None
        return entry and (entry.language or inherited), wanted.value or None
    return _of_entry(entry, path, wanted.value, now)


def _of_feed(document: Document, path: Path, value: object) -> tuple[object, object] | None:
    match path, value:
        case ("title",) | ("title_detail", "value"), str():
            return document.title, title_text(value)
        case ("link",), _:
            return document.link, value
        case ("language",), _:
            return document.language, value
        case ("ttl",), str():
            return document.ttl_s, int(value) * 60
    return None


_WHEN = {"published": "published", "issued": "published", "updated": "updated",
         "modified": "updated", "created": "published", "date": "updated"}  # fmt: skip


def _of_entry(
    entry: Entry | None, path: Path, value: object, now: datetime
) -> tuple[object, object] | None:
    if entry is None:
        return "no such entry", value
    both: tuple[object, object] | None = None
    match path, value:
        case ("title",) | ("title_detail", "value"), str():
            both = entry.title, title_text(value)
        case ("link",), _:
            both = entry.link, value
        case ("id",) | ("guid",), _:
            both = entry.guid, value
        case ("summary",) | ("description",) | ("summary_detail", "value"), str():
            both = _shown(entry, value, entry.summary or entry.content)
        case ("content", 0, "value"), str():
            both = _shown(entry, value, entry.content or entry.summary)
        case ("author_detail", "name") | ("authors", 0, "name"), str():
            both = entry.authors[:1], (plain(value),)
        case ("authors", int(n), "name"), str():
            both = entry.authors[n : n + 1], (plain(value),)
        case ("author",), str():
            both = entry.authors, (re.sub(r"\s*\(?\S+@\S+\)?", "", value),)
        case ("tags", int(n), "term" | "label"), str():
            both = entry.categories[n : n + 1], (value,)
        case ("tags", "len"), _:
            both = len(entry.categories), value
        case ("category",), str():
            both = entry.categories[:1], (value,)
        case ("enclosures", int(n), *rest), _:
            both = _of_file(entry, n, tuple(rest), value)
        case ("image", "href") | ("media_thumbnail", 0, "url"), _:
            both = entry.image and entry.image.url, value
        case (str(name),), tuple() if name.removesuffix("_parsed") in _WHEN:
            at = getattr(entry, _WHEN[name.removesuffix("_parsed")])
            both = at, datetime.fromtimestamp(timegm((*value,)), UTC)
        case (str(name),), str() if name in _WHEN:
            both = getattr(entry, _WHEN[name]), dates.parse(value, "UTC", None, now)
    return both


def _shown(entry: Entry, theirs: str, ours: str) -> tuple[str, str]:
    return unquote(clean_html(ours, entry.base)), unquote(clean_html(theirs, entry.base))


def _of_file(entry: Entry, n: int, path: Path, value: object) -> tuple[object, object] | None:
    files = entry.enclosures[n : n + 1]
    match path, value:
        case ("href" | "url",), _:
            return [one.url for one in files], [value]
        case ("type",), _:
            return [one.type for one in files], [value]
        case ("length",), str():
            return [one.length for one in files], [int(value)]
        case (), dict():
            told: Mapping[str, str] = value
            whole = (told["href"], told["type"], int(told["length"]))
            return [(one.url, one.type, one.length) for one in files], [whole]
    return None
