"""Pictures and files of an entry, from the many places where feeds put them. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from service.model import Enclosure, Image
from service.parse.urls import web_address
from service.text.fold import nfc

SMALLEST_BELIEVABLE = 2000
"""Bytes of a picture. VnExpress writes its width there: `length="1200"`."""

SMALLEST_PICTURE = 40
"""Pixels. What is smaller is a tracking pixel or a smiley."""

_IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"([a-zA-Z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))",
)


def enclosures(raw: Iterable[Mapping[str, Any]], base: str) -> tuple[Enclosure, ...]:
    """From dicts with `href` or `url`, `type`, `length`; what is not an address is left out."""
    found: dict[str, Enclosure] = {}
    for one in raw:
        url = web_address(one.get("href") or one.get("url"), base)
        if url is None or url in found:
            continue
        kind = nfc(str(one.get("type") or "")).strip().lower()[:100]
        length = number(one.get("length"))
        if length is not None and kind.startswith("image/") and length < SMALLEST_BELIEVABLE:
            length = None
        found[url] = Enclosure(url, kind, length or None)
    return tuple(found.values())


def number(text: object) -> int | None:
    """A count of bytes or pixels; None for anything else."""
    written = str(text if text is not None else "").strip().removesuffix("px")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 16 else None  # noqa: PLR2004 - what fits in 64 bits


def first_image(markup: str, base: str) -> Image | None:
    """The first real picture in HTML: no tracking pixel, no smiley, no data address."""
    for tag in _IMG.findall(markup):
        values = {
            found[1].lower(): html.unescape(found[2] or found[3] or found[4] or "")
            for found in _ATTRIBUTE.finditer(tag)
        }
        width, height = number(values.get("width")), number(values.get("height"))
        if any(size is not None and size < SMALLEST_PICTURE for size in (width, height)):
            continue
        written = values.get("src", "")
        if not written or written.startswith("data:"):
            written = values.get("data-src") or values.get("data-original") or ""
        url = web_address(written, base)
        if url is not None:
            return Image(url, nfc(values.get("alt", "")).strip(), width, height)
    return None


def image_of(raw: Mapping[str, Any], base: str) -> Image | None:
    """A Media RSS `content` or `thumbnail`, or anything else with `url`, `width`, `height`."""
    url = web_address(raw.get("url") or raw.get("href"), base)
    if url is None:
        return None
    return Image(url, "", number(raw.get("width")) or None, number(raw.get("height")) or None)
