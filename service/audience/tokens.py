"""Secrets that stand in links and cookies, and what of them is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

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
