"""`traceparent` of a request (W3C Trace Context): the id by which a caller finds our lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16


def trace_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The trace id, 32 hex digits; None where there is none, or none that is well formed.

    A version to come may add fields, version 00 has none, ff is never valid (section 3.2.2). A
    header that stands twice is as good as none.
    """
    said = [value.strip() for name, value in headers if name == b"traceparent"]
    found = _FORM.fullmatch(said[0]) if len(said) == 1 else None
    if found is None:
        return None
    version, trace, span, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or trace == _NO_TRACE or span == _NO_SPAN:
        return None
    return trace.decode()
