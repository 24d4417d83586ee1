"""The list of all topic feeds that a reader imports in one go: OPML 2.0. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml import etree

from service.render.addresses import absolute, feed_file, topic_page
from service.render.views import SiteView
from service.store.content.page_queries import PublishedTopic


def opml(site: SiteView, topics: Iterable[PublishedTopic]) -> bytes:
    """The Atom feed of each topic, in the order given."""
    root = etree.Element("opml", version="2.0")
    head: Any = etree.SubElement(root, "head")
    title: Any = etree.SubElement(head, "title")
    title.text = site.title
    body: Any = etree.SubElement(root, "body")
    folder: Any = etree.SubElement(body, "outline", text=site.title)
    for topic in topics:
        etree.SubElement(
            folder,
            "outline",
            type="rss",  # what OPML calls every feed
            text=topic.title,
            title=topic.title,
            xmlUrl=absolute(feed_file(topic.name, "atom"), site.base_url),
            htmlUrl=absolute(topic_page(topic.name), site.base_url),
        )
    return bytes(etree.tostring(root, pretty_print=True, encoding="UTF-8", xml_declaration=True))
