"""The site's logo: which pictures every mail program shows, and how large it stands in a mail.

It travels inside the mail, so that nothing is loaded when it is opened and nobody is counted.
`read` is pure; `logo_of` reads the file that `[branding] logo` names.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MOST_BYTES = 40_000
"""Every mail carries it, a third larger still: a hundred thousand readers are five gigabytes."""

MOST_PIXELS = 2000
"""A side that no logo needs; mail programs unpack a picture before they make it smaller."""

WIDEST, HIGHEST = 240, 48
"""The room that it has in a mail. Twice as many pixels look sharp on good screens."""

_PICTURE = re.compile(r'<img\b[^>]*\bsrc="cid:([^"]*)"[^>]*>')
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive: what all can decode
_OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER, _FILLING, _ALONE = 0xFF, 0xFF, frozenset({0x01, *range(0xD0, 0xD8)})  # without a length
_LENGTH, _FRAME = 4, 10  # bytes from a marker on: with its length; with what a frame says
_GIF = 14
_OTHERS = ((b"RIFF", "WebP"), (b"<svg", "SVG"), (b"<?xml", "SVG"), (b"\0\0\0", "AVIF or HEIC"))

RIGHT = "save it as PNG, JPEG or GIF, which Outlook and Gmail show"


class LogoError(ValueError):
    """A file that cannot be the logo of a mail. `remedy`: what would be right."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


@dataclass(frozen=True)
class Logo:
    """A picture that goes into mails. `kind`: png, jpeg or gif; `width` and `height`: as shown."""

    data: bytes
    kind: str
    width: int
    height: int

    @cached_property
    def cid(self) -> str:
        """What the HTML part names it by: it changes with the bytes."""
        return f"logo-{hashlib.sha256(self.data).hexdigest()[:24]}@bantin"


def read(data: bytes) -> Logo:
    """The logo in these bytes. Raises LogoError."""
    if len(data) > MOST_BYTES:
        problem = f"has {len(data):,} bytes, and every mail would carry it"
        raise LogoError(problem, f"at most {MOST_BYTES:,}: {2 * WIDEST} pixels wide are enough")
    kind, width, height = _measured(data)
    if not 0 < width <= MOST_PIXELS or not 0 < height <= MOST_PIXELS:
        right = f"at most {MOST_PIXELS} pixels a side; {2 * WIDEST} by {2 * HIGHEST} are enough"
        raise LogoError(f"is {width} by {height} pixels", right)
    share = min(1.0, WIDEST / width, HIGHEST / height)
    return Logo(data, kind, max(1, round(width * share)), max(1, round(height * share)))


def logo_of(root: Path, name: str | None) -> Logo | None:
    """The logo that stands in this file; None: there is none, or it cannot be read or shown.

    `bantin check` and starting tell what is wrong with it; a mail does not wait for a picture.
    """
    if name is None:
        return None
    try:
        return read_file(root / name)
    except (OSError, ValueError):
        return None


def read_file(path: Path) -> Logo:
    """The logo in a file, of which no more is read than a logo may have. Raises OSError."""
    with path.open("rb") as file:
        return read(file.read(MOST_BYTES + 1))


def without_missing(html: str, logo: Logo | None) -> str:
    """The HTML part without pictures that its mail does not carry.

    A mail that was rendered before the logo was changed or taken away names one that is gone; the
    site's name stands beside it.
    """
    if 'src="cid:' not in html:
        return html
    kept = None if logo is None else logo.cid
    return _PICTURE.sub(lambda found: found[0] if found[1] == kept else "", html)


def _measured(data: bytes) -> tuple[str, int, int]:
    """Kind, width and height, from the file's own head."""
    if data.startswith(_PNG):
        return ("png", *_png(data))
    if data.startswith(_JPEG):
        return ("jpeg", *_jpeg(data))
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        if len(data) < _GIF or not data.rstrip(b"\0").endswith(b";"):
            raise LogoError("is a GIF that breaks off", "save it again")
        return ("gif", *struct.unpack_from("<HH", data, 6))
    head = data[:200].lstrip().lower()
    other = next((name for start, name in _OTHERS if head.startswith(start.lower())), "")
    raise LogoError(f"is {other}" if other else "is no picture that mail programs know", RIGHT)


def _png(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or b"IEND" not in data[-16:]:
        raise LogoError("is a PNG that breaks off", "save it again")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    """From the frame's own header, which stands behind any number of other segments."""
    at = len(_JPEG)
    broken = LogoError("is a JPEG that breaks off", "save it again")
    if _JPEG_END not in data[-64:]:
        raise broken
    while at + _LENGTH <= len(data) and data[at] == _MARKER:
        marker = data[at + 1]
        if marker == _FILLING or marker in _ALONE:
            at += 1 if marker == _FILLING else 2
            continue
        length = int.from_bytes(data[at + 2 : at + _LENGTH])
        if length == 0:
            break
        if marker in _FRAMES and at + _FRAME <= len(data):
            height, width, colours = struct.unpack_from(">HHB", data, at + 5)
            if colours not in {1, 3}:
                raise LogoError("is a JPEG in the colours of print (CMYK)", "save it in RGB")
            return width, height
        if marker in _OTHER_FRAMES:
            raise LogoError("is a JPEG of a kind that mail programs do not know", RIGHT)
        at += 2 + length
    raise broken
