"""What a page's head says of its article: meta elements, canonical link, language. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml.html import HtmlElement

from service.parse.feed.entries import language_tag
from service.parse.html.blocks import one_line
from service.parse.html.tree import canonical_link

PUBLISHED = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished",
    "pubdate", "publishdate", "publish-date", "publish_date", "published_time", "published-date",
    "published_at", "publication_date", "publicationdate", "parsely-pub-date", "sailthru.date",
    "cxenseparse:recs:publishtime", "dc.date.issued", "dcterms.issued", "dcterms.created",
    "dc.date.created", "dc.date", "dcterms.date", "article.published", "article_date_original",
    "date", "rnews:datepublished", "its_publication", "dable:published_time", "last-modified-date",
    "buildtime", "datecreated", "dc.created",
)  # fmt: skip
"""Names under which pages say when an article came out, the most telling first."""

AUTHOR = (
    "dable:author", "parsely-author", "sailthru.author", "article:author_name", "byl", "authors",
    "dc.creator", "dcterms.creator", "cxenseparse:author", "author", "article:author",
    "rnews:author", "twitter:data1",
)  # fmt: skip
TITLE = ("og:title", "twitter:title", "dc.title", "parsely-title", "headline", "title")
LEAD = (
    "og:description",
    "description",
    "twitter:description",
    "dc.description",
    "sailthru.description",
)
IMAGE = (
    "og:image",
    "og:image:url",
    "og:image:secure_url",
    "twitter:image",
    "twitter:image:src",
    "image",
)


@dataclass(frozen=True, slots=True)
class Meta:
    """`values`: lower-case name -> all that is said under it, in order. "" = not said."""

    values: dict[str, list[str]] = field(default_factory=dict)
    document_title: str = ""
    canonical: str = ""
    language: str | None = None

    def all(self, names: Iterable[str]) -> list[str]:
        """What is said under these names, in the order of the names."""
        return [value for name in names for value in self.values.get(name, ())]

    def first(self, names: Iterable[str]) -> str:
        return next(iter(self.all(names)), "")


_SITE_TAG = re.compile(r"^[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*$")


def read(tree: HtmlElement) -> Meta:
    """Entities that were escaped twice are decoded twice: `&amp;#x2B;07:00` is "+07:00"."""
    values: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        content = one_line(html.unescape(element.get("content") or ""))
        if not content:
            continue
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            for name in (element.get(attribute) or "").lower().split():
                values.setdefault(name, []).append(content)
    title = next(tree.iter("title"), None)
    return Meta(
        values,
        one_line(title.text_content()) if title is not None else "",
        canonical_link(tree) or "",
        _language(tree, values),
    )


def _language(tree: HtmlElement, values: dict[str, list[str]]) -> str | None:
    root = tree.getroottree().getroot()
    said = [root.get("lang"), root.get("{http://www.w3.org/XML/1998/namespace}lang"),
            root.get("xml:lang")]  # fmt: skip
    said += values.get("og:locale", []) + values.get("content-language", [])
    said += values.get("language", []) + values.get("dc.language", [])
    return next(
        (tag for one in said if one and _SITE_TAG.match(one) and (tag := language_tag(one))), None
    )
