"""IP addresses in place of a host's name, in any spelling that resolvers take. Pure."""

from __future__ import annotations

import socket
import unicodedata
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


@lru_cache(maxsize=4096)
def literal(host: str) -> Address | None:
    """The address that a host name spells, in any spelling that resolvers take; None for a name.

    `127.1`, `2130706433`, `0x7f.0.0.1`, `[::1]` and full-width digits are addresses too.
    """
    text = unicodedata.normalize("NFKC", host).replace("。", ".").strip("[]").rstrip(".")
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        pass
    if not text or any(char.isspace() for char in text):
        return None
    try:
        return IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):  # ValueError: characters beyond ASCII
        return None
