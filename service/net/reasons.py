"""The one seam between aiohttp's errors and ours: what `bantin status` shows, in plain words."""

from __future__ import annotations

import os
from http import HTTPStatus

import aiohttp

from service.errors import FetchError
from service.net.limits import FetchLimits
from service.text.fold import nfc


def plain(error: Exception, url: str, limits: FetchLimits) -> FetchError:
    """The error of ours for one of aiohttp's. The order goes from the special to the general."""
    return FetchError(_words(error, url, limits))


def status(code: int, reason: str | None) -> str:
    """`the server answered 404 (Not Found)`."""
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = nfc(reason or "").strip()[:60]  # whatever bytes the server wrote
    gone = "; it says that this is gone for good" if code == HTTPStatus.GONE else ""
    said = f"the server answered {code}"
    return f"{said} ({phrase}){gone}" if phrase else f"{said}{gone}"


def _words(error: Exception, url: str, limits: FetchLimits) -> str:  # noqa: C901, PLR0911, PLR0912 - a table
    match error:
        case aiohttp.ConnectionTimeoutError():
            return f"no connection within {limits.connect_s:g} s"
        case aiohttp.SocketTimeoutError() | aiohttp.ServerTimeoutError():
            return f"the server fell silent for {limits.read_s:g} s"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} is not known to DNS"
        case aiohttp.ClientConnectorCertificateError():
            said = f"the certificate of {error.host} is not valid: {error.certificate_error}"
            return f"{said}{_remedy(str(error.certificate_error))}"
        case aiohttp.ClientSSLError():
            said = f"no secure connection to {error.host}: {_system(error)}"
            return f"{said}{_remedy(str(error))}"
        case aiohttp.ClientProxyConnectionError():
            return f"no connection to the proxy {error.host}:{error.port}: {_system(error)}"
        case aiohttp.ClientConnectorError():
            return f"no connection to {error.host}:{error.port}: {_system(error)}"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without an answer"
        case aiohttp.InvalidURL():
            return f"not an address of the Web: {str(error.url or url)[:200]!r}"
        case aiohttp.ClientPayloadError():
            return f"the answer broke off or does not unpack: {_short(error.__cause__ or error)}"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused: {status(error.status, error.message)}".replace(
                "the server answered", "it answered"
            )
        case aiohttp.ClientResponseError():
            return f"the server does not speak proper HTTP: {_short(error)}"
        case aiohttp.ClientOSError():
            return f"the connection broke: {_system(error)}"
        case _:
            return f"the fetch failed: {_short(error) or type(error).__name__}"


_OLD = (
    "UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "DH_KEY_TOO_SMALL", "LEGACY_RENEGOTIATION",
    "HANDSHAKE_FAILURE", "WRONG_SIGNATURE_TYPE", "EE key too small", "CA signature digest",
    "CA key too small", "EE_KEY_TOO_SMALL", "NO_SUITABLE_SIGNATURE",
)  # fmt: skip
"""What OpenSSL says of servers that are merely old."""

_LEGACY = '; a server of old may need tls = "legacy"'

_UNKNOWN_ISSUER = ("unable to get local issuer", "self-signed", "self signed")


def _remedy(said: str) -> str:
    """The key that helps, where one does."""
    if any(sign in said for sign in _OLD):
        return _LEGACY
    if any(sign in said for sign in _UNKNOWN_ISSUER):
        return "; if its certificate is one of your own, name its issuer in ca"
    return ""


def _system(error: aiohttp.ClientOSError) -> str:
    inner = getattr(error, "os_error", None) or error
    if inner.errno:
        return os.strerror(inner.errno)
    # Only the greeting of TLS can end so: a socket that is not opened has a number.
    return str(inner)[:200] or f"the server hung up on our TLS{_LEGACY}"


def _short(error: BaseException) -> str:
    return " ".join(nfc(str(getattr(error, "message", "") or error)).split())[:200]
