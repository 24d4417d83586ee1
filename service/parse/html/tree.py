"""An HTML page as a tree, its pictures, and what relative addresses are read against. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from service.errors import ParseError
from service.model import Image
from service.parse.feed import media
from service.parse.urls import web_address
from service.text.markup import with_closed_quotes
from service.text.web import http_headers as http

_META_CHARSET = re.compile(rb"(?i)<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]+)")


def tree_of(body: bytes, headers: Mapping[str, str], *, scripts: bool = False) -> HtmlElement:
    """The page as a tree, without styles; `scripts`: with what stands in them as data.

    Raises ParseError for what is not a page.
    """
    text = with_closed_quotes(decoded(body, headers))
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        tree = document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise ParseError("this is no HTML page") from error
    for element in list(tree.iter("style", "template", *(() if scripts else ("script",)))):
        element.drop_tree()
    return tree


def decoded(body: bytes, headers: Mapping[str, str]) -> str:
    """What is valid UTF-8 is UTF-8, whatever the server and the page say."""
    wide = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(body[:2])
    declared = _META_CHARSET.search(body[:4096])
    named = declared[1].decode("ascii") if declared else None
    for charset in (wide, "utf-8-sig", http.charset(headers), named, "windows-1252"):
        if charset is None:
            continue
        try:
            return body.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("utf-8", "replace")


def base_of(tree: HtmlElement, url: str) -> str:
    """What the page's relative addresses are read against.

    A section's address without the slash that its page calls it by (`rel="canonical"`) would send
    them one folder up; a browser was redirected to it.
    """
    for element in tree.iter("base"):
        return web_address(element.get("href"), url) or url
    if urlsplit(url).path.endswith("/"):
        return url
    called = canonical_of(tree, url)
    same = called and urlsplit(called).path == f"{urlsplit(url).path}/"
    return urlsplit(url)._replace(path=urlsplit(called).path).geturl() if called and same else url


def canonical_of(tree: HtmlElement, url: str) -> str | None:
    """What the page calls itself; None where it does not say."""
    link = canonical_link(tree)
    if link is not None:
        return web_address(link, url)
    for element in tree.iter("meta"):
        if element.get("property") == "og:url":
            return web_address(element.get("content"), url)
    return None


def canonical_link(tree: HtmlElement) -> str | None:
    """Its canonical link as it is written, "" without an address; None where there is none."""
    for element in tree.iter("link"):
        if "canonical" in (element.get("rel") or "").lower().split():
            return (element.get("href") or "").strip()
    return None


def picture_in(element: HtmlElement, base: str) -> Image | None:
    """The first real picture in an element."""
    return media.first_image(etree.tostring(element, encoding="unicode", with_tail=False), base)


def own_address(body: bytes, headers: Mapping[str, str]) -> str | None:
    """The address that a saved page gives itself; None where it gives none, or is not a page."""
    try:
        called = canonical_of(tree_of(body, headers), "")
    except ParseError:
        return None
    if called is None or not called.startswith("http:"):
        return called
    # An old template may still write http where all the page's own links are https.
    host = urlsplit(called).netloc
    return (
        f"https:{called.removeprefix('http:')}" if f"https://{host}/".encode() in body else called
    )
