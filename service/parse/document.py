"""From the bytes of a source to a Document. Runs inside a worker that may be killed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.errors import ParseError
from service.model import Document
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions

_NOTHING = b" \t\r\n\0\xef\xbb\xbf"


def parse_document(
    body: bytes, headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> Document:
    """What one fetch says. `headers` has lower-case names; `url` is where the body came from.

    Raises ParseError with a reason in plain words. A feed without entries is a Document.
    """
    if is_empty(body):
        raise ParseError("the document is empty")
    return KINDS[reading.kind].read(body, headers, url, reading, now)


def is_empty(body: bytes) -> bool:
    """Whether nothing stands in it."""
    return not body.strip(_NOTHING)
