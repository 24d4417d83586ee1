"""The Link header (RFC 8288): which addresses an answer names, and as what. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin

MOST = 50
"""Links of one header that are looked at. Honest ones name a handful."""

_NAME = r"[\w!#$&+.^`|~*-]+"
_VALUE = r"(?:\"(?:[^\"\\]|\\.)*\"|[^\s\",;]+)"
_LINK = re.compile(rf"[\s,]*<([^<>]{{0,2000}})>((?:\s*;\s*{_NAME}(?:\s*=\s*{_VALUE})?)*)")
_PARAMETER = re.compile(rf";\s*({_NAME})(?:\s*=\s*({_VALUE}))?")
# Neither has two ways to read the same blanks: a header of nothing else takes no time.


@dataclass(frozen=True, slots=True)
class HeaderLink:
    """`url` is absolute; `rels` in small letters."""

    url: str
    rels: frozenset[str]


def links(value: str, base: str) -> list[HeaderLink]:
    """The links of a header's value that speak of the document itself, in order.

    `base`: the address that answered. A link with an `anchor` elsewhere says nothing of it. What
    cannot be read is left out.
    """
    return list(_links(value, base))


def _links(value: str, base: str) -> Iterator[HeaderLink]:
    at = 0
    for _ in range(MOST):
        found = _LINK.match(value, at)
        if found is None:
            comma = value.find(",", at)  # a link that cannot be read costs only itself
            if comma < 0:
                return
            at = comma + 1
            continue
        at = found.end()
        said: dict[str, str] = {}
        for name, written in _PARAMETER.findall(found[2]):
            said.setdefault(name.lower(), _unquoted(written))
        try:
            url = urljoin(base, found[1].strip())
            here = urldefrag(urljoin(base, said["anchor"])).url if "anchor" in said else None
        except ValueError:
            continue
        if here in {None, urldefrag(base).url}:
            yield HeaderLink(url, frozenset(said.get("rel", "").lower().split()))


def _unquoted(written: str) -> str:
    return re.sub(r"\\(.)", r"\1", written[1:-1]) if written.startswith('"') else written
