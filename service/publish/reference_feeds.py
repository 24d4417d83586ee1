"""Who cites an official document, as a feed in one format: made when it is asked for.

There are as many documents as articles cite, and few are followed: none is built in advance.
"""

from __future__ import annotations

from service.config.schema import Settings
from service.publish.build import NEWEST, write_documents
from service.publish.channel import reference_channel
from service.publish.items import item
from service.render.engine import Renderer
from service.store.content import references
from service.store.core import facts
from service.store.core.database import Connection


def reference_feed(
    connection: Connection, settings: Settings, renderer: Renderer, reference: str, format_: str
) -> bytes | None:
    """The newest stories that cite it. `format_`: atom, rss, json.

    None: nobody cites it, or nothing has ever been published, so that feeds have no ids yet.
    """
    found = references.citing(connection, reference, NEWEST)
    authority = facts.known_tag_authority(connection)
    if not found or authority is None:
        return None
    site = renderer.site
    words = renderer.words(site.language)
    items = [
        item(
            story, words, settings.publish, authority=authority, base=site.base_url,
            language=site.language, feed="",
        )
        for story in found
    ]  # fmt: skip
    channel = reference_channel(site, words, reference, authority, items[-1].published)
    ((_, body),), _ = write_documents(channel, items, (format_,))
    return body
