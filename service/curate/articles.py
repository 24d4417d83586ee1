"""Entry -> the article it would make: cleaned, plain, bounded. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.curate.canonical import display_link
from service.model import Enclosure, Entry, Image, Refusal
from service.text.clean import clean_html, plain, title_text
from service.text.excerpt import lead, shorten
from service.text.fold import folded_tokens
from service.text.language import guess

LEAD_CHARS = 600
"""A summary is shown as the outlet wrote it, up to this; longer ones are whole articles."""

FULL_TEXT_CHARS = 1500
"""A `description` of this length is the text itself: many feeds put it there."""

SEARCH_CHARS = 20_000
"""How much of a text is kept for matching; news are a tenth of it."""

TITLE_CHARS = 80
"""Of an article without a title: its first words."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """The values of an article. `text` is all its plain text, for matching.

    `published` None: the source did not say. `hash` is over title, lead and content: the substance.
    """

    link: str | None
    title: str
    lead: str
    content: str
    text: str
    folded: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    image: Image | None
    language: str | None
    published: datetime | None
    hash: bytes


def shape(entry: Entry, language: str | None) -> Shaped | Refusal:
    """The article that the entry makes, or why it makes none. `language`: the source's."""
    summary, content = plain(entry.summary), plain(entry.content)
    text = content if len(content) >= len(summary) else summary
    title = title_text(entry.title) or shorten(text, TITLE_CHARS)
    if not title:
        return Refusal.EMPTY
    full = _full_text(entry, summary)
    short = shorten(summary, LEAD_CHARS) if summary and not _is_long(summary) else lead(text)
    return Shaped(
        link=display_link(entry.link) if entry.link else None,
        title=title,
        lead="" if short == title else short,
        content=full,
        text=text,
        folded=folded_tokens(f"{title} {text}"[:SEARCH_CHARS]),
        authors=_lines(entry.authors),
        categories=_lines(entry.categories),
        enclosures=entry.enclosures,
        image=entry.image,
        language=entry.language or language or guess(f"{title} {text[:1000]}"),
        published=entry.published,
        hash=_digest(title, short, full),
    )


def entry_hash(entry: Entry) -> bytes:
    """Of all that the entry says: equal means that there is nothing to do."""
    return _digest(repr(entry))


def _is_long(summary: str) -> bool:
    return len(summary) >= FULL_TEXT_CHARS


def _full_text(entry: Entry, summary: str) -> str:
    """Clean HTML of the whole text where the source's own feed has it, else ""."""
    if entry.content:
        return clean_html(entry.content, entry.base)
    return clean_html(entry.summary, entry.base) if _is_long(summary) else ""


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for text in texts if (line := title_text(text))))


def _digest(*texts: str) -> bytes:
    joined = "\0".join(texts).encode("utf-8", "replace")
    return hashlib.blake2b(joined, digest_size=16).digest()
