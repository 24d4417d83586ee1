"""Which official documents an article cites. Pure."""

from __future__ import annotations

from service.curate.articles import matched_text
from service.store.content.article_values import ArticleValues
from service.text.references.find import MOST_REFERENCES, references


def cited(title: str, text: str) -> tuple[str, ...]:
    """The references in a title and a plain text, each once, MOST_REFERENCES at the most."""
    return tuple(dict.fromkeys(references(title) + references(text)))[:MOST_REFERENCES]


def cited_by(values: ArticleValues) -> tuple[str, ...]:
    """The references in an article's words as they are stored."""
    return cited(values.title, matched_text(values.lead, values.content))
