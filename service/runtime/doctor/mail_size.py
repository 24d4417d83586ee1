"""Whether mailboxes show a digest whole."""

from __future__ import annotations

import re

from service.newsletter.compose import HTML_LIMIT
from service.runtime.doctor.diagnosis import Diagnosis, Level

CLIPPED_ABOVE = 102_000
"""Gmail cuts an HTML part about here, and with it the links at its end."""

_HTML = re.compile(rb"Content-Type: text/html;.*?\r\n\r\n(?P<body>.*?)\r\n--=_", re.DOTALL)


def html_bytes(message: bytes) -> int:
    """Bytes of the HTML part as it is encoded for the way; 0 where there is none."""
    found = _HTML.search(message)
    return len(found["body"]) if found else 0


def judge(digest: str, message: bytes | None) -> Diagnosis:
    """`message`: the digest's next mail, or one of the newest stories; None: there is none."""
    if message is None:
        return Diagnosis("size", Level.NONE, f"{digest}: there is no story yet")
    size = html_bytes(message)
    said = f"{digest}: the HTML part has {size / 1000:.0f} kB"
    remedy = "shorten your copy of the template, or lower stories.max"
    if size > CLIPPED_ABOVE:
        said += f": Gmail cuts off what is beyond {CLIPPED_ABOVE // 1000} kB"
        return Diagnosis("size", Level.FAULT, said, remedy)
    if size > HTML_LIMIT + 1000:  # personal values add a few hundred
        return Diagnosis("size", Level.WARNING, f"{said}, near to where Gmail cuts it off", remedy)
    return Diagnosis("size", Level.OK, said)
