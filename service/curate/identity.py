"""Makes the keys by which an entry leads to its article, and the article's permanent id. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from service.model import Entry
from service.text.fold import lowered, nfc, words_of
from service.text.web.canonical import canonical

PUBLIC_ID_BITS = 120

FEWEST_TITLE_WORDS = 6
"""Words of a headline that is one article's: "Thời tiết hôm nay" comes every day."""

_OF_SOURCE = "entry:"

LONGEST_KEY = 1000
"""Bytes. An index of PostgreSQL takes 2,700 a row; longer keys end in their hash."""


def keys(entry: Entry, source_id: int) -> tuple[str, ...]:
    """Every key of the entry, the strongest first (docs/decisions/003).

    Its canonical addresses, when they are keys in its document (the publisher's own before the
    link, so that an outlet that leaves FeedBurner changes nothing), then the source with the entry
    key, then those of its twins. A source is its row: its name may change, and go to another.
    """
    own, *twins = (source_key(source_id, nfc(key)) for key in (entry.key, *entry.twins))
    origin = entry.origin if entry.origin_is_key else None
    link = entry.link if entry.link_is_key else None
    addresses = dict.fromkeys(address_key(one) for one in (origin, link) if one)
    return (*addresses, own, *twins)


def source_key(source: int | str, entry_key: str) -> str:
    """The key by which an entry leads to its article, whatever its address."""
    return bounded(f"{_OF_SOURCE}{source}:{entry_key}")


def first_key(keys: Sequence[str], entry_key: str, source_id: int, source: str) -> str:
    """The key that an article's public id is made of.

    Where it is no address it has the source's name: a store that was made anew has other rows.
    """
    own = source_key(source_id, entry_key)
    return source_key(source, entry_key) if keys[0] == own else keys[0]


def is_address(key: str) -> bool:
    """Whether a key is an address, whoever names it; the others are of one source."""
    return not key.startswith(_OF_SOURCE)


def address_key(address: str) -> str:
    """The key of an address."""
    return bounded(canonical(nfc(address)))


def title_key(title: str) -> bytes | None:
    """A hash of a headline's words; None: it has too few to know an article by."""
    words = list(lowered(words_of(title)[0]))
    if len(words) < FEWEST_TITLE_WORDS:
        return None
    return hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=16).digest()


def bounded(key: str) -> str:
    """The key itself, or a shorter one that is as unique."""
    told = key.encode("utf-8", "replace")
    if len(told) <= LONGEST_KEY:
        return key
    return f"{key[:100]} hash:{hashlib.sha256(told).hexdigest()}"


def public_id(first_key: str, attempt: int = 0) -> str:
    """120 bits of SHA-256 in base32, 24 characters: the same in a restored store as before.

    `attempt` > 0: the id is taken by an article of the same first key that is not ours, as after a
    source was renamed and its old name given to another.
    """
    told = f"{first_key}#{attempt}" if attempt else first_key
    digest = hashlib.sha256(told.encode("utf-8", "replace")).digest()
    return base64.b32encode(digest[: PUBLIC_ID_BITS // 8]).decode("ascii").lower()
