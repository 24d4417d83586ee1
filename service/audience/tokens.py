"""Secrets that stand in links and cookies, and what of them is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

_TOKEN = re.compile(r"[0-9a-f]{32}")


def new_token() -> str:
    """128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def is_token(text: str) -> bool:
    """Can `text` be one of ours at all? Spares the database whatever guessers send."""
    return _TOKEN.fullmatch(text) is not None


def cookie_hash(cookie: str) -> bytes:
    """What `subscription.signup_hash` keeps: 128 random bits need no salt."""
    return hashlib.sha256(cookie.encode()).digest()


def same_browser(cookie: str | None, stored: bytes | None) -> bool:
    """Did this browser sign up? False without a cookie or without a stored hash."""
    if not cookie or stored is None:
        return False
    return hmac.compare_digest(cookie_hash(cookie), stored)


def form_token(secret: bytes, cookie: str) -> str:
    """The token of a form that was shown to the browser with this cookie."""
    return hmac.new(secret, b"form\0" + cookie.encode(), hashlib.sha256).hexdigest()[:32]


def is_form_token(secret: bytes, cookie: str | None, token: str) -> bool:
    """Whether the form with this token was shown to the browser with this cookie."""
    if not cookie:
        return False
    return hmac.compare_digest(form_token(secret, cookie).encode(), token.encode())


@dataclass(frozen=True, slots=True)
class OwnLink:
    """What stands in the signed link to one's own page: `token` is the subscription's."""

    token: str
    until: datetime
    signature: str


_OWN_LINK = re.compile(r"([0-9a-f]{32})([0-9a-f]{8})([0-9a-f]{32})")


def own_link(secret: bytes, token: str, address_key: bytes, until: datetime) -> str:
    """The signed link to the page of whoever reads mail at this address, until then (aware).

    A subscription's token stands in every mail, and mails are forwarded; this one is mailed when it
    is asked for, ends soon, and ends when the address is another one.
    """
    stamp = f"{int(until.timestamp()):08x}"
    return f"{token}{stamp}{_own_signature(secret, token, address_key, stamp)}"


def read_own_link(text: str) -> OwnLink | None:
    """The parts of such a link, unproven; None: it has not the shape of one."""
    found = _OWN_LINK.fullmatch(text)
    if found is None:
        return None
    return OwnLink(found[1], datetime.fromtimestamp(int(found[2], 16), UTC), found[3])


def is_own_link(secret: bytes, link: OwnLink, address_key: bytes) -> bool:
    """Whether we made it for this address. Whether it has ended is not asked."""
    stamp = f"{int(link.until.timestamp()):08x}"
    right = _own_signature(secret, link.token, address_key, stamp)
    return hmac.compare_digest(right, link.signature)


def _own_signature(secret: bytes, token: str, address_key: bytes, stamp: str) -> str:
    told = b"\0".join((b"own", token.encode(), stamp.encode(), address_key))
    return hmac.new(secret, told, hashlib.sha256).hexdigest()[:32]
