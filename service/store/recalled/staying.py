"""What other outlets told of a story of which one article was taken back alone: it stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.model import StoryActKind
from service.store.content import story_acts
from service.store.core.bulk import lots
from service.store.recalled import marks
from service.store.recalled.articles import Recall
from service.store.tables import article, source


@dataclass(frozen=True, slots=True)
class StayingArticle:
    """Another outlet's article. `link` None: it has our own page alone."""

    public_id: str
    title: str
    outlet: str
    link: str | None

    @property
    def address(self) -> str:
        """What commands take it by."""
        return self.link or self.public_id


def beside(connection: Connection, said: Recall) -> list[StayingArticle]:
    """The articles that the act parted from what it took back, and that stand now, by their ids.

    What was parted by hand at another time tells other news. Empty where all of the story went, or
    was given back.
    """
    if said.undone_at is not None:
        return []
    parted: set[int] = set()
    for one in story_acts.of_stories(connection, [said.story_id]):
        if one.kind is StoryActKind.APART and one.happened_at == said.recalled_at:
            taken = {one.sides[number] for number in marks.among(connection, one.sides)}
            parted |= {number for number, side in one.sides.items() if side not in taken}
    return _standing(connection, parted - marks.among(connection, parted).keys())


def _standing(connection: Connection, ids: Iterable[int]) -> list[StayingArticle]:
    found: dict[int, StayingArticle] = {}
    for some in lots(sorted(ids)):
        rows = connection.execute(
            select(
                article.c.id, article.c.public_id, article.c.title, source.c.title, article.c.link
            )
            .join(source, source.c.id == article.c.source_id)
            .where(article.c.id.in_(some), article.c.merged_into.is_(None))
        )
        found |= {number: StayingArticle(*told) for number, *told in rows}
    return [found[number] for number in sorted(found)]
