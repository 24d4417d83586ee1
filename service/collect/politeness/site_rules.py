"""What the TOML says about asking one source: its site, the gap there, networks and access.

A key of the source wins over the one of [collect].
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from yarl import URL

from service.collect.politeness.access import access_of
from service.collect.politeness.rate_limit import NO_GAP, Gap
from service.config.schema import Collect, Settings, Source
from service.net import guard
from service.net.access import Access
from service.text.web.sites import site_of


@dataclass(frozen=True, slots=True)
class SiteRules:
    """How the servers of one source are asked."""

    source: Source
    collect: Collect

    @property
    def allowed(self) -> tuple[str, ...]:
        """CIDR texts of the private networks that it may stand in."""
        own = self.source.allow_networks
        return self.collect.allow_networks if own is None else own

    def enters(self, url: str) -> bool:
        """Whether these networks are open to an address that a document of the source names.

        A stranger may have written it. So on the source's own site, or if the source's own address
        says that it stands inside.
        """
        own = self.source.url
        if site_of(own) == site_of(url):
            return True
        host = urlsplit(own).hostname or ""
        return guard.is_inside(host, guard.networks(self.allowed))

    @property
    def access(self) -> Access | None:
        """How it is reached; None: as everybody is."""
        return access_of(self.source, self.collect)

    def site(self, url: str) -> str:
        """The name under which requests to `url` are spaced, and which rests as a whole on a 429.

        Servers of this machine are no one site, unless the source says so itself.
        """
        if self._is_unspaced(url):
            return url
        return site_of(url, (self.source.per_site or self.collect.per_site).scope)

    def gap(self, url: str) -> Gap:
        """Loopback is not spaced unless the source says so itself."""
        if self._is_unspaced(url):
            return NO_GAP
        told = self.source.per_site or self.collect.per_site
        return Gap(told.delay.total_seconds(), told.connections)

    def _is_unspaced(self, url: str) -> bool:
        return self.source.per_site is None and is_own_machine(url)


def rules_of(settings: Settings, name: str) -> SiteRules:
    """The rules for a source of the TOML."""
    return SiteRules(settings.source[name], settings.collect)


def is_own_machine(url: str) -> bool:
    """Whether the address is loopback, which is not spaced unless its source says so itself."""
    try:
        return guard.is_loopback(URL(url).host or "")
    except ValueError:
        return False
