"""How one source is reached: what it alone is told, over which proxy, with which TLS. Values.

What is told to a source belongs to its origin (scheme, host, port). The client compares before
each request, so that no redirect and no link carries a login anywhere else.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from yarl import URL

from service.config.values import Secret


@dataclass(frozen=True, slots=True)
class Route:
    """The way by which a connection is made. Connections of two ways are never shared.

    `proxy`: `http://host:port`, `proxy_auth` its Proxy-Authorization. `legacy`: TLS 1.0 and weak
    ciphers too. `ca`: path of certificates (PEM) that are trusted besides the system's.
    """

    proxy: str | None = None
    proxy_auth: Secret | None = None
    legacy: bool = False
    ca: str | None = None


DIRECT = Route()


@dataclass(frozen=True, slots=True)
class Access:
    """How a source is asked. `headers` (name, value) go to `origin` alone."""

    origin: str
    headers: tuple[tuple[str, Secret], ...] = ()
    route: Route = DIRECT

    def told_to(self, url: URL) -> dict[str, str]:
        """The headers for one request; none for another origin."""
        if not self.is_home(url):
            return {}
        return {name: value.reveal() for name, value in self.headers}

    def is_home(self, url: URL) -> bool:
        return origin_of(url) == self.origin


def origin_of(url: URL) -> str:
    """`https://tin.example.vn:443`, the port always written."""
    return f"{url.scheme}://{(url.host or '').lower().rstrip('.')}:{url.port}"


def basic(username: str, password: str) -> Secret:
    """The value of Authorization or Proxy-Authorization (RFC 7617, UTF-8)."""
    return Secret("Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())
