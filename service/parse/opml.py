"""OPML, as other readers export and import it: titles, addresses, folders. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from service.errors import ParseError
from service.parse.repair import pipeline
from service.parse.urls import web_address, without_feed_scheme
from service.text.clean import title_text
from service.text.fold import nfc


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed in an OPML file. `categories`: the folders that it stands in, outermost first."""

    title: str
    url: str
    categories: tuple[str, ...]


def read(body: bytes) -> list[Outline]:
    """Every feed once, in the order of the file. Raises ParseError for what is no OPML.

    Entities are not expanded, nothing is loaded, and what is broken is read as far as it goes.
    """
    text = pipeline.repair(body, {}, is_feed=False).text
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise ParseError("this is no OPML") from error
    if root is None or _name(root) != "opml":  # type: ignore[redundant-expr]  # recover gives None
        raise ParseError("this is no OPML")
    found: dict[str, Outline] = {}
    for outline in root.iter():
        feed = _feed(outline) if _name(outline) == "outline" else None
        if feed is not None:
            found.setdefault(feed.url, feed)
    return list(found.values())


def write(title: str, outlines: Iterable[Outline]) -> bytes:
    """A list that other readers import, and `read` too: a feed stands in each of its folders."""
    root: Any = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body: Any = etree.SubElement(root, "body")
    folders: dict[str, Any] = {}
    for outline in outlines:
        for name in outline.categories or ("",):
            if name and name not in folders:
                folders[name] = etree.SubElement(body, "outline", text=name)
            attributes = {"type": "rss", "text": outline.title, "xmlUrl": outline.url}
            etree.SubElement(folders.get(name, body), "outline", attributes)
    found: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return found


def _feed(outline: etree._Element) -> Outline | None:
    values = _attributes(outline)
    written = values.get("xmlurl")
    if written is None and values.get("type", "").lower() in {"rss", "atom", "link"}:
        written = values.get("url") if values["type"].lower() != "link" else None
    url = web_address(without_feed_scheme(written), "")
    if url is None:
        return None
    folders = [_title(_attributes(one)) for one in outline.iterancestors() if _is_folder(one)]
    named = [one.strip(" /") for one in values.get("category", "").split(",")]
    categories = tuple(dict.fromkeys(one for one in [*reversed(folders), *named] if one))
    return Outline(_title(values) or url, url, categories)


def _attributes(outline: etree._Element) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in outline.attrib.items()}


def _is_folder(element: etree._Element) -> bool:
    return _name(element) == "outline" and "xmlurl" not in _attributes(element)


def _title(values: dict[str, str]) -> str:
    return title_text(nfc(values.get("text") or values.get("title") or ""))


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
