"""A rendered message as the `segment` row keeps it: compressed, personal values still marks."""

from __future__ import annotations

import json
import zlib
from functools import lru_cache

from service.model import Parts


def pack(parts: Parts) -> bytes:
    """The bytes for `segment.parts`. The same parts give the same bytes."""
    fields = [parts.subject, parts.text, parts.html]
    return zlib.compress(json.dumps(fields, ensure_ascii=False).encode(), 6)


@lru_cache(maxsize=16)
def unpack(packed: bytes) -> Parts:
    """What `pack` was given. Kept for the next mails of the same segment, which come in a row."""
    subject, text, html = json.loads(zlib.decompress(packed))
    return Parts(subject=subject, text=text, html=html)
