"""What an article says, as it stands in its row. Needs no database: worker processes make it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from service.model import Enclosure, Image


@dataclass(frozen=True, slots=True)
class ArticleValues:
    """What an article says. Instants aware UTC; `published_at` None = the source did not say."""

    link: str | None
    title: str
    lead: str
    content: str
    folded: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    image: Image | None
    language: str | None
    published_at: datetime | None
    hash: bytes

    def __reduce__(self) -> tuple[type[ArticleValues], tuple[Any, ...]]:
        """How a worker hands them over: what dataclasses do of themselves takes twice as long."""
        return ArticleValues, _ALL(self)

    def as_row(self) -> dict[str, Any]:
        return {
            **_parts(self),
            "enclosures": [_parts(one) for one in self.enclosures] or (),
            "image": _parts(self.image) if self.image else None,
        }

    def after(self, before: ArticleValues) -> ArticleValues:
        """These values where `before` stood: what was published, and when, is fixed."""
        return replace(self, published_at=before.published_at or self.published_at)

    @classmethod
    def from_row(cls, row: Any) -> ArticleValues:
        """The values of a row of `article`."""
        read = {name: getattr(row, name) for name in cls.__slots__}
        read |= {
            "authors": tuple(row.authors),
            "categories": tuple(row.categories),
            "enclosures": tuple(Enclosure(**one) for one in row.enclosures),
            "image": Image(**row.image) if row.image else None,
        }
        return cls(**read)


_ALL = attrgetter(*ArticleValues.__slots__)


def _parts(one: ArticleValues | Enclosure | Image) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
