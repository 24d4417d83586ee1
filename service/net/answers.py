"""What comes back from a server, and where it sends us: shapes and pure readings of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from yarl import URL

from service.errors import FetchError

NOT_MODIFIED = 304
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_FIRST_WINS = frozenset({"etag", "last-modified", "content-type", "content-location", "location"})

_PROPER = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=])+")


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect: the status that sent us on, and where to.

    `asked`: the address that answered so; `link`: its Link header. Neither is part of what it is.
    """

    status: int
    url: str
    asked: str = field(default="", compare=False)
    link: str = field(default="", compare=False)

    @property
    def is_permanent(self) -> bool:
        """301 and 308 speak of all times to come; 302, 303 and 307 of this one."""
        return self.status in _PERMANENT


def moved_to(hops: Sequence[Hop]) -> str | None:
    """Where a chain leads in which every step is for good; one that is not may change tomorrow."""
    return hops[-1].url if hops and all(hop.is_permanent for hop in hops) else None


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered: 2xx, or 304 with an empty body.

    `headers` has lower-case names; `raw` the same as the bytes that came. `url` is where the answer
    came from in the end, without name and password. `inside`: from a network that was opened.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    redirects: tuple[Hop, ...] = ()
    raw: Mapping[str, bytes] | None = None
    inside: bool = False

    @property
    def etag(self) -> bytes | None:
        """Byte-exact, with its quotes."""
        return (self.raw or {}).get("etag") or None

    @property
    def last_modified(self) -> bytes | None:
        return (self.raw or {}).get("last-modified") or None


def is_welcome(status: int) -> bool:
    """Success, or the answer to a conditional question. All else is an error or a redirect."""
    return status == NOT_MODIFIED or HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _url(text: str) -> URL:
    """Kept as it is written when it is a proper address: some servers sign every character."""
    return URL(text, encoded=_PROPER.fullmatch(text) is not None)


def address(text: str) -> URL:
    try:
        url = _url(text.strip())
    except (ValueError, UnicodeError) as error:
        raise FetchError(f"not an address of the Web: {text[:200]!r}") from error
    return _web(url, text)


def _web(url: URL, text: str) -> URL:
    if url.scheme not in {"http", "https"}:
        raise FetchError(f"not an address of the Web: {text[:200]!r}; it must be http or https")
    if not url.host:
        raise FetchError(f"an address without a host: {text[:200]!r}")
    return url


def target(answer: aiohttp.ClientResponse) -> URL | None:
    """Where a redirect leads; None when the answer is none. A password in it is dropped."""
    if answer.status not in _REDIRECTS:
        return None
    place = answer.headers.get("Location", "").strip()
    if not place:
        raise FetchError(f"a redirect ({answer.status}) that leads nowhere")
    try:
        found = answer.url.join(_url(place)).with_fragment(None)
    except (ValueError, UnicodeError) as error:
        raise FetchError(
            f"a redirect to something that is not an address: {place[:200]!r}"
        ) from error
    found = _web(found, str(found))
    return found.with_user(None) if found.user or found.password else found


def joined(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, bytes]:
    """Lower-case name -> value; repeated fields joined by a comma, except where one counts."""
    joined: dict[str, bytes] = {}
    for raw_name, value in pairs:
        name = raw_name.decode("latin-1").lower()
        if name not in joined:
            joined[name] = value
        elif name not in _FIRST_WINS:
            joined[name] += b", " + value
    return joined
