"""A document that is packed as a file, and not only for its way: `feed.xml.gz`, a sitemap's `.gz`.

What a server packs for the way it says (Content-Encoding), and the client undoes it; some send the
packed file itself and say nothing. Pure.
"""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO

from service.errors import ParseError

GZIP = b"\x1f\x8b"

LARGEST = 10 * 1024 * 1024
"""Bytes of what was packed, unless a kind of document has a bound of its own; as of any body."""


def unpacked(body: bytes, most: int = LARGEST) -> tuple[bytes, bool]:
    """The document, at most `most` bytes of it, and whether something is missing at its end.

    Raises ParseError where its gzip is broken.
    """
    if not body.startswith(GZIP):
        return body, False
    parts: list[bytes] = []
    room = most
    with gzip.GzipFile(fileobj=BytesIO(body)) as file:  # several members too (RFC 1952 2.2)
        try:
            while room > 0 and (part := file.read1(room)):
                parts.append(part)
                room -= len(part)
            return b"".join(parts), room == 0 and file.read1(1) != b""
        except (OSError, EOFError, zlib.error) as error:
            if not parts:
                raise ParseError("the document's gzip is broken") from error
    return b"".join(parts), True
