"""Addresses: their one written form, and how pages show them. Pure: no lookup in the DNS.

The key that outlives an address is made in `text.mailboxes`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

MAX_LENGTH = 254
"""Characters in an address (RFC 5321: a path of 256 octets with its angle brackets)."""

MAX_LOCAL = 64
"""Octets before the @ (RFC 5321 4.5.3.1.1). The library lets more pass, and relays refuse it."""

_PLAIN = re.compile(r"(?=.{1,64}\Z)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*", re.IGNORECASE | re.ASCII)
_PLAIN_LENGTH = 128
"""Longer addresses are measured by the library: an IDNA domain grows."""

_DOTS = "•••"


def normal(address: str) -> str:
    """The written form: NFC, the domain in lower case and IDNA ("minh@xn--bcher-kva.example").

    Raises ValueError for what is not an address; its text says why, in English.
    """
    local, _, domain = (stripped := address.strip()).rpartition("@")
    if len(stripped) < _PLAIN_LENGTH and _is_plain(local):
        known = _plain_domain(domain)
        if known is not None:
            return f"{local}@{known}"
    return _written(_read(stripped))


def readable(address: str) -> str:
    """The same with its domain as people read it ("minh@bücher.example")."""
    return _read(address).normalized


def masked(address: str) -> str:
    """An address for pages whose link may be forwarded with a mail: "m•••h@example.vn"."""
    local, _, domain = readable(address).rpartition("@")
    last = local[-1] if len(local) > 2 else ""  # noqa: PLR2004 - of two letters one stays hidden
    return f"{local[0]}{_DOTS}{last}@{domain}"


def _is_plain(local: str) -> bool:
    """Whether this part is its own normal form. Names such as Postmaster are written small."""
    return _PLAIN.fullmatch(local) is not None and (local.islower() or not local.isalpha())


@lru_cache(4096)
def _plain_domain(domain: str) -> str | None:
    """The domain in IDNA, looked at once for all who have it; None where it must be told why not.

    email-validator takes 130 µs an address, nearly all of it for the domain.
    """
    try:
        return _read(f"a@{domain}").ascii_domain
    except ValueError:
        return None


def _read(address: str) -> ValidatedEmail:
    stripped = address.strip()
    if len(stripped) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH} characters")
    try:
        # .test is for trials: it can be mailed to the outbox and nowhere else.
        found = validate_email(stripped, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    if len(found.local_part.encode()) > MAX_LOCAL:
        raise ValueError(f"longer than {MAX_LOCAL} bytes before the @-sign")
    return found


def _written(found: ValidatedEmail) -> str:
    return f"{found.local_part}@{found.ascii_domain}"
