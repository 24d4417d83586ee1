"""Real feeds as they were before their news: the same document without its entries.

Written for these tests alone, so that nothing of the service judges itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("rss-parser/input", "feedjira", "miniflux", "reader", "vi")

_BLOCK = re.compile(
    rb"<(?P<tag>(?:[a-z]\w*:)?(?:item|entry))(?=[\s>])[^>]*>.*?</(?P=tag)\s*>",
    re.DOTALL | re.IGNORECASE,
)
_TYPES = {
    ".json": "application/feed+json",
    ".html": "text/html",
    ".atom": "application/atom+xml",
    ".rss": "application/rss+xml",
}
_EMPTY = {
    "rss": b"<rss version='2.0'><channel><title>x</title></channel></rss>",
    "atom": b"<feed xmlns='http://www.w3.org/2005/Atom'><title>x</title><id>urn:x</id></feed>",
    "json": b'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": []}',
}


@dataclass(frozen=True)
class Real:
    """A feed of the corpus. `blocks`: how many different entries were cut out of it.

    `empty` is the document without them, `bare` an honest empty feed of the same kind.
    """

    id: str
    type: str
    empty: bytes
    bare: bytes
    whole: bytes
    blocks: int


def real_feeds(corpus: Path) -> list[Real]:
    """Every file of the folders, each under an id made of its place."""
    found = []
    for folder in FOLDERS:
        root = corpus / "feeds" / folder
        for path in sorted(root.rglob("*")):
            if path.is_file():
                name = f"{folder.partition('/')[0]}-{path.relative_to(root)}"
                found.append(_real(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), path))
    return found


def _real(name: str, path: Path) -> Real:
    whole = path.read_bytes()
    if path.name.endswith(".item.xml"):  # one <item>, cut out of its feed
        whole = (
            b"<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel>"
            b"<title>" + path.name.partition("-")[0].encode() + b"</title>" + whole
            + b"</channel></rss>"
        )  # fmt: skip
    is_json = whole.lstrip()[:1] == b"{"
    bare = _EMPTY["json" if is_json else "atom" if b"<feed" in whole else "rss"]
    empty, blocks = (_without_items if is_json else _without_entries)(whole)
    kind = _TYPES.get(path.suffix, "application/xml")
    return Real(name, kind, empty or bare, bare, whole, blocks)


def _without_entries(whole: bytes) -> tuple[bytes, int]:
    blocks = {found[0] for found in _BLOCK.finditer(whole)}
    return (_BLOCK.sub(b"", whole), len(blocks)) if blocks else (b"", 0)


def _without_items(whole: bytes) -> tuple[bytes, int]:
    try:
        document = json.loads(whole)
        items = {json.dumps(item, sort_keys=True) for item in document["items"]}
    except (ValueError, KeyError):
        return b"", 0
    return json.dumps({**document, "items": []}).encode(), len(items)
