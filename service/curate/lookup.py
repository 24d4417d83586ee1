"""The article that an address means: an outlet's, or that of our own page of its story."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from service.curate.canonical import canonical
from service.store import articles, entries
from service.store.database import Connection

_STORY_PAGE = re.compile(r"(?:^|/)stories/([0-9a-z]{24})/?(?:index\.html)?$")
_PUBLIC_ID = re.compile(r"[0-9a-z]{24}")


def find_article(connection: Connection, asked: str) -> int | None:
    """The article behind an address, a story page's address or a public id; None: unknown."""
    asked = asked.strip()
    page = _STORY_PAGE.search(urlsplit(asked).path)
    public_id = page[1] if page else asked if _PUBLIC_ID.fullmatch(asked) else None
    if public_id:
        return articles.by_public_id(connection, public_id)
    key = canonical(asked)
    found = entries.articles_by_key(connection, [key]).get(key)
    return found if found is not None else articles.by_link(connection, asked)
