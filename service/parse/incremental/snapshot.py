"""What a source's last document consisted of, small enough to be kept beside its row. Pure.

One of two kinds, as bytes: of a document that can be cut, the hash of each slice with who its entry
is; of any other, the hash of each entry. What stands there word for word the next time says nothing
new. Anything that changes how the same bytes are read makes a memory useless: it is then forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import feedparser

from service.parse.feed.xml_feed import INHERITED_BYTES
from service.parse.incremental.splitter import SLICE_HASH_BYTES

WAY = 3
"""Raise it when documents are cut or compared otherwise than before."""

_WHO = 8  # bytes of each hash that tells who an entry is
_BASIS = 8
_SLICES, _ENTRIES = b"S", b"E"  # how a memory of each kind begins, before its basis
_START = 1 + _BASIS
_SLICE = SLICE_HASH_BYTES + 4 * _WHO
_ENTRY = 16
_NOBODY = bytes(_WHO)


@dataclass(frozen=True, slots=True)
class EntryHashes:
    """The identity of an entry: its guid, addresses and key, as hashes."""

    guid: bytes
    link: bytes
    origin: bytes
    key: bytes

    @classmethod
    def of(cls, guid: str | None, link: str | None, origin: str | None, key: str) -> EntryHashes:
        """`link` and `origin` are canonical, and two."""
        return cls(_short(guid), _short(link), _short(origin), _short(key))


@dataclass(frozen=True, slots=True)
class Slices:
    """The snapshot of a document that can be cut. `inherited`: see `xml_feed.Parsed`."""

    inherited: bytes
    who: dict[bytes, EntryHashes]  # slice hash -> whose it is


def basis(fingerprint: bytes, url: str) -> bytes:
    """What a memory stands on: how documents are read, by which parser, from which address."""
    told = repr((WAY, getattr(feedparser, "__version__", ""), fingerprint, url)).encode(
        "utf-8", "replace"
    )
    return hashlib.blake2b(told, digest_size=_BASIS).digest()


def distinct(people: Iterable[EntryHashes]) -> bool:
    """Whether nobody could be taken for another: no guid, address or key stands twice."""
    everyone = list(people)
    guids, keys = [one.guid for one in everyone], [one.key for one in everyone]
    addresses = [address for one in everyone for address in (one.link, one.origin)]
    for taken in (guids, addresses, keys):
        said = [one for one in taken if one != _NOBODY]
        if len(set(said)) != len(said):
            return False
    return True


def of_slices(slices: Slices, on: bytes) -> bytes:
    """Packs them into bytes, with the basis that they stand on."""
    rows = (piece + one.guid + one.link + one.origin + one.key for piece, one in slices.who.items())
    return _SLICES + on + slices.inherited + b"".join(rows)


def of_entries(hashes: Iterable[bytes], on: bytes) -> bytes:
    """The same of a document that must be read whole: the hashes of what its entries say."""
    return _ENTRIES + on + b"".join(sorted(hashes))


def slices_in(memory: bytes | None, on: bytes) -> Slices | None:
    """The slices remembered; None where there are none, or they stood on something else."""
    if not memory or memory[:_START] != _SLICES + on:
        return None
    rows = _rows(memory, _START + INHERITED_BYTES, _SLICE)
    cut = SLICE_HASH_BYTES
    who = {row[:cut]: EntryHashes(*_rows(row, cut, _WHO)) for row in rows}
    return Slices(memory[_START : _START + INHERITED_BYTES], who)


def entries_in(memory: bytes | None, on: bytes) -> frozenset[bytes]:
    """The hashes of entries remembered; none where they stood on something else."""
    if not memory or memory[:_START] != _ENTRIES + on:
        return frozenset()
    return frozenset(_rows(memory, _START, _ENTRY))


def _rows(data: bytes, start: int, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(start, len(data), size)]


def _short(text: str | None) -> bytes:
    if not text:
        return _NOBODY
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_WHO).digest()
