"""A checker of our own for what we publish: RFC 4287, RSS 2.0 with its best practices, JSON Feed.

W3C's validator cannot be shipped with the project; the rules here are those that it applies to what
our feeds hold. Each function returns what is wrong, in words; [] means valid.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
SY = "{http://purl.org/rss/1.0/modules/syndication/}"

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
)
_TAG = re.compile(r"tag:[A-Za-z0-9.@-]+,\d{4}(-\d\d(-\d\d)?)?:[^\s#]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+")


def _web(address: str | None) -> bool:
    parts = urlsplit(address or "")
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _iri(address: str | None) -> bool:
    return _web(address) or bool(_TAG.fullmatch(address or ""))


class _Faults(list[str]):
    def need(self, holds: object, text: str) -> None:
        if not holds:
            self.append(text)


# Atom ------------------------------------------------------------------------------------------

_FEED_ONCE = ("id", "title", "updated")
_FEED_AT_MOST_ONCE = ("generator", "icon", "logo", "rights", "subtitle")
_FEED_MANY = ("author", "category", "contributor", "link", "entry")
_ENTRY_ONCE = ("id", "title", "updated")
_ENTRY_AT_MOST_ONCE = ("content", "published", "rights", "source", "summary")
_ENTRY_MANY = ("author", "category", "contributor", "link")


def atom_faults(body: bytes) -> list[str]:
    faults = _Faults()
    feed = etree.fromstring(body)
    faults.need(feed.tag == f"{ATOM}feed", "the root is not an atom:feed")
    _children(faults, feed, "feed", _FEED_ONCE, _FEED_AT_MOST_ONCE, _FEED_MANY)
    entries = feed.findall(f"{ATOM}entry")
    authored = all(entry.find(f"{ATOM}author") is not None for entry in entries)
    has_author = feed.find(f"{ATOM}author") is not None
    faults.need(
        has_author or (entries and authored), "neither the feed nor every entry has an author"
    )
    _atom_common(faults, feed, "feed")
    rels = [link.get("rel") for link in feed.findall(f"{ATOM}link")]
    faults.need(rels.count("self") == 1, "the feed has not one link to itself")
    for name in ("icon", "logo"):
        found = feed.findtext(f"{ATOM}{name}")
        faults.need(found is None or _web(found), f"{name} is not an address")
    pairs = Counter(
        (entry.findtext(f"{ATOM}id"), entry.findtext(f"{ATOM}updated")) for entry in entries
    )
    faults.need(all(n == 1 for n in pairs.values()), "entries share id and updated")
    for entry in entries:
        _atom_entry(faults, entry)
    return faults


def _atom_entry(faults: _Faults, entry: etree._Element) -> None:
    _children(faults, entry, "entry", _ENTRY_ONCE, _ENTRY_AT_MOST_ONCE, _ENTRY_MANY)
    _atom_common(faults, entry, "entry")
    content = entry.find(f"{ATOM}content")
    alternates = [one for one in entry.findall(f"{ATOM}link") if one.get("rel") == "alternate"]
    faults.need(content is not None or alternates, "an entry has neither content nor an original")
    faults.need(len(entry.findall(f"{ATOM}author")) == 1, "an entry has not one author")
    source = entry.find(f"{ATOM}source")
    if source is not None:
        for name in ("id", "title", "updated"):
            faults.need(len(source.findall(f"{ATOM}{name}")) == 1, f"atom:source lacks {name}")
        faults.need(source.find(f"{ATOM}author") is None, "atom:source has an author")
    thumbnails = entry.findall(f"{MEDIA}thumbnail")
    faults.need(len(thumbnails) <= 1, "more than one thumbnail")
    _thumbnails(faults, entry)
    faults.need(not entry.findall(f".//{MEDIA}content"), "media:content hangs on an entry")


def _children(
    faults: _Faults, parent: etree._Element, what: str,
    once: tuple[str, ...], at_most: tuple[str, ...], many: tuple[str, ...],
) -> None:  # fmt: skip
    counted = Counter(
        child.tag.removeprefix(ATOM) for child in parent if child.tag.startswith(ATOM)
    )
    for name in once:
        faults.need(counted[name] == 1, f"{what}: {counted[name]} {name} instead of one")
    for name in at_most:
        faults.need(counted[name] <= 1, f"{what}: more than one {name}")
    strange = counted.keys() - {*once, *at_most, *many}
    faults.need(not strange, f"{what}: no such elements: {strange}")
    foreign = {child.tag for child in parent if not child.tag.startswith("{")}
    faults.need(not foreign, f"{what}: elements without a namespace: {foreign}")


def _atom_common(faults: _Faults, parent: etree._Element, what: str) -> None:
    faults.need(_iri(parent.findtext(f"{ATOM}id")), f"{what}: id is not an absolute IRI")
    for name in ("updated", "published"):
        for found in parent.findall(f"{ATOM}{name}"):
            faults.need(_RFC3339.fullmatch(found.text or ""), f"{what}: {name} is no RFC 3339 date")
    for name in ("title", "subtitle", "summary", "rights", "content"):
        for found in parent.findall(f"{ATOM}{name}"):
            faults.need(found.get("type", "text") in ("text", "html"), f"{what}: type of {name}")
            faults.need(len(found) == 0, f"{what}: {name} has child elements")
    faults.need((parent.findtext(f"{ATOM}title") or "").strip(), f"{what}: no title")
    for person in parent.findall(f"{ATOM}author"):
        faults.need((person.findtext(f"{ATOM}name") or "").strip(), f"{what}: author without name")
        uri = person.findtext(f"{ATOM}uri")
        faults.need(uri is None or _web(uri), f"{what}: author's uri")
    for category in parent.findall(f"{ATOM}category"):
        faults.need(category.get("term"), f"{what}: category without term")
    alternates = []
    for link in parent.findall(f"{ATOM}link"):
        faults.need(_web(link.get("href")), f"{what}: link without an absolute address")
        faults.need(link.get("rel"), f"{what}: link without rel")
        kind = link.get("type")
        faults.need(kind is None or _MIME.fullmatch(kind), f"{what}: type of link")
        if link.get("rel") == "alternate":
            alternates.append((kind, link.get("hreflang")))
    faults.need(len(set(alternates)) == len(alternates), f"{what}: two alternates of one type")


def _thumbnails(faults: _Faults, parent: etree._Element) -> None:
    for found in parent.findall(f"{MEDIA}thumbnail"):
        faults.need(_web(found.get("url")), "thumbnail without address")
        for name in ("width", "height"):
            faults.need((found.get(name) or "1").isdigit(), f"thumbnail's {name}")


# RSS -------------------------------------------------------------------------------------------

_CHANNEL = {
    "title": True, "link": True, "description": True, "language": False, "copyright": False,
    "lastBuildDate": False, "docs": False, "generator": False, "ttl": False, "image": False,
}  # fmt: skip
_ITEM = ("title", "link", "description", "guid", "pubDate", "enclosure")


def rss_faults(body: bytes) -> list[str]:
    faults = _Faults()
    root = etree.fromstring(body)
    faults.need(root.tag == "rss" and root.get("version") == "2.0", "the root is no RSS 2.0")
    faults.need([child.tag for child in root] == ["channel"], "rss holds other than one channel")
    channel = root[0]
    counted = Counter(child.tag for child in channel)
    for name, required in _CHANNEL.items():
        faults.need(counted[name] <= 1, f"channel: more than one {name}")
        faults.need(counted[name] == 1 or not required, f"channel: no {name}")
    known = {*_CHANNEL, "item", f"{ATOM}link", f"{SY}updatePeriod", f"{SY}updateFrequency"}
    faults.need(not counted.keys() - known, f"channel: no such elements: {counted.keys() - known}")
    faults.need(_web(channel.findtext("link")), "channel: link is not an address")
    faults.need(_LANGUAGE.fullmatch(channel.findtext("language") or "en"), "channel: language")
    faults.need(channel.findtext("description"), "channel: no description")
    _rss_date(faults, channel.findtext("lastBuildDate"), "channel")
    links = channel.findall(f"{ATOM}link")
    faults.need([one.get("rel") for one in links].count("self") == 1, "channel: no atom:link self")
    _rss_rhythm(faults, channel)
    _rss_image(faults, channel)
    guids = Counter(item.findtext("guid") for item in channel.findall("item"))
    faults.need(all(n == 1 for n in guids.values()), "two items have one guid")
    for item in channel.findall("item"):
        _rss_item(faults, item)
    return faults


def _rss_rhythm(faults: _Faults, channel: etree._Element) -> None:
    minutes = int(channel.findtext("ttl") or 0)
    frequency = int(channel.findtext(f"{SY}updateFrequency") or 0)
    faults.need(channel.findtext(f"{SY}updatePeriod") == "hourly", "sy:updatePeriod")
    faults.need(minutes * frequency == 60, "ttl and sy: say different rhythms")


def _rss_image(faults: _Faults, channel: etree._Element) -> None:
    image = channel.find("image")
    if image is None:
        return
    for name in ("title", "link"):
        faults.need(image.findtext(name) == channel.findtext(name), f"image: {name} is not ours")
    faults.need(_web(image.findtext("url")), "image: no address")
    faults.need(0 < int(image.findtext("width") or 88) <= 144, "image: width")
    faults.need(0 < int(image.findtext("height") or 31) <= 400, "image: height")


def _rss_item(faults: _Faults, item: etree._Element) -> None:
    counted = Counter(child.tag for child in item)
    for name in _ITEM:
        faults.need(counted[name] <= 1, f"item: more than one {name}")
    known = {
        *_ITEM, "category", f"{CONTENT}encoded", f"{DC}creator", f"{DC}language",
        f"{MEDIA}thumbnail",
    }  # fmt: skip
    faults.need(not counted.keys() - known, f"item: no such elements: {counted.keys() - known}")
    faults.need(item.findtext("title") or item.findtext("description"), "item: nothing to show")
    faults.need(item.findtext("description"), "item: no description")
    faults.need(_web(item.findtext("link")), "item: link is not an address")
    guid = item.find("guid")
    faults.need(guid is not None and guid.text, "item: no guid")
    if guid is not None:
        permanent = guid.get("isPermaLink", "true") == "true"
        faults.need(not permanent or _web(guid.text), "item: a guid that is not a permanent link")
    faults.need(
        item.find(f"{CONTENT}encoded") is None or item.find("description") is not None,
        "item: content:encoded without description",
    )
    _rss_date(faults, item.findtext("pubDate"), "item")
    enclosure = item.find("enclosure")
    if enclosure is not None:
        faults.need(_web(enclosure.get("url")), "enclosure: no address")
        faults.need((enclosure.get("length") or "").isdigit(), "enclosure: length")
        faults.need(_MIME.fullmatch(enclosure.get("type") or ""), "enclosure: type")
    _thumbnails(faults, item)


def _rss_date(faults: _Faults, text: str | None, what: str) -> None:
    faults.need(text and _RFC822.fullmatch(text), f"{what}: {text!r} is no RFC 822 date")
    if text:
        at = parsedate_to_datetime(text)
        faults.need(text.startswith(f"{at:%a}"), f"{what}: {text!r} has the wrong weekday")


# JSON Feed -------------------------------------------------------------------------------------

_TOP = {
    "version", "title", "home_page_url", "feed_url", "description", "user_comment", "next_url",
    "icon", "favicon", "authors", "language", "expired", "hubs", "items",
}  # fmt: skip
_JSON_ITEM = {
    "id", "url", "external_url", "title", "content_html", "content_text", "summary", "image",
    "banner_image", "date_published", "date_modified", "authors", "tags", "language", "attachments",
}  # fmt: skip


def json_faults(body: bytes) -> list[str]:
    faults = _Faults()
    feed = json.loads(body)
    faults.need(feed.get("version") == "https://jsonfeed.org/version/1.1", "version")
    faults.need(isinstance(feed.get("title"), str) and feed["title"], "no title")
    faults.need(isinstance(feed.get("items"), list), "no items")
    faults.need(not feed.keys() - _TOP, f"no such keys: {feed.keys() - _TOP}")
    for name in ("home_page_url", "feed_url", "icon", "favicon"):
        faults.need(name not in feed or _web(feed[name]), f"{name} is not an address")
    faults.need(_LANGUAGE.fullmatch(feed.get("language", "en")), "language")
    ids = Counter(item.get("id") for item in feed["items"])
    faults.need(all(n == 1 for n in ids.values()), "two items have one id")
    for item in feed["items"]:
        _json_item(faults, item)
    return faults


def _json_item(faults: _Faults, item: dict[str, object]) -> None:
    faults.need(isinstance(item.get("id"), str) and item["id"], "item: no id")
    faults.need("content_html" in item or "content_text" in item, "item: no content")
    faults.need(not item.keys() - _JSON_ITEM, f"item: no such keys: {item.keys() - _JSON_ITEM}")
    for name in ("url", "external_url", "image", "banner_image"):
        faults.need(name not in item or _web(str(item[name])), f"item: {name} is not an address")
    for name in ("date_published", "date_modified"):
        faults.need(_RFC3339.fullmatch(str(item.get(name))), f"item: {name}")
    authors = item.get("authors", [])
    assert isinstance(authors, list)
    faults.need(len(authors) == 1, "item: not one author")
    faults.need(all(author.keys() & {"name", "url", "avatar"} for author in authors), "author")
    tags = item.get("tags", [])
    assert isinstance(tags, list)
    faults.need(all(isinstance(tag, str) and tag for tag in tags), "item: tags")
    attachments = item.get("attachments", [])
    assert isinstance(attachments, list)
    for one in attachments:
        faults.need(
            _web(one.get("url")) and _MIME.fullmatch(one.get("mime_type", "")), "attachment"
        )
        faults.need(isinstance(one.get("size_in_bytes", 0), int), "attachment: size")


CHECKS = {"atom": atom_faults, "rss": rss_faults, "json": json_faults}
