"""Macros of SPF records (RFC 7208 7): `%{i}._spf.%{d}` and their like, as receivers expand them.

They ask about one mail: its sender, and the address that it comes from. What receivers alone know
(their own name, the relay's HELO, the name that they find for its address) is `UnknownMacroError`.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

_MACRO = re.compile(
    r"%(?:\{(?P<letter>[a-z])(?P<keep>\d{1,3})?(?P<turn>r)?(?P<cut>[.+,/_=-]*)\}|(?P<sign>[%_-]))",
    re.IGNORECASE,
)
_SIGNS = {"%": "%", "_": " ", "-": "%20"}
_LETTERS = frozenset("slodiphv")
_OF_RECEIVERS = frozenset("ph")
_LONGEST = 253
"""Characters of a name in the DNS; of a longer one labels fall away on the left (7.3)."""


class UnknownMacroError(Exception):
    """Only the receiver of a mail can say what it stands for."""


def check(text: str) -> None:
    """Raises ValueError for what is no macro, UnknownMacroError for one of receivers alone."""
    letters = [found["letter"].lower() for found in _MACRO.finditer(text) if found["letter"]]
    if "%" in _MACRO.sub("", text) or not _LETTERS.issuperset(letters):
        raise ValueError(text)
    if any(found["keep"] and not int(found["keep"]) for found in _MACRO.finditer(text)):
        raise ValueError(text)
    if not _OF_RECEIVERS.isdisjoint(letters):
        raise UnknownMacroError(text)


def expand(text: str, sender: str, domain: str, address: IPv4Address | IPv6Address) -> str:
    """The name that it becomes for a mail of `sender` from `address`, in the record of `domain`.

    Raises as `check` does.
    """
    check(text)
    local, _, of = sender.rpartition("@")
    values = {
        "s": sender,
        "l": local,
        "o": of,
        "d": domain,
        "i": _in_labels(address),
        "v": "in-addr" if isinstance(address, IPv4Address) else "ip6",
    }
    return _shortened(_MACRO.sub(lambda found: _expanded(found, values), text))


def _expanded(found: re.Match[str], values: dict[str, str]) -> str:
    if found["sign"]:
        return _SIGNS[found["sign"]]
    parts = re.split(f"[{re.escape(found['cut'] or '.')}]", values[found["letter"].lower()])
    if found["turn"]:
        parts.reverse()
    if found["keep"]:
        parts = parts[-int(found["keep"]) :]
    value = ".".join(parts)
    return quote(value, safe="") if found["letter"].isupper() else value


def _in_labels(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return ".".join(f"{int(address):032x}")


def _shortened(name: str) -> str:
    while len(name) > _LONGEST and "." in name:
        name = name.partition(".")[2]
    return name
