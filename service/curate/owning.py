"""Whose an article is that several sources tell: the one's whose host its link names. Pure.

An outlet that lists what another one wrote may answer first. Readers are told whose words they
read and are led to, so the article goes over to its owner as soon as that one tells it; among those
who fit alike it stays with the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from service.text.web.canonical import canonical, is_web

_FETCHED, _HOME, _RELATED, _STRANGE = 3, 2, 1, 0


@dataclass(frozen=True, slots=True)
class SourceAddresses:
    """Where a source stands: the addresses it is fetched from, and those of its home page.

    What the admin wrote into the TOML counts for more than what a document says of itself.
    """

    fetched: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()


def fit(link: str | None, places: SourceAddresses) -> tuple[int, int]:
    """Say how well a source fits a link: larger is better, (0, 0) is not at all.

    By host first: the same one, then one that is part of the other ("giaoduc.a.vn", "a.vn").
    Sources of one host, by how many characters of the link's path they stand under.
    """
    if link is None or not is_web(link):
        return _STRANGE, 0
    host, path = _host_and_path(link)
    level, depth = _STRANGE, 0
    for address, same in (*((one, _FETCHED) for one in places.fetched),
                          *((one, _HOME) for one in places.homes)):  # fmt: skip
        if not is_web(address):
            continue
        other, place = _host_and_path(address)
        if other == host:
            folder = place[: place.rindex("/") + 1] if same == _FETCHED else f"{place.rstrip('/')}/"
            level = max(level, same)
            depth = max(depth, len(folder) if path.startswith(folder) else 0)
        elif host.endswith(f".{other}") or other.endswith(f".{host}"):
            level = max(level, _RELATED)
    return level, depth


def _host_and_path(address: str) -> tuple[str, str]:
    parts = urlsplit(canonical(address))
    return parts.netloc.removeprefix("www."), parts.path or "/"
