"""Entry -> the article it would make: cleaned, plain, bounded. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from service.curate.lead import lead_of
from service.model import Enclosure, Entry, Image, Refusal
from service.store.content.article_values import ArticleValues
from service.text.boilerplate import without_boilerplate
from service.text.clean import clean_html, plain, plain_of_clean, title_text
from service.text.excerpt import ELLIPSIS, sentences, shorten
from service.text.fold import lowered, nfc, words_of
from service.text.language import guess
from service.text.search_tokens import searched
from service.text.web.canonical import display_link, is_web

FULL_TEXT_CHARS = 600
"""A `description` of this length is the text itself: many feeds put it there. Shorter ones are
shown as the outlet wrote them."""

TITLE_CHARS = 80
"""Of an article without a title: its first words."""

LONGEST_TITLE = 500
LONGEST_NAME = 200
MOST_VALUES = 50
"""Characters of a title, of an author's or a category's name; how many of each an article keeps.
Beyond that a feed is broken or hostile."""

FIRST_YEAR, LAST_YEAR = 1980, 2100
"""A date outside is a default of some program ("1970-01-01"), not what the outlet says."""

_ALL_OF = attrgetter(*(name for name in Entry.__slots__ if name != "twins"))
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_MAIL_AND_NAME = re.compile(r"[^\s@]+@\S+ ?\((.+)\)|(.+?) ?<[^\s<>]+@[^\s<>]+>")
"""Of one line without double blanks. No two parts of it can take the same characters for long."""
_MAIL = re.compile(r"\S+@\S+")


@dataclass(frozen=True, slots=True)
class Shaped:
    """An article as it is stored, and the text that rules look at beside its title.

    `published_at` None: the source did not say. `hash` is over the words of title and text: the
    substance, whatever becomes of markup, pictures and counters in addresses.
    """

    values: ArticleValues
    text: str


def shape(
    entry: Entry, *, outlet: str = "", told: str | None = None, said: str | None = None
) -> Shaped | Refusal:
    """The article that the entry makes, or why it makes none.

    `outlet`: how readers know the source; `told`: the language that the TOML gives it, `said`: the
    one that its document claims.
    """
    full = clean_html(entry.content, entry.base) if entry.content else ""
    summary, content = without_boilerplate(plain(entry.summary)), plain_of_clean(full)
    longer = content if len(content) >= len(summary) else summary
    longer = without_boilerplate(longer) or longer or plain(entry.summary)
    title = shorten(title_text(entry.title), LONGEST_TITLE) or shorten(longer, TITLE_CHARS)
    if not title:
        return Refusal.EMPTY
    short = summary if 0 < len(summary) < FULL_TEXT_CHARS else lead_of(longer)
    short = "" if short == title else short
    if not entry.content and len(summary) >= FULL_TEXT_CHARS:
        full = clean_html(entry.summary, entry.base)
        content = plain_of_clean(full)
    text = f"{short} {content}".strip()
    values = ArticleValues(
        link=web_link(entry.address),
        title=title,
        lead=short,
        content=full,
        folded=_folded(title, text),
        authors=_authors(entry.authors, outlet),
        categories=_lines(entry.categories),
        enclosures=_enclosures(entry.enclosures),
        image=_image(entry.image),
        language=told or _language(entry.language or said, f"{title} {text[:1000]}"),
        published_at=believable(entry.published),
        hash=_digest(_words(title), _words(text)),
    )
    return Shaped(values, text)


def has_own_lead(lead: str, content: str) -> bool:
    """Whether a stored lead is made of sentences of the stored text; else it is a summary."""
    text = " ".join(plain_of_clean(content).split())
    return bool(lead) and all(
        one.removesuffix(ELLIPSIS) in text for one in sentences(lead, len(lead))
    )


def matched_text(short: str, content: str) -> str:
    """What rules look at beside the title, from the lead and the content as they are stored."""
    return f"{short} {plain_of_clean(content)}".strip()


def entry_hash(entry: Entry) -> bytes:
    """A hash of what the entry says, not of what stands beside it: equal means nothing to do."""
    told = (one if type(one) is str else f"\1{one!r}" for one in _ALL_OF(entry))
    return _digest(*told)


def web_link(address: str | None) -> str | None:
    """The address as readers may get it; None where it leads nowhere on the web."""
    shown = display_link(nfc(address)) if address else ""
    return shown if is_web(shown) else None


def believable(at: datetime | None) -> datetime | None:
    """The instant in UTC; None where it has no zone or cannot be meant."""
    if at is None or at.tzinfo is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        return None
    return at.astimezone(UTC)


def _authors(written: Iterable[str], outlet: str) -> tuple[str, ...]:
    """Names alone: no addresses (they are personal), and not the outlet's own name."""
    names = []
    for author in written:
        found = _MAIL_AND_NAME.fullmatch(" ".join(author.split()))
        names.append((found[1] or found[2]) if found else author)
    return tuple(
        name
        for name in _lines(names)
        if name.casefold() != outlet.casefold() and not _MAIL.fullmatch(name)
    )


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    """One line each, every one once whatever its case."""
    lines: dict[str, str] = {}
    for text in texts:
        line = shorten(title_text(text), LONGEST_NAME)
        if line:
            lines.setdefault(line.casefold(), line)
    return tuple(lines.values())[:MOST_VALUES]


def _enclosures(files: Iterable[Enclosure]) -> tuple[Enclosure, ...]:
    kept = (
        Enclosure(nfc(file.url), nfc(file.type), file.length) for file in files if is_web(file.url)
    )
    return tuple(kept)[:MOST_VALUES]


def _image(image: Image | None) -> Image | None:
    if image is None or not is_web(image.url):
        return None
    return Image(nfc(image.url), title_text(image.alt), image.width, image.height)


def _language(claimed: str | None, text: str) -> str | None:
    """What is claimed, unless the text is plainly Vietnamese: many programs claim en-US."""
    said = (claimed or "").strip().replace("_", "-")
    if said.lower().partition("-")[0] == "vi" and _LANGUAGE.fullmatch(said):
        return said
    seen = guess(text)
    if not _LANGUAGE.fullmatch(said):
        return seen
    return seen or said


def _folded(title: str, text: str) -> str:
    return " ".join(word for part in searched(title, text) for word in words_of(part)[1])


def _words(text: str) -> str:
    return " ".join(lowered(words_of(text)[0]))


def _digest(*texts: str) -> bytes:
    joined = "\0".join(texts).encode("utf-8", "replace")
    return hashlib.blake2b(joined, digest_size=16).digest()
