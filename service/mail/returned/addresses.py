"""Finds mail addresses in the prose of reports. Pure; linear in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ADDRESS = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~@-])"
    r"((?:\"[^\"\s@]{1,64}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,128})"
    r"@(?:[\w-]{1,63}\.)+[\w-]{2,63})",
    re.UNICODE,
)
_SCHEME = re.compile(r"^(?:smtp|mailto|rfc822)[=:]", re.IGNORECASE)


def addresses_in(text: str) -> Iterator[str]:
    """Every address in the text, in order, as written."""
    for found in _ADDRESS.finditer(text):
        yield _SCHEME.sub("", found[1]).strip("'")


def address_in(text: str) -> str | None:
    """The first address in the text; None where there is none."""
    return next(addresses_in(text), None)
