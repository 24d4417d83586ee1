"""Did this form come from our own page? Pure.

Browsers say where a request comes from: Sec-Fetch-Site, else Origin. What comes from elsewhere is
refused. Beside that a form carries a token: that of its subscription, which stands in its address,
or one that belongs to the sign-up cookie.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from urllib.parse import urlsplit

_PORTS = {"http": ":80", "https": ":443"}


class Comes(Enum):
    """Where a request comes from, as far as it says."""

    FROM_US = "from us"
    FROM_ELSEWHERE = "from elsewhere"
    UNSAID = "unsaid"


def comes(headers: Mapping[str, str], origin: str, base_url: str | None) -> Comes:
    """`origin` is ours as the visitor's browser sees it; `base_url` is the configured one.

    Both are accepted, for a proxy may hand on neither host nor scheme.
    """
    site = headers.get("sec-fetch-site", "").lower()
    if site:
        # "none": typed or restored by the person, not caused by another page.
        return Comes.FROM_US if site in {"same-origin", "none"} else Comes.FROM_ELSEWHERE
    said = headers.get("origin")
    if said is None:
        return Comes.UNSAID
    ours = {plain_origin(origin)} | ({plain_origin(base_url)} if base_url else set())
    return Comes.FROM_US if plain_origin(said) in ours else Comes.FROM_ELSEWHERE


def is_prefetch(headers: Mapping[str, str]) -> bool:
    """Whether a browser fetches ahead of any click: that is nobody's yes."""
    purpose = headers.get("sec-purpose", "") + headers.get("purpose", "")
    return "prefetch" in (purpose + headers.get("x-moz", "")).lower()


def plain_origin(origin: str) -> str:
    """Scheme and host in lower case, without a port that goes without saying."""
    try:
        parts = urlsplit(origin)
        scheme, host = parts.scheme.lower(), parts.netloc.lower()
    except ValueError:
        return ""
    return f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ' '))}"
