"""How connections by TLS are made: small, for servers of old weaker, always with a certificate."""

from __future__ import annotations

import asyncio
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
"""What a connection keeps for what comes: four times the longest record.

asyncio gives each 256 KB, which with OpenSSL's own makes 333 KB a connection instead of 138: 385 at
once took 126 MB, and take 55. It has no public place for it, so this is a protocol of our own for
the connections of our client alone; those that others make in this process are as asyncio has them,
and so is TLS within a proxy's tunnel. A test on real connections holds it.
"""


class SmallBuffers(sslproto.SSLProtocol):
    """asyncio's TLS between a socket and what is said over it."""

    max_size = BUFFER_BYTES


def between(
    answers: asyncio.Protocol, secured: ssl.SSLContext, hostname: str | None
) -> tuple[SmallBuffers, asyncio.Future[None]]:
    """A client's protocol for a new socket, and a future that ends with the handshake.

    The future raises ssl.SSLError, ssl.CertificateError or OSError. Once it has ended well,
    `answers` has its transport.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    return SmallBuffers(loop, answers, secured, ready, False, hostname), ready


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
