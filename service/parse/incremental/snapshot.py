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

from service.parse.incremental.splitter import SLICE_HASH_BYTES

WAY = 2
"""Raise it when documents are cut or compared otherwise than before."""

_WHO = 8  # bytes of each hash that tells who an entry is
_BASIS = 8
_SLICE = SLICE_HASH_BYTES + 4 * _WHO
_ENTRY = 16
_NOBODY = bytes(_WHO)


@dataclass(frozen=True, slots=True)
class Who:
    """The identity of an entry: its guid, addresses and key, as hashes."""

    guid: bytes
    link: bytes
    origin: bytes
    key: bytes

    @classmethod
    def of(cls, guid: str | None, link: str | None, origin: str | None, key: str) -> Who:
        """`link` and `origin` are canonical, and two."""
        return cls(_short(guid), _short(link), _short(origin), _short(key))


@dataclass(frozen=True, slots=True)
class Slices:
    """The snapshot of a document that can be cut. `state` and `facts`: what entries inherit."""

    state: bytes
    facts: bytes
    who: dict[bytes, Who]  # slice hash -> whose it is


@dataclass(frozen=True, slots=True)
class Entries:
    """A snapshot of a document that must be read whole: the hashes of what its entries say."""

    hashes: frozenset[bytes]


Memory = Slices | Entries


def basis(fingerprint: bytes, url: str) -> bytes:
    """What a memory stands on: how documents are read, by which parser, from which address."""
    told = repr((WAY, getattr(feedparser, "__version__", ""), fingerprint, url)).encode(
        "utf-8", "replace"
    )
    return hashlib.blake2b(told, digest_size=_BASIS).digest()


def facts(*values: object) -> bytes:
    """What a document hands down to all of its entries, as 8 bytes."""
    told = repr(values).encode("utf-8", "replace")
    return hashlib.blake2b(told, digest_size=_WHO).digest()


def distinct(people: Iterable[Who]) -> bool:
    """Whether nobody could be taken for another: no guid, address or key stands twice."""
    everyone = list(people)
    guids, keys = [one.guid for one in everyone], [one.key for one in everyone]
    addresses = [address for one in everyone for address in (one.link, one.origin)]
    for taken in (guids, addresses, keys):
        said = [one for one in taken if one != _NOBODY]
        if len(set(said)) != len(said):
            return False
    return True


def packed(memory: Memory, on: bytes) -> bytes:
    """Packs it into bytes, with the basis that it stands on."""
    if isinstance(memory, Entries):
        return b"E" + on + b"".join(sorted(memory.hashes))
    rows = (piece + one.guid + one.link + one.origin + one.key for piece, one in memory.who.items())
    return b"S" + on + memory.state + memory.facts + b"".join(rows)


def unpacked(kept: bytes | None, on: bytes) -> Memory | None:
    """What was packed; None where there is nothing, or it stood on something else."""
    if not kept or kept[1 : 1 + _BASIS] != on:
        return None
    rest = kept[1 + _BASIS :]
    if kept[:1] == b"E":
        return Entries(frozenset(_rows(rest, _ENTRY)))
    state, told, rest = rest[:_WHO], rest[_WHO : 2 * _WHO], rest[2 * _WHO :]
    who = {}
    for row in _rows(rest, _SLICE):
        piece, people = row[:SLICE_HASH_BYTES], row[SLICE_HASH_BYTES:]
        who[piece] = Who(*_rows(people, _WHO))
    return Slices(state, told, who)


def _rows(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _short(text: str | None) -> bytes:
    if not text:
        return _NOBODY
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_WHO).digest()
