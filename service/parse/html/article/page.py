"""One article's own page, read for what a feed would have said of it. Pure.

bytes -> tree -> JSON-LD, meta, blocks -> prose -> title, lead, time, authors, picture
-> ArticlePage

Where the page says a thing several times, what people see goes before what search engines are
told, except for time and authors, where machines are told more exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.model import Image
from service.parse.feed.entries import language_tag
from service.parse.html import blocks as block_texts
from service.parse.html.article import byline, extraction, jsonld, meta, prose
from service.parse.html.article import (
    lead as page_lead,
)
from service.parse.html.article import (
    published as page_date,
)
from service.parse.html.article import (
    title as page_title,
)
from service.parse.html.article.prose import Prose
from service.parse.html.date_line import is_date_line
from service.parse.html.tree import base_of, picture_in, tree_of
from service.parse.options import ParseOptions
from service.parse.urls import web_address
from service.text.fold import folded_tokens
from service.text.language import guess
from service.text.web.canonical import is_home

_UNDER_THE_TITLE = 6
"""Blocks at the beginning of a text among which its title, date and author may stand."""


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """What the page says. "" and None: nothing that can be believed.

    `link`: its own address, from the canonical link where that is not a front page. `published`:
    aware, UTC. `text`: paragraphs, the lead first, one line each.
    """

    title: str
    link: str | None
    published: datetime | None
    lead: str
    text: str
    authors: tuple[str, ...]
    image: Image | None
    language: str | None


def read(
    body: bytes, headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> ArticlePage:
    """`url`: where the body came from. Raises ParseError for what is no HTML page."""
    tree = tree_of(body, headers, scripts=True)
    url = base_of(tree, url)
    data, head = jsonld.read(tree), meta.read(tree)
    lines = extraction.lines(tree)
    for script in list(tree.iter("script", "noscript")):
        script.drop_tree()
    found = block_texts.blocks(tree)
    told = [data.title, *head.all(meta.TITLE)]
    text = prose.find(lines, found, url, said=frozenset(map(folded_tokens, told)))
    title, title_at = page_title.choose(
        found, told, head.document_title, prose.first_place(found, text)
    )
    text = _without_beginning(text, title)
    language = _language(reading, data.language, head.language, title, text)
    lead = page_lead.choose(found, [data.lead, *head.all(meta.LEAD)], title, title_at, text)
    around = (title_at, prose.first_place(found, text))
    published = page_date.published(
        [data.published], head, tree, found, around, reading, now, language, url
    )
    link = _link(head, url)
    names = [*head.all(("og:site_name", "application-name")), data.publisher, *data.organisations]
    authors = byline.choose(
        data.authors, head.all(meta.AUTHOR), tree, text, [*names, *byline.host_names(link or url)]
    )
    known = {title, *authors, *map(block_texts.text_of, tree.iter("time"))}
    return ArticlePage(
        title=title,
        link=link,
        published=published,
        lead=lead,
        text="\n\n".join(_paragraphs(text, lead, known)),
        authors=authors,
        image=_image(data.image, head, text, url),
        language=language,
    )


def _without_beginning(text: Prose | None, title: str) -> Prose | None:
    """The text without the title and what stands under it in the same element: dates, names."""
    if text is None:
        return None
    start = 0
    for at, one in enumerate(text.paragraphs[:_UNDER_THE_TITLE]):
        heads = folded_tokens(one.text) == folded_tokens(title)
        if heads or one.stands(byline.is_byline) or is_date_line(one.text, loose=True):
            start = at + 1
        elif len(one.text) > page_title.LONGEST or one.text.endswith("."):
            break  # the text has begun
    left = text.paragraphs[start:]
    return Prose(left) if left else None


def _paragraphs(text: Prose | None, lead: str, known: Iterable[str]) -> list[str]:
    """The text without date lines and what is `known` otherwise; the lead first, and once."""
    said = {folded_tokens(one) for one in known}
    paragraphs = text.paragraphs if text else ()
    edge = {*range(_UNDER_THE_TITLE), len(paragraphs) - 1}
    texts = [
        one.text
        for at, one in enumerate(paragraphs)
        if folded_tokens(one.text) not in said
        and not one.stands(byline.is_byline)
        and not (at in edge and is_date_line(one.text, loose=True))
    ]
    whole = folded_tokens(lead) in map(folded_tokens, texts)
    if lead and not whole and not page_lead.stands_in(lead, texts):
        texts.insert(0, lead)
    return texts


def _language(
    reading: ParseOptions, data: str, head: str | None, title: str, text: Prose | None
) -> str | None:
    """What is claimed, unless the text is plainly Vietnamese: many programs claim en-US."""
    seen = guess(" ".join((title, *(text.texts[:5] if text else ()))))
    said = reading.language or head or language_tag(data)
    if seen is not None and (said or "").lower().partition("-")[0] != seen:
        return seen
    return said


def _link(head: meta.Meta, url: str) -> str | None:
    for written in (head.canonical, head.first(("og:url",))):
        found = web_address(written, url) if written else None
        if found is not None and (not is_home(found) or is_home(url)):
            return found
    return web_address(url, url)


def _image(data: str, head: meta.Meta, text: Prose | None, url: str) -> Image | None:
    for written in (*head.all(meta.IMAGE), data):
        found = None if written.startswith("data:") else web_address(written, url)
        if found is not None and not _is_logo(found):
            return Image(found)
    around = text.element if text else None
    return None if around is None else picture_in(around, url)


def _is_logo(address: str) -> bool:
    """Whether a picture is the outlet's sign: many pages have no other one to tell."""
    name = address.lower().rpartition("/")[2]
    return any(
        word in name for word in ("logo", "favicon", "default_avatar", "no-image", "noimage")
    )
