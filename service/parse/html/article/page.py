"""One article's own page, read for what a feed would have said of it. Pure.

bytes -> tree -> JSON-LD, meta, blocks -> body -> title, lead, time, authors, picture -> ArticlePage

Where the page says a thing several times, what people see goes before what search engines are
told, except for time and authors, where machines are told more exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree
from lxml.html import HtmlElement

from service.model import Image
from service.parse.feed import media
from service.parse.feed.entries import language_tag
from service.parse.html import blocks as block_texts
from service.parse.html import boilerplate
from service.parse.html.article import (
    body as body_text,
)
from service.parse.html.article import (
    byline,
    full_text,
    jsonld,
    meta,
)
from service.parse.html.article import (
    lead as page_lead,
)
from service.parse.html.article import (
    published as date_line,
)
from service.parse.html.article import (
    title as page_title,
)
from service.parse.html.article.body import Body
from service.parse.html.blocks import Block, ancestry
from service.parse.html.tree import base_of, decoded, tree_of
from service.parse.options import Reading
from service.parse.urls import web_address
from service.text.fold import folded_tokens
from service.text.language import guess
from service.text.web.canonical import is_home

_PARAGRAPH = 80
"""Characters of a line that is no caption and no label."""

_UNDER_THE_TITLE = 6
"""Blocks at the beginning of a text among which its title, date and author may stand."""


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """What the page says. "" and None: nothing that can be believed.

    `link`: its own address, from the canonical link where that is no front page. `published`:
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
    body: bytes, headers: Mapping[str, str], url: str, reading: Reading, now: datetime
) -> ArticlePage:
    """`url`: where the body came from. Raises ParseError for what is no HTML page."""
    tree = tree_of(body, headers, scripts=True)
    url = base_of(tree, url)
    data, head = jsonld.read(tree), meta.read(tree)
    for script in list(tree.iter("script", "noscript")):
        script.drop_tree()
    found = block_texts.blocks(tree)
    told = [data.title, *head.all(meta.TITLE)]
    prose = body_text.find(tree, found, url, said=frozenset(map(folded_tokens, told)))
    first = _place(found, prose.blocks[0]) if prose and prose.blocks else len(found)
    title, title_at = page_title.choose(found, told, head.document_title, first)
    prose = _without_beginning(prose, title)
    first = _place(found, prose.blocks[0]) if prose and prose.blocks else len(found)
    language = _language(reading, data.language, head.language, title, prose)
    lead = page_lead.choose(found, [data.lead, *head.all(meta.LEAD)], title, title_at, prose)
    published = date_line.published(
        [data.published], head, tree, found, (title_at, first), reading, now, language, url
    )
    link = _link(head, url)
    names = [*head.all(("og:site_name", "application-name")), data.publisher, *data.organisations]
    authors = byline.choose(
        data.authors,
        head.all(meta.AUTHOR),
        tree,
        prose,
        [*names, *byline.host_names(link or url)],
    )
    known = {title, *authors, *map(block_texts.text_of, tree.iter("time"))}
    return ArticlePage(
        title=title,
        link=link,
        published=published,
        lead=lead,
        text="\n\n".join(
            _paragraphs(prose, lead, known, decoded(body, headers) if reading.full else None)
        ),
        authors=authors,
        image=_image(data.image, head, prose, url),
        language=language,
    )


def _place(found: Sequence[Block], block: Block) -> int:
    return next(at for at, one in enumerate(found) if one is block)


def _without_beginning(prose: Body | None, title: str) -> Body | None:
    """Without the title and what stands under it in the same element: dates, names."""
    if prose is None:
        return None
    start = 0
    for at, block in enumerate(prose.blocks[:_UNDER_THE_TITLE]):
        heads = folded_tokens(block.text) == folded_tokens(title)
        if heads or byline.is_byline(block) or date_line.is_date_line(block.text):
            start = at + 1
        elif len(block.text) > page_title.LONGEST or block.text.endswith("."):
            break  # the text has begun
    return replace(prose, blocks=prose.blocks[start:])


def _paragraphs(prose: Body | None, lead: str, known: Iterable[str], html: str | None) -> list[str]:
    """The text without date lines and what is `known` otherwise; the lead first, and once.

    `html`: the page where its full text is wanted.
    """
    said = {folded_tokens(one) for one in known}
    texts = []
    if html is not None:
        aside = (prose.others, prose.aside) if prose else ((), ())
        texts = full_text.paragraphs(html, *aside)
        texts = [*_missing_opening(texts, prose), *texts]
        _drop_signatures(texts, prose)
    texts = texts or [
        block.text for block in (prose.blocks if prose else ()) if not byline.is_byline(block)
    ]
    texts = [
        text
        for text in texts
        if folded_tokens(text) not in said and not date_line.is_date_line(text)
    ]
    if lead and not page_lead.stands_in(lead, texts):
        texts.insert(0, lead)
    return texts


def _missing_opening(texts: Sequence[str], prose: Body | None) -> list[str]:
    """Paragraphs in front of the first of `texts` whose box has a name that put others off."""
    own = prose.blocks if prose else ()
    bare = [folded_tokens(block.text) for block in own]
    there = [folded_tokens(text) for text in texts]
    at = next((bare.index(words) for words in there[:_UNDER_THE_TITLE] if words in bare), 0)
    return [
        block.text
        for block, words in zip(own[:at], bare, strict=False)
        if len(block.text) >= _PARAGRAPH
        and words not in there
        and any(map(boilerplate.is_furniture, ancestry(block.element)))
    ]


def _drop_signatures(texts: list[str], prose: Body | None) -> None:
    """Names of outlets at the end, which our own reading does not see as text."""
    own = {folded_tokens(one) for one in prose.paragraphs} if prose else set()
    while texts and body_text.is_label_like(texts[-1]) and folded_tokens(texts[-1]) not in own:
        texts.pop()


def _language(
    reading: Reading, data: str, head: str | None, title: str, prose: Body | None
) -> str | None:
    """What is claimed, unless the text is plainly Vietnamese: many programs claim en-US."""
    text = " ".join((title, *(prose.paragraphs[:5] if prose else ())))
    seen = guess(text)
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


def _image(data: str, head: meta.Meta, prose: Body | None, url: str) -> Image | None:
    for written in (*head.all(meta.IMAGE), data):
        found = None if written.startswith("data:") else web_address(written, url)
        if found is not None and not is_logo(found):
            return Image(found)
    return first_picture(prose.element, url) if prose else None


def is_logo(address: str) -> bool:
    """Whether a picture is the outlet's sign: many pages have no other one to tell."""
    name = address.lower().rpartition("/")[2]
    return any(
        word in name for word in ("logo", "favicon", "default_avatar", "no-image", "noimage")
    )


def first_picture(element: HtmlElement, url: str) -> Image | None:
    return media.first_image(etree.tostring(element, encoding="unicode", with_tail=False), url)
