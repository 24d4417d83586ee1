"""Addresses as documents write them: made absolute, cleaned of blanks, only of the Web. Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from service.text.web.plain_addresses import PLAIN_ADDRESS

LONGEST = 2000
"""Characters; what is longer is not an address that a reader could open."""

_BREAKS = re.compile(r"[\r\n\t]+")
_BLANK = re.compile(r"[ \x00-\x1f\x7f\u200b\ufeff]")


def web_address(text: object, base: str) -> str | None:
    """`text` read against `base`: an absolute http or https address, None for anything else.

    Line breaks inside are dropped (feeds wrap their links), blanks escaped, as browsers do.
    """
    if not isinstance(text, str):
        return None
    if len(text) <= LONGEST and PLAIN_ADDRESS.fullmatch(text):
        return text
    written = _BREAKS.sub("", text.strip().strip("\ufeff\u200b")).strip()
    if not written or len(written) > LONGEST:
        return None
    written = _BLANK.sub(lambda found: "%20" if found[0] == " " else "", written)
    try:
        absolute = urljoin(base, written)
        parts = urlsplit(absolute)
        proper = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port  # raises for what is not a number
    except ValueError:
        return None
    return absolute if proper else None


def without_feed_scheme(url: str | None) -> str | None:
    """`feed://host/x` and `feed:https://…` are what browsers once made of feed addresses."""
    if url is None:
        return None
    text = url.strip()
    lowered = text.lower()
    if lowered.startswith("feed://"):
        return "http://" + text[7:]
    return text[5:] if lowered.startswith("feed:http") else text
