"""How connections by TLS are made: small, for servers of old weaker, always with a certificate."""

from __future__ import annotations

import ssl
from asyncio import sslproto

from service.errors import FetchError

_LEGACY_SERVER_CONNECT = 0x4
"""OpenSSL's SSL_OP_LEGACY_SERVER_CONNECT: servers without RFC 5746. Python names it from 3.12."""

_WEAK = "DEFAULT:!aNULL:!eNULL:@SECLEVEL=0"
"""Small Diffie-Hellman groups, SHA-1 signatures, old ciphers; never one without a server's proof.

TLS 1.0 signs with MD5 and SHA-1 together, which OpenSSL 3 allows at level 0 alone.
"""

BUFFER_BYTES = 64 * 1024
"""What a connection keeps for what comes: four times the longest record."""


def keep_buffers_small() -> None:
    """For all connections of this process from now on.

    asyncio gives each 256 KB: 385 at once took 126 MB, and take 55. It has no public place for it;
    a test on a real connection holds it.
    """
    sslproto.SSLProtocol.max_size = BUFFER_BYTES


def context(*, legacy: bool, ca: str | None) -> ssl.SSLContext:
    """A context that checks certificate and name. Raises FetchError for an unusable `ca`."""
    made = ssl.create_default_context()
    made.set_alpn_protocols(["http/1.1"])
    if ca is not None:
        _trust(made, ca)
    if legacy:
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        made.options |= ssl.OP_NO_SSLv3 | _LEGACY_SERVER_CONNECT
        made.set_ciphers(_WEAK)
    return made


def _trust(made: ssl.SSLContext, path: str) -> None:
    try:
        made.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise FetchError(f"the file {path} holds no certificate in PEM") from error
    except OSError as error:
        raise FetchError(f"the file {path} cannot be read ({error.strerror})") from error
