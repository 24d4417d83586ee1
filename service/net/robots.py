"""What a robots.txt lets our reader do (RFC 9309, with wildcards and Crawl-delay). Pure."""

from __future__ import annotations

from functools import lru_cache

from protego import Protego
from yarl import URL

TOKEN = "bantin"  # noqa: S105 - no password
"""Our product token: the first word of the User-Agent, by which a robots.txt speaks to us."""

LARGEST = 500 * 1024
"""Bytes that are read, as the rule says at least; what stands behind them does not count."""

LONGEST_DELAY_S = 3600.0
"""Of a Crawl-delay. Beyond it robots.txt has a slip of the keyboard, or means to let nobody in,
which it can say."""


def address(url: str) -> str:
    """Where the rules for this address stand. Raises ValueError for what is not an address."""
    return str(URL(url).origin().with_path("/robots.txt"))


def text(body: bytes) -> str:
    """The rules as they are kept: UTF-8, whatever else stands in them dropped."""
    return body[:LARGEST].decode("utf-8-sig", "ignore").replace("\0", "")


def allows(rules: str, url: str) -> bool:
    """Whether we may ask for this address."""
    return _read(rules).can_fetch(url, TOKEN)


def delay_s(rules: str) -> float:
    """Seconds between two requests that the rules ask of us; 0: they do not say.

    LONGEST_DELAY_S at most: it holds for the site's feeds as well, which a slip would silence.
    """
    asked = _read(rules).crawl_delay(TOKEN) or 0.0
    return min(asked, LONGEST_DELAY_S) if asked > 0 else 0.0


@lru_cache(maxsize=256)
def _read(rules: str) -> Protego:
    return Protego.parse(rules)
