"""A document that is packed as a file, and not only for its way: `feed.xml.gz`, a sitemap's `.gz`.

What a server packs for the way it says (Content-Encoding), and the client undoes it; some send the
packed file itself and say nothing. Pure.
"""

from __future__ import annotations

import zlib

from service.errors import ParseError

GZIP = b"\x1f\x8b"

LARGEST = 10 * 1024 * 1024
"""Bytes of what was packed, unless a kind of document has a bound of its own; as of any body."""

_STEP = 16 * 1024
"""What is left of a step behind a member is copied, so steps are small."""


def unpacked(body: bytes, most: int = LARGEST) -> tuple[bytes, bool]:
    """The document, at most `most` bytes of it, and whether something is missing at its end.

    It may come in several members (RFC 1952, 2.2); what stands behind the last is not part of it.
    Raises ParseError where its gzip is broken.
    """
    if not body.startswith(GZIP):
        return body, False
    parts: list[bytes] = []
    at, room, is_whole = 0, most, True
    while room > 0 and body.startswith(GZIP, at):
        unpacker = zlib.decompressobj(wbits=31)
        while room > 0 and not unpacker.eof and at < len(body):
            step = body[at : at + _STEP]
            parts.append(_plain(unpacker, step, room))
            room -= len(parts[-1])
            at += len(step) - len(unpacker.unused_data) - len(unpacker.unconsumed_tail)
        is_whole = unpacker.eof
        while body.startswith(b"\0", at):  # what fills the blocks of a tape
            at += 1
    return b"".join(parts), not is_whole or body.startswith(GZIP, at)


def _plain(unpacker: zlib._Decompress, step: bytes, room: int) -> bytes:
    try:
        return unpacker.decompress(step, room)
    except zlib.error as error:
        raise ParseError("the document's gzip is broken") from error
