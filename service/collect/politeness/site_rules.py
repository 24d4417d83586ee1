"""What the TOML says about asking one source: its site, the gap there, the networks it may be in.

A key of the source wins over the one of [collect].
"""

from __future__ import annotations

from yarl import URL

from service.collect.politeness.rate_limit import NO_GAP, Gap
from service.config.schema import Collect, Source
from service.net import guard
from service.text.web.sites import site_of


def allowed(source: Source, collect: Collect) -> tuple[str, ...]:
    """CIDR texts of the private networks that it may stand in."""
    own = source.allow_networks
    return collect.allow_networks if own is None else own


def site(source: Source, collect: Collect, url: str) -> str:
    """The name under which requests to `url` are spaced, and which rests as a whole after a 429.

    Servers of this machine are no one site, unless the source says so itself (CONTRACT).
    """
    if source.per_site is None and is_own_machine(url):
        return url
    return site_of(url, (source.per_site or collect.per_site).scope)


def gap(source: Source, collect: Collect, url: str) -> Gap:
    """Loopback is not spaced unless the source says so itself (CONTRACT)."""
    if source.per_site is None and is_own_machine(url):
        return NO_GAP
    told = source.per_site or collect.per_site
    return Gap(told.delay.total_seconds(), told.connections)


def is_own_machine(url: str) -> bool:
    """Whether the address is loopback, which is not spaced unless its source says so itself."""
    try:
        return guard.is_loopback(URL(url).host or "")
    except ValueError:
        return False
