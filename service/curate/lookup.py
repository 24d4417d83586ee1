"""The article that an address means, or the story: an outlet's address, or that of our own page."""

from __future__ import annotations

import re

from service.curate.identity import address_key
from service.store.content import articles, entries, story_rows
from service.store.core.database import Connection
from service.text.fold import nfc
from service.text.web.canonical import display_link, is_web

_STORY_PAGE = re.compile(r"(?:^|/)stories/([0-9a-z]{24})/?(?:index\.html)?$")
_LACKS_SCHEME = re.compile(r"[^\s/:?#]+\.[^\s/:?#]+(?::\d+)?/")
_PUBLIC_ID = re.compile(r"[0-9a-z]{24}")


def spellings(asked: str) -> set[str]:
    """The address as it may stand in an entry: as it is, less tracking, with either scheme."""
    asked = nfc(asked).strip()
    shown = display_link(asked)
    written = shown.partition("://")[2]
    schemes = {f"http://{written}", f"https://{written}"} if is_web(shown) else set()
    return {asked, shown} | schemes


def find_article(connection: Connection, asked: str) -> int | None:
    """The article behind an address, a story page's address or a public id; None: unknown.

    A public id is an article's own, wherever that article is by now. The address of a page means
    the story that readers see there. An address may lack its scheme, as browsers show it.
    """
    asked = nfc(asked).strip()
    if _PUBLIC_ID.fullmatch(asked):
        return articles.by_public_id(connection, asked)
    if _LACKS_SCHEME.match(asked):
        asked = f"https://{asked}"
    key = address_key(asked)
    found = entries.articles_by_key(connection, [key]).get(key)
    if found is None:
        page = _STORY_PAGE.search(asked.partition("?")[0].partition("#")[0])
        found = _on_page(connection, page[1]) if page else None
    # Where the address was not a key: as it is shown, or as some source gave it.
    return found if found is not None else articles.by_link(connection, display_link(asked))


def find_story(connection: Connection, asked: str) -> int | None:
    """The story behind its id, its page's address, or that of one of its articles; None: unknown.

    A story that was merged is the one that it has become.
    """
    asked = nfc(asked).strip()
    page = _STORY_PAGE.search(asked.partition("?")[0].partition("#")[0])
    public_id = page[1] if page else asked
    found = story_rows.named(connection, public_id) if _PUBLIC_ID.fullmatch(public_id) else None
    if found is not None:
        return found
    article = find_article(connection, asked)
    return None if article is None else story_rows.story_of(connection, article)


def _on_page(connection: Connection, public_id: str) -> int | None:
    """The article of this id where it is in the story of this id, else the story's first one."""
    story = story_rows.named(connection, public_id)
    found = articles.by_public_id(connection, public_id)
    if story is None or found is None or story_rows.story_of(connection, found) == story:
        return found
    return story_rows.represented_by(connection, story)
