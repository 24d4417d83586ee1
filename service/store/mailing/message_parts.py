"""A rendered message as the `segment` row keeps it: compressed, personal values still marks."""

from __future__ import annotations

import json
import zlib

from service.model import Parts


def pack(parts: Parts) -> bytes:
    """The bytes for `segment.parts`. The same parts give the same bytes."""
    fields = [parts.subject, parts.text, parts.html]
    return zlib.compress(json.dumps(fields, ensure_ascii=False).encode(), 6)


def unpack(packed: bytes) -> Parts:
    """What `pack` was given."""
    subject, text, html = json.loads(zlib.decompress(packed))
    return Parts(subject=subject, text=text, html=html)
