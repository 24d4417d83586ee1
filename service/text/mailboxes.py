"""When two spellings of an address are one mailbox, and keyed hashes that outlive them. Pure.

Addresses are in their normal form here: NFC, the domain in lower case and in ASCII (IDNA).
"""

from __future__ import annotations

import hmac

_DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
"""Domains where dots before the @ count for nothing -> the name under which they are one
(support.google.com/mail/answer/7436150)."""


def folded(address: str) -> str:
    """The address with its case taken away, and nothing else: the simple case folding of Unicode.

    Full case folding (`str.casefold`) also writes `ß` as `ss`: `straße@` and `strasse@` are two
    people. A letter whose full folding is several letters is only written small.
    """
    if address.isascii():
        return address.lower()
    return "".join(
        full if len(full := letter.casefold()) == 1 else letter.lower() for letter in address
    )


def key(secret: bytes, address: str) -> bytes:
    """32 bytes that know an address again without keeping it.

    Case counts neither in the domain nor before the @: nobody has two mailboxes that differ in
    it, and one person typing "Minh@" and "minh@" must not be told twice.
    """
    return _hash(secret, b"address", folded(address))


def mailbox_key(secret: bytes, address: str) -> bytes:
    """32 bytes that are the same for all addresses which lead into one mailbox.

    What stands behind `+` is left out (RFC 5233), and so are Gmail's dots. Only for counting: who
    signs up as "minh+tin@" is written to there, and is another subscriber than "minh@".
    """
    local, _, domain = folded(address).rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", "") or local, _DOTLESS[domain]
    return _hash(secret, b"mailbox", f"{local}@{domain}")


def domain_key(secret: bytes, domain: str) -> bytes:
    """32 bytes for a domain, so that counters by domain do not say who our readers are."""
    return _hash(secret, b"domain", domain)


def _hash(secret: bytes, what: bytes, text: str) -> bytes:
    return hmac.digest(secret, what + b"\0" + text.encode(), "sha256")
