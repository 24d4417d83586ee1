"""Sitemaps: the addresses of a site with when they changed, and news sitemaps with headlines. Pure.

Rules: sitemaps.org 0.9, Google's extensions for news and images, plain text with an address a
line. A plain sitemap names no headlines: its entries have none until their pages are read.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from lxml import etree

from service.errors import ParseError
from service.model import Document, Entry, Further, Image
from service.parse import date_evidence
from service.parse.compressed import unpacked
from service.parse.feed import entry_keys
from service.parse.feed.entries import language_tag, sensible, unique
from service.parse.feed.entry_keys import Draft
from service.parse.options import ParseOptions
from service.parse.urls import web_address
from service.text.clean import title_text
from service.text.fold import nfc
from service.text.instants import dates
from service.text.web.sites import site_of

MOST = 50_000
"""Addresses in one sitemap: the rule says so, and what is more is left out."""

LARGEST = 50 * 1024 * 1024
"""Bytes of an unpacked sitemap, as the rule says."""

CUT_SHORT = "addresses-left-out"
"""The repair of a document that names more than MOST, or is larger than LARGEST."""

_LONGEST_TEXT = 2000
_Fields = dict[str, str]


def read_sitemap(
    body: bytes, _headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> Document:
    """A sitemap's addresses, or an index's sitemaps (as `further`). Raises ParseError."""
    plain, cut = unpacked(body, LARGEST)
    if not plain.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _of_lines(plain, url, cut=cut)
    reading = date_evidence.settled(reading, (), now, language=reading.language, url=url)
    home = site_of(url)
    drafts: list[Draft] = []
    children: dict[str, Further] = {}
    number = 0
    for kind, fields in _records(plain):
        number += 1
        if number > MOST:
            cut = True
            break
        link = web_address(fields.get("loc"), url)
        if link is None or site_of(link) != home:
            continue  # a site speaks for itself alone
        changed = _instant(fields.get("lastmod"), reading, now)
        if kind == "sitemap":
            children.setdefault(link, Further(link, changed))
        else:
            drafts.append(_draft(link, changed, fields, reading, now))
    return Document(
        title="",
        link=None,
        language=None,
        entries=entry_keys.settle(drafts, (url,)),
        repairs=(CUT_SHORT,) if cut else (),
        further=tuple(children.values()),
    )


def _records(body: bytes) -> Iterator[tuple[str, _Fields]]:
    """Each `url` or `sitemap` with the texts in it, by local name, news and image prefixed."""
    root: str | None = None
    try:
        for event, element in etree.iterparse(
            io.BytesIO(body), events=("start", "end"), resolve_entities=False, no_network=True,
            load_dtd=False, huge_tree=False, recover=True, remove_comments=True, remove_pis=True,
        ):  # fmt: skip
            if root is None:
                root = _name(element)
                if root not in {"urlset", "sitemapindex"}:
                    raise ParseError(_no_sitemap(root))
            if event == "start":
                continue
            name = _name(element)
            if name in {"url", "sitemap"} and _is_direct(element):
                yield name, _texts(element)
                _forget(element)
    except etree.LxmlError as error:
        raise ParseError("the sitemap cannot be understood") from error
    if root is None:
        raise ParseError("this is not a sitemap")


def _forget(element: etree._Element) -> None:
    """Drop what has been read: memory stays that of one record."""
    parent = element.getparent()
    element.clear()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _is_direct(element: etree._Element) -> bool:
    parent = element.getparent()
    return parent is not None and parent.getparent() is None


def _no_sitemap(root: str) -> str:
    known = {"rss": "a feed", "feed": "a feed", "RDF": "a feed", "html": "an HTML page"}
    said = known.get(root)
    return (
        f"this is {said}, not a sitemap" if said else f"this is not a sitemap: it begins <{root}>"
    )


def _texts(element: etree._Element) -> _Fields:
    fields: _Fields = {}
    for one in element.iterdescendants(etree.Element):
        text = (one.text or "")[:_LONGEST_TEXT].strip()
        if text:
            fields.setdefault(_name(one), " ".join(nfc(text).split()))
    return fields


def _name(element: etree._Element) -> str:
    """`loc`, `lastmod`, `news:title`, `image:loc`: by what the namespace is about."""
    return _said(element.tag) if isinstance(element.tag, str) else ""


@lru_cache(256)  # thousands of records have the same few elements
def _said(tag: str) -> str:
    space, _, name = tag.rpartition("}")
    about = next((one for one in ("news", "image", "video") if f"sitemap-{one}" in space), None)
    return f"{about}:{name}" if about else name


def _draft(
    link: str, changed: datetime | None, fields: _Fields, reading: ParseOptions, now: datetime
) -> Draft:
    written = fields.get("news:publication_date", "")
    image = web_address(fields.get("image:loc"), link)
    alt = fields.get("image:caption") or fields.get("image:title") or ""
    entry = Entry(
        key="",
        guid=None,
        link=link,
        link_is_key=False,
        title=_plain(fields.get("news:title", "")),
        published=_instant(written, reading, now),
        updated=changed,
        base=link,
        categories=unique(map(str.strip, fields.get("news:keywords", "").split(","))),
        image=Image(image, _plain(alt)) if image else None,
        language=language_tag(fields.get("news:language")) or reading.language,
    )
    return Draft(entry, written)


def _plain(text: str) -> str:
    return title_text(html.escape(html.unescape(text), quote=False))


def _instant(written: str | None, reading: ParseOptions, now: datetime) -> datetime | None:
    if not written:
        return None
    at = dates.parse(written, reading.zone, reading.order, now, reading.language)
    return sensible(at, now)


def _of_lines(body: bytes, url: str, *, cut: bool) -> Document:
    """A text with one address a line."""
    home = site_of(url)
    drafts: dict[str, Draft] = {}
    lines = body.decode("utf-8-sig", "replace").splitlines()
    for line in lines[:MOST]:
        written = line.strip()
        link = web_address(written, url) if written.startswith(("http://", "https://")) else None
        if written and link is None:
            raise ParseError("this is not a sitemap: neither XML nor an address a line")
        if link is not None and site_of(link) == home:
            entry = Entry(key="", guid=None, link=link, link_is_key=False, title="", base=link)
            drafts.setdefault(link, Draft(entry, ""))
    cut = cut or len(lines) > MOST
    return Document(
        title="",
        link=None,
        language=None,
        entries=entry_keys.settle(list(drafts.values()), (url,)),
        repairs=(CUT_SHORT,) if cut else (),
    )
