"""What an article says, as it stands in its row. Needs no database: whoever makes one has none."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from service.model import Enclosure, Image


@dataclass(frozen=True, slots=True)
class Values:
    """What an article says. Instants aware UTC; `published` None = the source did not say."""

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
    published: datetime | None
    hash: bytes

    def as_row(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "authors": list(self.authors),
            "categories": list(self.categories),
            "enclosures": [asdict(one) for one in self.enclosures],
            "image": asdict(self.image) if self.image else None,
        }

    def after(self, before: Values) -> Values:
        """These values where `before` stood: what was published, and when, is fixed."""
        return replace(self, published=before.published or self.published)

    @classmethod
    def from_row(cls, row: Any) -> Values:
        """Of a row of `article`."""
        read = {name: getattr(row, name) for name in cls.__slots__}
        read |= {
            "authors": tuple(row.authors),
            "categories": tuple(row.categories),
            "enclosures": tuple(Enclosure(**one) for one in row.enclosures),
            "image": Image(**row.image) if row.image else None,
        }
        return cls(**read)
