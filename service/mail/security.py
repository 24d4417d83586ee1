"""How a relay or a mailbox is reached: its security and its port, each following from the other."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address

from service.config.schema import Imap, Relay

_TLS_PORT = 465
_IMAP_TLS_PORT, _IMAP_PORT = 993, 143


class Security(StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its name alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def security(relay: Relay) -> Security:
    """As it is written; else port 465 means TLS, others STARTTLS, on loopback plain."""
    if relay.security is not None:
        return Security(relay.security)
    if relay.port == _TLS_PORT:
        return Security.TLS
    return Security.PLAIN if is_loopback(relay.host) else Security.STARTTLS


def port(relay: Relay) -> int:
    """The port as written; else TLS 465, STARTTLS 587, plain 25."""
    by_security = {Security.TLS: _TLS_PORT, Security.STARTTLS: 587, Security.PLAIN: 25}
    return relay.port or by_security[security(relay)]


def imap_security(imap: Imap) -> Security:
    """As it is written; else port 143 means STARTTLS, others TLS, on loopback plain."""
    if imap.security is not None:
        return Security(imap.security)
    if imap.port == _IMAP_TLS_PORT or (imap.port is None and not is_loopback(imap.host)):
        return Security.TLS
    if is_loopback(imap.host):
        return Security.PLAIN
    return Security.STARTTLS if imap.port == _IMAP_PORT else Security.TLS


def imap_port(imap: Imap) -> int:
    """The port as written; else TLS 993, others 143."""
    by_security = {Security.TLS: _IMAP_TLS_PORT}
    return imap.port or by_security.get(imap_security(imap), _IMAP_PORT)
