"""Whether a colour can be read on another, and what to do where it cannot. Pure.

Colours are "#rrggbb". Contrast is that of WCAG 2: 1 (the same) to 21 (black on white).
"""

from __future__ import annotations

import re
from functools import lru_cache

WHITE, BLACK = "#ffffff", "#000000"
DARK_GROUND = "#1d2125"
"""The lighter of the two grounds that pages have in the dark; site.css names both."""

READABLE = 4.5
"""The contrast that WCAG 2 AA asks of text of normal size."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 50
_LINEAR_UNDER = 0.04045  # sRGB is linear below it


def is_colour(text: str) -> bool:
    """Whether the text is a colour in the one form that we take."""
    return _COLOUR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """1 to 21. Both must be colours (`is_colour`)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(colour: str, ground: str) -> str:
    """The colour, as little lightened as it takes to be read on a dark ground."""
    return _towards(WHITE, colour, ground)


def readable_on_white(colour: str) -> str:
    """The colour, as little darkened as it takes to be read on white."""
    return _towards(BLACK, colour, WHITE)


@lru_cache(256)  # a site has a few colours, and each mail asks for them anew
def _towards(end: str, colour: str, ground: str) -> str:
    for step in range(_STEPS):
        mixed = _mix(colour, end, step / _STEPS)
        if contrast(mixed, ground) >= READABLE:
            return mixed
    return end


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= _LINEAR_UNDER else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
