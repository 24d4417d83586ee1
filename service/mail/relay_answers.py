"""A relay's words, fit to be stored and logged: what every database takes, without the address.

Relays repeat the recipient in what they answer. It would outlive *forget* in attempts, evidence and
logs, so it is taken out before anybody else sees the answer.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CONTROL = re.compile(r"[^\S\n]*[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+[^\S\n]*")

_AT = re.compile(r"[@=]|[%+]40")
"""In each spelling of an address. Most answers have none of these, and the pattern of an address
takes longer to make than the mail to send."""

HIDDEN = "<…>"
"""What stands where the address was."""


def clean(text: str) -> str:
    """The text without what no database takes: bytes that are not UTF-8 (surrogates), NUL."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())


def without(address: str, text: str) -> str:
    """The text, clean, with HIDDEN for the address in each spelling that relays use.

    Any case; with angle brackets; its local part quoted (RFC 5321 4.1.2); percent, quoted-printable
    or xtext encoded (RFC 3461 4); its domain as written or by IDNA; `local=domain` of VERP and SRS.
    """
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or not _AT.search(text):
        return clean(text)
    return _spellings(local, domain).sub(HIDDEN, clean(text))


@lru_cache(maxsize=256)
def _spellings(local: str, domain: str) -> re.Pattern[str]:
    locals_ = {unicodedata.normalize(form, local) for form in ("NFC", "NFD")}
    domains = {domain, *_idna(domain)}
    who = rf'\\?"?{_any_of(locals_)}\\?"?'
    where = _any_of(domains)
    either = rf"{who}(?:@|=|[%=+]40){where}\.?|{where}={who}"
    # Not inside another address: `an@` is not in `lan@`.
    return re.compile(rf"(?<!\w)<?(?:{either})>?(?!\w)", re.IGNORECASE)


def _any_of(values: set[str]) -> str:
    return f"(?:{'|'.join(sorted(_encoded(one) for one in values))})"


def _idna(domain: str) -> set[str]:
    try:
        ascii_form = domain.encode("idna").decode("ascii")
        return {ascii_form, ascii_form.encode("ascii").decode("idna")}
    except UnicodeError:
        return set()


def _encoded(value: str) -> str:
    """A pattern of the value in which each character stands for itself or for its bytes in hex."""
    return "".join(_character(one) for one in value)


def _character(one: str) -> str:
    in_hex = "".join(f"[%=+]{byte:02X}" for byte in one.encode("utf-8", "replace"))
    return rf"(?:\\?{re.escape(one)}|{in_hex})"
