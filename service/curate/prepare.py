"""An entry made ready to be admitted, away from the store: a worker can do it. Pure.

Cleaning, folding and matching cost a hundred times what the rows cost, and need nothing but the
entry, the rules and how its source is called.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from service.curate import identity
from service.curate.articles import Shaped, believable, shape, web_link
from service.curate.citations import cited
from service.curate.listed import Visits, listed_hash, pack, wanted
from service.curate.rules.matcher import Matcher, Reason
from service.curate.rules.terms import Described
from service.model import Document, Entry, Refusal
from service.store.content.article_values import ArticleValues
from service.text.fold import nfc


@dataclass(frozen=True, slots=True)
class Told:
    """What the configuration says of a source, as its entries need it.

    `title` and `language` None: what the document says stands. `topics`: it brings everything into
    them. `visits`: whose pages are read first, None = nobody's. `id` of its row.
    """

    id: int
    name: str
    title: str | None = None
    language: str | None = None
    topics: tuple[str, ...] = ()
    visits: Visits | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the store needs of an entry. `values` None: refused, for the reason in `refusal`.

    `key` is the entry key within the source, `keys` all that lead to its article, the strongest
    first. `hash` is of all that the entry says. `reasons`: topic -> why its words belong there,
    `references`: the official documents that they cite.
    `published` and `updated` are what the outlet says where it can be believed. `listed`: its page
    is to be read before it becomes an article, and this is the entry until then, packed.
    """

    key: str
    keys: tuple[str, ...]
    guid: str | None
    link: str | None
    title: str
    hash: bytes
    published: datetime | None
    updated: datetime | None
    values: ArticleValues | None
    refusal: Refusal | None
    reasons: dict[str, Reason]
    references: tuple[str, ...] = ()
    listed: bytes | None = None

    def __reduce__(self) -> tuple[type[Prepared], tuple[Any, ...]]:
        """The same as that of ArticleValues."""
        return Prepared, _ALL(self)


_ALL = attrgetter(*Prepared.__slots__)


def prepare(
    document: Document, told: Told, matcher: Matcher, known: frozenset[bytes] = frozenset()
) -> tuple[list[Prepared], frozenset[bytes]]:
    """The entries of a document, each key once, in order; and the hashes of what they say.

    Entries whose hash is in `known` are left out: they say what they said.
    """
    fresh: dict[str, Entry] = {}
    for entry in document.entries:
        fresh.setdefault(nfc(entry.key), entry)
    hashes = {key: listed_hash(entry, told.visits) for key, entry in fresh.items()}
    outlet = told.title or document.title or told.name
    new = {key: entry for key, entry in fresh.items() if hashes[key] not in known}
    visited = wanted(new, told.visits)
    made = []
    for key, entry in new.items():
        one = _prepared(
            key, hashes[key], entry, told, matcher, outlet=outlet, said=document.language
        )
        made.append(replace(one, listed=pack(entry)) if key in visited else one)
    return made, frozenset(hashes.values())


def prepare_listed(listed: Entry, whole: Entry, told: Told, matcher: Matcher) -> Prepared:
    """An entry whose page was read, or given up: `whole` is what the two say together."""
    digest = listed_hash(listed, told.visits)
    outlet = told.title or told.name
    made = _prepared(nfc(listed.key), digest, whole, told, matcher, outlet=outlet, said=None)
    return replace(made, refusal=Refusal.NO_PAGE) if made.refusal is Refusal.EMPTY else made


def _prepared(
    key: str,
    digest: bytes,
    entry: Entry,
    told: Told,
    matcher: Matcher,
    *,
    outlet: str,
    said: str | None,
) -> Prepared:
    shaped = _shaped(entry, told, outlet=outlet, said=said)
    values = shaped.values if isinstance(shaped, Shaped) else None
    return Prepared(
        key=key,
        keys=identity.keys(entry, told.id),
        guid=None if entry.guid is None else nfc(entry.guid),
        link=values.link if values is not None else web_link(entry.address),
        title=values.title if values is not None else nfc(entry.title),
        hash=digest,
        published=believable(entry.published),
        updated=believable(entry.updated),
        values=values,
        refusal=shaped if isinstance(shaped, Refusal) else None,
        reasons=matcher.match(_described(shaped, told)) if isinstance(shaped, Shaped) else {},
        references=cited(shaped.values.title, shaped.text) if isinstance(shaped, Shaped) else (),
    )


def _shaped(entry: Entry, told: Told, *, outlet: str, said: str | None) -> Shaped | Refusal:
    """An entry that cannot be read refuses itself alone."""
    try:
        return shape(entry, outlet=outlet, told=told.language, said=said)
    except Exception:
        import structlog  # noqa: PLC0415 - hardly ever needed, and large

        log = structlog.get_logger("curate")
        log.exception("entry not readable", source=told.name, entry=entry.key)
        return Refusal.UNREADABLE


def _described(shaped: Shaped, told: Told) -> Described:
    return Described(
        title=shaped.values.title,
        text=shaped.text,
        source=told.name,
        categories=shaped.values.categories,
        language=shaped.values.language,
        own_topics=told.topics,
        lead=shaped.values.lead,
        link=shaped.values.link,
        authors=shaped.values.authors,
    )
