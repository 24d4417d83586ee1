"""A document that is packed as a file, and not only for its way: `feed.xml.gz`, a sitemap's `.gz`.

What a server packs for the way it says (Content-Encoding), and the client undoes it; some send the
packed file itself and say nothing. Pure.
"""

from __future__ import annotations

import zlib

from service.errors import ParseError

GZIP = b"\x1f\x8b"


def unpacked(body: bytes, most: int) -> tuple[bytes, bool]:
    """The document, at most `most` bytes of it, and whether something is missing at its end.

    Raises ParseError where its gzip is broken.
    """
    if not body.startswith(GZIP):
        return body, False
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, most)
    except zlib.error as error:
        raise ParseError("the document's gzip is broken") from error
    return plain, not unpacker.eof
