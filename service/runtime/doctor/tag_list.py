"""`v=DKIM1; k=rsa; p=…`: the tag list of RFC 6376 3.2, which DKIM and DMARC records are. Pure."""

from __future__ import annotations


def read(text: str) -> dict[str, str] | None:
    """Tag in lower case -> value, blanks around both taken off; None: it is no tag list.

    Of a tag that stands there twice there is no right reading (RFC 6376 3.2), so that is none.
    """
    tags: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        name = name.strip().lower()
        if not sign or not name or name in tags:
            return None
        tags[name] = value.strip()
    return tags
