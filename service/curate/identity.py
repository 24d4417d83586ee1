"""By which keys an entry leads to its article, and the article's id for ever. Pure."""

from __future__ import annotations

import base64
import hashlib

from service.curate.canonical import canonical
from service.model import Entry

PUBLIC_ID_BITS = 120


def keys(entry: Entry, source: str) -> tuple[str, ...]:
    """Every key of the entry, the strongest first (LEDGER: `article_key`).

    Its canonical address, when that is a key in its document, then the source with the entry key.
    """
    own = f"entry:{source}:{entry.key}"
    if entry.link and entry.link_is_key:
        return (canonical(entry.link), own)
    return (own,)


def public_id(first_key: str) -> str:
    """120 bits of SHA-256 in base32, 24 characters: the same in a restored store as before."""
    digest = hashlib.sha256(first_key.encode("utf-8", "replace")).digest()
    return base64.b32encode(digest[: PUBLIC_ID_BITS // 8]).decode("ascii").lower()
