"""Finds the visitor: the peer itself, or the one that a trusted proxy forwards. Pure.

X-Forwarded-For, -Proto and -Host are believed from `web.trusted_proxies` alone. Of a chain the
last address that is not a proxy of ours counts: all before it can be invented by the visitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_IPV6_SITE = 64


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's origin. `address` None: a Unix socket or a test without one.

    `scheme` and `host` are those in the visitor's browser as far as we can know; `host` has its
    port.
    """

    address: Address | None
    scheme: str
    host: str

    @property
    def origin(self) -> str:
        """The origin as browsers write it: "https://tin.example.vn"."""
        return f"{self.scheme}://{self.host}".lower()

    @property
    def key(self) -> str:
        """The key to count sign-ups by: an IPv4 address, or an IPv6 site, which has 2^64."""
        return str(self.address) if self.address is None else site_of(self.address)


def visitor(
    peer: str | None, scheme: str, headers: Mapping[str, str], trusted: Sequence[str]
) -> Visitor:
    """From a connection and its headers (names in lower case, several joined by commas)."""
    peer_address = address_of(peer or "")
    host = headers.get("host", "").strip()
    if peer_address is None or not _is_in(peer_address, tuple(trusted)):
        return Visitor(peer_address, scheme, host)
    chain = [part for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
    return Visitor(
        address=_last_outside(chain, tuple(trusted)) or peer_address,
        scheme=_scheme(headers.get("x-forwarded-proto", "")) or scheme,
        host=_last(headers.get("x-forwarded-host", "")) or host,
    )


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as they came, names in lower case, several of one name joined by commas.

    Goes through them once: there may be thousands, from a visitor who wants us to be busy.
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return {
        name.decode("latin-1"): b",".join(values).decode("latin-1")
        for name, values in found.items()
    }


def site_of(address: Address) -> str:
    """The key by which visitors are counted: an IPv4 address, or an IPv6 site, which has 2^64."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_SITE), strict=False))
    return str(address)


def is_in(peer: str, networks: Sequence[str]) -> bool:
    """Whether an address as a socket gives it lies in one of the networks."""
    address = address_of(peer)
    return address is not None and _is_in(address, tuple(networks))


def _last_outside(chain: Sequence[str], trusted: tuple[str, ...]) -> Address | None:
    for part in reversed(chain):
        address = address_of(part.strip())
        if address is None:
            return None  # no proxy of ours writes such a thing
        if not _is_in(address, trusted):
            return address
    return None


def _scheme(value: str) -> str | None:
    last = _last(value).lower()
    return last if last in {"http", "https"} else None


def _last(value: str) -> str:
    return value.rpartition(",")[2].strip()


def address_of(text: str) -> Address | None:
    """Also of "1.2.3.4:5678" and "[::1]:5678", as some proxies write; mapped IPv4 as IPv4.

    None for what is not an address.
    """
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def _is_in(address: Address, networks: tuple[str, ...]) -> bool:
    return any(address in ip_network(network, strict=False) for network in networks)
