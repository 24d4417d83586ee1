"""Who we say we are: one honest User-Agent with a contact and the number of readers."""

from __future__ import annotations

import re

_UNSENDABLE = re.compile(r"[^\x20-\x7e]|[()\\]")


def user_agent(version: str, *, base_url: str | None, contact: str | None, readers: int) -> str:
    """`Bantin/1.0 (+https://tin.example.vn; 12 readers)`.

    The contact is the site's address, else the contact of the configuration; a publisher who is
    bothered must find somebody. Characters that a header cannot carry are left out.
    """
    where = _UNSENDABLE.sub("", base_url or contact or "").strip()
    who = "1 reader" if readers == 1 else f"{readers} readers"
    remarks = [f"+{where}"] if where else []
    if readers > 0:
        remarks.append(who)
    product = f"Bantin/{_UNSENDABLE.sub('', version)}"
    return f"{product} ({'; '.join(remarks)})" if remarks else product
