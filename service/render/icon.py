"""Draws the neutral icon that stands until there is one of the site's own: a sheet of news.

    python -m service.render.icon templates/assets

writes icon-512.png, icon-144.png and favicon.ico anew. They are kept with the code, so that nothing
is drawn while the service runs.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

Colour = tuple[int, int, int]

_GROUND: Colour = (55, 71, 90)
_PAPER: Colour = (255, 255, 255)
_QUIET: Colour = (176, 188, 203)

# left, top, right, bottom and radius as shares of the side; what comes later lies on top.
_SHAPES: tuple[tuple[float, float, float, float, float, Colour], ...] = (
    (0.00, 0.00, 1.00, 1.00, 0.18, _GROUND),
    (0.17, 0.19, 0.83, 0.34, 0.02, _PAPER),
    (0.17, 0.43, 0.45, 0.81, 0.02, _PAPER),
    (0.54, 0.43, 0.83, 0.515, 0.02, _QUIET),
    (0.54, 0.5775, 0.83, 0.6625, 0.02, _QUIET),
    (0.54, 0.725, 0.83, 0.81, 0.02, _QUIET),
)
_SAMPLES = 4
"""Points looked at along each side of a pixel: edges are smooth."""

_PNG = b"\x89PNG\r\n\x1a\n"


def png(size: int) -> bytes:
    """The icon as a PNG of `size` pixels a side, with transparent corners."""
    rows = b"".join(b"\0" + row for row in _rows(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    data = zlib.compress(rows, 9)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def ico(*sizes: int) -> bytes:
    """The icon as one ICO file that holds a PNG of each size."""
    images = [png(size) for size in sizes]
    place = 6 + 16 * len(images)
    entries = b""
    for size, image in zip(sizes, images, strict=True):
        entries += struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(image), place)
        place += len(image)
    return struct.pack("<HHH", 0, 1, len(images)) + entries + b"".join(images)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def _rows(size: int) -> Iterator[bytes]:
    step = 1 / (size * _SAMPLES)
    points = [(number + 0.5) * step for number in range(size * _SAMPLES)]
    for top in range(0, len(points), _SAMPLES):
        lines = points[top : top + _SAMPLES]
        yield b"".join(
            _pixel(points[left : left + _SAMPLES], lines)
            for left in range(0, len(points), _SAMPLES)
        )


def _pixel(across: list[float], down: list[float]) -> bytes:
    corners = {_at(x, y) for y in (down[0], down[-1]) for x in (across[0], across[-1])}
    seen = list(corners) if len(corners) == 1 else [_at(x, y) for y in down for x in across]
    inside = [colour for colour in seen if colour is not None]
    if not inside:
        return b"\0\0\0\0"
    mean = (round(sum(colour[part] for colour in inside) / len(inside)) for part in range(3))
    return bytes((*mean, round(255 * len(inside) / len(seen))))


def _at(x: float, y: float) -> Colour | None:
    for left, top, right, bottom, radius, colour in reversed(_SHAPES):
        # How far the point lies beyond the rectangle that is smaller by the radius.
        aside = max(left + radius - x, x - right + radius, 0)
        above = max(top + radius - y, y - bottom + radius, 0)
        if aside * aside + above * above <= radius * radius:
            return colour
    return None


def write(folder: Path) -> None:
    """Draw all that pages and feeds refer to."""
    for size in (512, 144):
        (folder / f"icon-{size}.png").write_bytes(png(size))
    (folder / "favicon.ico").write_bytes(ico(16, 32, 48))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
