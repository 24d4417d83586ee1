"""Which addresses must not be entered: pure judgement of an IP address, whatever it hides in.

Text names prove nothing (decimal hosts, full-width digits, a resolver that answers twice), so the
client judges the address that a socket is about to connect to. The judgement of names here only
gives an earlier and plainer refusal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from service.text.web.ip_literal import Address, literal

Networks = tuple[IPv4Network | IPv6Network, ...]

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)  # the middle of the interface id, before the IPv4 address
_GLOBAL_V6 = IPv6Network("2000::/3")

# Networks that `is_global` of some Python versions lets through, with what they are.
_SPECIAL: tuple[tuple[IPv4Network | IPv6Network, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "means 'this host'"),
        ("100.64.0.0/10", "belongs to a carrier's shared network"),
        ("192.0.0.0/24", "is reserved for protocols"),
        ("192.88.99.0/24", "is a relay of an old IPv6 tunnel"),
        ("198.18.0.0/15", "is reserved for benchmarks"),
        ("240.0.0.0/4", "is reserved"),
        ("2001::/23", "is reserved for protocols"),
        ("2001:db8::/32", "is reserved for documentation"),
        ("3fff::/20", "is reserved for documentation"),
    )
)

CLOSED_PORTS = frozenset(
    int(port)
    for port in re.findall(
        r"\d+",
        "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 "
        "111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 "
        "532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 "
        "5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080",
    )
)
"""Where mail, shells and the like are served: the Fetch standard's "bad ports", which browsers
refuse too. A request for a page may be read as a command there."""

_KINDS: tuple[tuple[Callable[[Address], bool], str], ...] = (
    (lambda address: address.is_loopback, "is this machine itself"),
    (lambda address: address.is_unspecified, "means 'this host'"),
    (lambda address: address.is_multicast, "is a multicast address"),
    (lambda address: address.is_link_local, "is a link-local address"),
    (
        lambda address: isinstance(address, IPv6Address) and address not in _GLOBAL_V6,
        "is not a public address",
    ),
)


def networks(texts: Iterable[str]) -> Networks:
    """Read `collect.allow_networks`: CIDR texts. Raises ValueError that names the wrong one."""
    return _networks(tuple(texts))


@lru_cache(maxsize=64)
def _networks(texts: tuple[str, ...]) -> Networks:
    read = []
    for text in texts:
        try:
            read.append(ip_network(text))
        except ValueError as error:
            raise ValueError(f"{text!r} is not a network: {error}") from None
    return tuple(read)


@lru_cache(maxsize=4096)  # each fetch asks twice, for its name and for its socket
def forbidden(address: str, allowed: Networks = ()) -> str | None:
    """Why `address` (as a socket names it) must not be entered; None when it may.

    Addresses that carry an IPv4 address inside are judged by what they carry as well. `allowed`
    are the networks that the configuration opens.
    """
    try:
        outer = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address!r} is not an IP address"
    inner = _carried(outer)
    if within(address, allowed):
        return None
    why = None if inner is None else _why_not(inner)
    if why is not None:
        return f"{outer} carries {inner}, which {why}"
    # Behind a translator the outer address is only an envelope; ISATAP keeps a prefix of its own.
    if inner is not None and not _is_isatap(outer):
        return None
    why = _why_not(outer)
    return None if why is None else f"{outer} {why}"


def within(address: str, allowed: Networks) -> bool:
    """Whether an address, or the IPv4 address that it carries, stands in one of the networks."""
    try:
        outer = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _carried(outer)
    judged = (outer,) if inner is None else (inner, outer)
    return any(one in network for one in judged for network in allowed)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name: loopback literals, `localhost`, `*.localhost`."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = literal(host)
    if address is None:
        return False
    return (_carried(address) or address).is_loopback


def closed(host: str, allowed: Networks) -> str | None:
    """Why a host can never be entered, by its spelling alone; None: it may be, as far as one sees.

    Nothing is looked up: names are left to the socket.
    """
    address = literal(host)
    if address is not None:
        return forbidden(str(address), allowed)
    if not is_loopback(host):
        return None
    # The name has an address of each kind; one of them is enough.
    ways = [forbidden(one, allowed) for one in ("127.0.0.1", "::1")]
    return None if None in ways else f"{host} is this machine itself"


def is_inside(host: str, allowed: Networks) -> bool:
    """Whether a host stands in one of the networks by its spelling. Nothing is looked up."""
    address = literal(host)
    own = ["127.0.0.1", "::1"] if is_loopback(host) else []
    ways = own if address is None else [str(address)]
    return any(within(one, allowed) for one in ways)


def own_networks(host: str) -> tuple[str, ...]:
    """What `allow_networks` must hold for a host that is closed by its spelling; () for others.

    Its own address alone: nothing around it is opened.
    """
    if closed(host, ()) is None:
        return ()
    address = literal(host)
    return ("127.0.0.1", "::1") if address is None else (str(address),)


def opening(host: str) -> str:
    """What would open a closed host, for the admin who reads why it is closed."""
    networks = ", ".join(f'"{one}"' for one in own_networks(host)) or '"…"'
    return f"open its network: allow_networks = [{networks}], in [collect] or in the source"


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address may end at, None if it carries none."""
    if not isinstance(address, IPv6Address):
        return None
    number = int(address)
    last = IPv4Address(number & 0xFFFFFFFF)
    if address.ipv4_mapped is not None or any(address in network for network in _NAT64):
        return last
    if address in _COMPATIBLE and number > 1:
        return last
    if address in _SIX_TO_FOUR:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return last if _is_isatap(address) else None


def _is_isatap(address: Address) -> bool:
    return isinstance(address, IPv6Address) and (int(address) >> 32) & 0xFFFFFFFF in _ISATAP


def _why_not(address: Address) -> str | None:
    for is_one, what in _KINDS:
        if is_one(address):
            return what
    return next((what for network, what in _SPECIAL if address in network), None) or (
        None if address.is_global else "stands in a private network"
    )
