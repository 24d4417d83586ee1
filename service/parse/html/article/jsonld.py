"""What a page tells machines about its article in JSON-LD (schema.org). Pure.

Publishers write it by hand into templates: line breaks inside strings, entities escaped once or
twice, trailing commas, several graphs of which one is the article.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml.html import HtmlElement

from service.text.clean import title_text
from service.text.fold import nfc

_ARTICLES = re.compile(
    r"(?:article|posting|report|newsitem|review|recipe|creativework|webpage)$", re.IGNORECASE
)
_WEAK = re.compile(r"(?:webpage|creativework)$", re.IGNORECASE)
_WRAPPED = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*;?\s*$"
)
_TRAILING = re.compile(r",(\s*[}\]])")
_MOST_NODES = 2000
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class LinkedData:
    """Texts as they are written, "" = not said. `authors` are people, no organisations."""

    title: str = ""
    lead: str = ""
    published: str = ""
    authors: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    image: str = ""
    language: str = ""
    publisher: str = ""


def read(tree: HtmlElement) -> LinkedData:
    """The article of the page; empty where the page tells none."""
    nodes = list(_nodes(tree))
    named = {str(node["@id"]): node for node in nodes if isinstance(node.get("@id"), str)}
    articles = [node for node in nodes if _is_article(node)]
    if not articles:
        return LinkedData()
    node = max(articles, key=_telling)
    authors, organisations = _authors(node.get("author") or node.get("creator"), named)
    return LinkedData(
        title=_line(node.get("headline")) or _line(node.get("name")),
        lead=_line(node.get("description")),
        published=_line(node.get("datePublished")) or _line(node.get("dateCreated")),
        authors=authors,
        organisations=organisations,
        image=_image(node.get("image") or node.get("thumbnailUrl"), named),
        language=_line(_name(node.get("inLanguage"), named)),
        publisher=_line(_name(node.get("publisher"), named)),
    )


def _nodes(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    """Every object of every block, outer ones first."""
    left = _MOST_NODES
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower():
            continue
        todo = [(_parsed(script.text or ""), 0)]
        while todo and left:
            value, depth = todo.pop(0)
            if depth > _DEEPEST:
                continue
            if isinstance(value, dict):
                left -= 1
                yield value
                todo += [(inner, depth + 1) for inner in value.values()
                         if isinstance(inner, dict | list)]  # fmt: skip
            elif isinstance(value, list):
                todo += [(inner, depth + 1) for inner in value]


def _parsed(text: str) -> Any:
    text = _WRAPPED.sub("", _WRAPPED.sub("", text)).strip()
    for attempt in (text, _TRAILING.sub(r"\1", text), html.unescape(text)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _types(node: dict[str, Any]) -> list[str]:
    said = node.get("@type")
    return [str(one) for one in (said if isinstance(said, list) else [said]) if one]


def _is_article(node: dict[str, Any]) -> bool:
    return any(_ARTICLES.search(one) for one in _types(node))


def _telling(node: dict[str, Any]) -> int:
    """How much it says of an article; a mere page says least."""
    said = ("headline", "datePublished", "author", "articleBody", "image", "description")
    weak = all(_WEAK.search(one) for one in _types(node) if _ARTICLES.search(one))
    return sum(bool(node.get(name)) for name in said) - 10 * weak


def _decoded(value: Any) -> str:
    """A text; entities decoded while there plainly are any, at most twice."""
    if not isinstance(value, str):
        return ""
    for _ in range(2):
        value = html.unescape(value)
    return nfc(value).strip()


def _line(value: Any) -> str:
    if isinstance(value, list):
        value = next((one for one in value if isinstance(one, str)), "")
    return title_text(_decoded(value))


def _meant(value: Any, named: dict[str, dict[str, Any]]) -> Any:
    """What a reference by @id means."""
    if isinstance(value, dict) and "name" not in value and "url" not in value:
        return named.get(str(value.get("@id")), value)
    return value


def _name(value: Any, named: dict[str, dict[str, Any]]) -> Any:
    value = _meant(value[0] if isinstance(value, list) and value else value, named)
    return value.get("name") if isinstance(value, dict) else value


def _authors(
    value: Any, named: dict[str, dict[str, Any]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    people: list[str] = []
    others: list[str] = []
    for one in value if isinstance(value, list) else [value]:
        meant = _meant(one, named)
        if isinstance(meant, dict):
            names = meant.get("name")
            into = others if any("organi" in kind.lower() for kind in _types(meant)) else people
        else:
            names, into = meant, people
        into += [_line(name) for name in (names if isinstance(names, list) else [names])]
    return tuple(filter(None, people)), tuple(filter(None, others))


def _image(value: Any, named: dict[str, dict[str, Any]]) -> str:
    for one in value if isinstance(value, list) else [value]:
        meant = _meant(one, named)
        if isinstance(meant, dict):
            meant = meant.get("url") or meant.get("contentUrl")
        if isinstance(meant, list):
            meant = meant[0] if meant else ""
        if isinstance(meant, str) and meant.strip():
            return html.unescape(meant).strip()
    return ""
