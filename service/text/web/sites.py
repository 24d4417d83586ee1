"""Which sources belong together when a publisher's server is spared: the site of an address. Pure.

A site is a registrable domain by the Public Suffix List (`vnexpress.net`, `bacninh.gov.vn`, but
`somebody.blogspot.com`), one host of it, or a single source, as `per_site.scope` says.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from yarl import URL

from service.model import Scope
from service.text.web.ip_literal import literal

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def site_of(url: str, scope: Scope = Scope.DOMAIN) -> str:
    """The name under which requests to this address are spaced.

    Addresses of hosts that are not names (IP literals, `localhost`) are sites of their own. What is
    no address is its own site: the client will say what is wrong with it.
    """
    if scope is Scope.SOURCE:
        return url
    try:
        host = (URL(url).raw_host or "").lower().rstrip(".")
    except ValueError:
        return url
    if scope is Scope.HOST:
        return host
    # Two labels are a registrable domain or a suffix: either way the host itself, and the list
    # need not be read.
    if host.count(".") < 2 or literal(host) is not None:  # noqa: PLR2004 - three labels
        return host
    return _registrable(host)


@lru_cache(maxsize=20_000)
def _registrable(host: str) -> str:
    return _suffixes().privatesuffix(host) or host


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    """Read when the first name needs it: 30 ms that a pass over plain names does not pay."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - as above

    return PublicSuffixList()
