"""What stands in a text as `&…;`, made such that a strict parser takes it. Pure.

A name without its semicolon is not a reference: `?p=9&lang=vi` keeps its parameter.
"""

from __future__ import annotations

import re
from html.entities import html5

from service.parse.repair.repair_names import BAD_REFERENCES, BARE_AMPERSANDS, UNKNOWN_ENTITIES

_DECLARES_ENTITY = re.compile(r"<!ENTITY\s+([^\s%]+)")
_HIGH = r"(?:55(?:29[6-9]|[3-9]\d\d)|56(?:[0-2]\d\d|3[01]\d)|[xX][dD][89abAB][0-9a-fA-F]{2})"
_LOW = (
    r"(?:56(?:3[2-9]\d|[4-9]\d\d)|57(?:[0-2]\d\d|3[0-3]\d|34[0-3])"
    r"|[xX][dD][c-fC-F][0-9a-fA-F]{2})"
)
"""The halves of a character beyond U+FFFF, each written as a reference of its own."""

_REFERENCE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"  # in these an ampersand is a character
    rf"|&(?:#(?P<high>{_HIGH});&#(?P<low>{_LOW});"
    r"|#(?P<number>[0-9]{1,9}|[xX][0-9A-Fa-f]{1,8});|(?P<name>[A-Za-z][A-Za-z0-9._-]{0,31});)?",
    re.DOTALL,
)
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})


def with_proper_references(text: str) -> tuple[str, list[str]]:
    """`&` that begins no reference becomes `&amp;`; HTML's names become characters.

    Two numbers that are the halves of one character become its number.
    """
    own = set(_DECLARES_ENTITY.findall(text[:65536]))
    names: dict[str, None] = {}

    def repair(found: re.Match[str]) -> str:
        repair_name, repaired = _repaired(found, own)
        if repair_name:
            names[repair_name] = None
        return repaired

    return _REFERENCE.sub(repair, text), list(names)


def _repaired(found: re.Match[str], own: set[str]) -> tuple[str, str]:
    """What was wrong with the reference ("" = nothing), and what it should have been."""
    whole, number, name = found[0], found["number"], found["name"]
    if found["high"] is not None:
        high, low = _code(found["high"]), _code(found["low"])
        return BAD_REFERENCES, f"&#{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)};"
    if number is not None:
        return ("", whole) if _is_character(_code(number)) else (BAD_REFERENCES, "")
    if name is not None:
        known = name in _OF_XML or name in own
        return ("", whole) if known else (UNKNOWN_ENTITIES, _spelled_out(name))
    return (BARE_AMPERSANDS, "&amp;") if whole == "&" else ("", whole)


def _spelled_out(name: str) -> str:
    """A name of HTML as numbers; a name that nobody knows as the text that it is."""
    meant = html5.get(f"{name};")
    if meant is None:
        return f"&amp;{name};"
    return "".join(f"&#{ord(character)};" for character in meant)


def _code(number: str) -> int:
    return int(number[1:], 16) if number[0] in "xX" else int(number)


def _is_character(code: int) -> bool:
    return (
        code in {0x9, 0xA, 0xD}
        or 0x20 <= code <= 0xD7FF  # noqa: PLR2004 - the characters of XML 1.0
        or 0xE000 <= code <= 0xFFFD  # noqa: PLR2004
        or 0x10000 <= code <= 0x10FFFF  # noqa: PLR2004
    )
