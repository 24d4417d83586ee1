"""Our sign-up form on somebody else's page: what may come from there, and where it may lead. Pure.

A form on a page that is not ours proves nothing: it carries no token, and the browser sends no
cookie of ours with it. So it may do what anybody may do by typing an address into our own page, and
no more (docs/decisions/078).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from urllib.parse import urlsplit

from service.web.forgery import plain_origin

LONGEST = 2000
"""Characters of an address to return to."""

_LANGUAGES = 10
"""Of a browser's languages, so many are looked at."""


def is_known(headers: Mapping[str, str], known: Collection[str]) -> bool:
    """Whether the page with the form belongs to one of the sites in `signup.embed`.

    A browser writes the header Origin by itself and no page can forge it; "null", of a page that
    hides where it stands, is nobody's.
    """
    return plain_origin(headers.get("origin", "")) in known


def return_address(wanted: str, known: Collection[str]) -> str | None:
    """The address to go on to after the sign-up; None: there is none, or it leads elsewhere.

    Only whole addresses on a site in `signup.embed`: an open redirect would lend our name to
    anybody's page.
    """
    if not 0 < len(wanted) <= LONGEST or not wanted.isascii() or not wanted.isprintable():
        return None
    if "\\" in wanted or " " in wanted:
        return None  # a browser reads a backslash as a slash
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return None
    if "@" in parts.netloc or plain_origin(f"{parts.scheme}://{parts.netloc}") not in known:
        return None
    return wanted


def origin_of(address: str) -> str:
    """SCHEME://HOST of an address that `return_address` let pass."""
    parts = urlsplit(address)
    return plain_origin(f"{parts.scheme}://{parts.netloc}")


def language_of(said: str, accepted: str, speaks: Callable[[str], bool]) -> str | None:
    """The reader's language: what the form says, else the first of the browser's that is spoken.

    `accepted` is Accept-Language. None: neither has words here.
    """
    return next((one for one in (said, *_preferred(accepted)) if one and speaks(one)), None)


def _preferred(accepted: str) -> list[str]:
    """The tags of Accept-Language, the dearest first; what is refused (q=0) is left out."""
    weighed = []
    for place, part in enumerate(accepted.split(",", _LANGUAGES)[:_LANGUAGES]):
        tag, _, parameter = part.partition(";")
        weight = _weight(parameter)
        if weight > 0:
            weighed.append((-weight, place, tag.strip()))
    return [tag for _, _, tag in sorted(weighed)]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value) if value.isascii() else 0.0
    except ValueError:
        return 0.0
