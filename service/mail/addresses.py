"""An address as SMTP takes it: its domain in ASCII, and whether it needs SMTPUTF8."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from service.errors import MailError

_BAD = re.compile(r"[\x00-\x20\x7f-\xa0<>()\[\],;:\\\"\u2028\u2029]")
_LOCAL_LIMIT, _ADDRESS_LIMIT = 64, 254
"""Bytes (RFC 5321 4.5.3.1): relays refuse longer ones, some by dropping the connection."""


class AddressError(MailError):
    """This address cannot be mailed; the others can."""


@dataclass(frozen=True, slots=True)
class Address:
    """`address` has its domain in ASCII; `utf8` says that its local part is not."""

    address: str
    utf8: bool


def envelope(written: str) -> Address:
    """The address for MAIL FROM, RCPT TO and To. Raises AddressError."""
    local, at, domain = written.rpartition("@")
    if not (local and at and domain) or _BAD.search(written) or "@" in local:
        raise AddressError(f"not an address: {written!r}")
    address = f"{local}@{ascii_domain(domain)}"
    if len(local.encode()) > _LOCAL_LIMIT or len(address.encode()) > _ADDRESS_LIMIT:
        raise AddressError(f"too long for an address: {written!r}")
    return Address(address, utf8=not local.isascii())


@lru_cache(maxsize=1024)
def ascii_domain(domain: str) -> str:
    """`bộ.vn` -> `xn--…vn`. Raises AddressError for a domain that cannot be one."""
    try:
        encoded = domain.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise AddressError(f"not a domain: {domain!r}") from error
    if not encoded or encoded.startswith(".") or ".." in encoded:
        raise AddressError(f"not a domain: {domain!r}")
    return encoded
