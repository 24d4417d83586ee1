"""How close articles of a story are to one another: worked out anew, for nobody keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service.curate.articles import matched_text
from service.store.content import articles, story_rows
from service.store.content.sightings import OtherArticle
from service.store.core.database import Connection

if TYPE_CHECKING:
    from service.curate.stories.terms import Terms
    from service.store.content.articles import Matchable
    from service.store.content.story_rows import Judgeable

BESIDE, DAYS = 300, timedelta(days=5)
"""As many articles as came before the newest of them, and how long before, tell how rare words are:
in half a second, and nearly as well as all that the judge knows."""

MOST = 50
"""Others that are compared with, the first ones of a story."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """`alike`: public id -> how alike that article is, from 0 to 1.

    `enough`: what is so much alike to the articles of a story on average belongs to it.
    """

    alike: Mapping[str, float]
    enough: float


def closeness(
    connection: Connection, article_id: int, others: Iterable[OtherArticle]
) -> Closeness | None:
    """To the others that were not merged, at most MOST of them; None: there is none.

    What was recalled has no text to be compared.
    """
    wanted = {one.id: one.public_id for one in others if not one.was_merged}
    ids = sorted(wanted)[:MOST]
    if not ids:
        return None
    from service.curate.stories.engine import StorySettings  # noqa: PLC0415 - numpy is large

    own = _measured(connection, [article_id, *ids]).get(article_id, {})
    alike = {wanted[one]: much for one, much in own.items() if one != article_id}
    return Closeness(alike, StorySettings().threshold) if alike else None


def means(connection: Connection, members: Sequence[int]) -> dict[int, float]:
    """How alike each of the first MOST of these is to the others of them on average."""
    ids = members[:MOST]
    if len(ids) < 2:  # noqa: PLR2004 - there is no other
        return {}
    rows = _measured(connection, ids)
    return {
        one: (sum(row.values()) - row[one]) / (len(rows) - 1)
        for one, row in rows.items()
        if len(rows) > 1
    }


def _measured(connection: Connection, ids: Sequence[int]) -> dict[int, dict[int, float]]:
    """How alike each of these is to each; without those that were recalled."""
    from service.curate.stories.engine import StorySettings  # noqa: PLC0415 - numpy is large
    from service.curate.stories.likeness import likeness  # noqa: PLC0415

    known = {row.id: row for row in articles.matchable(connection, ids)}
    if not known:
        return {}
    newest = known[max(known)]  # the same for each of them, so that they are as alike both ways
    since = newest.first_seen_at - DAYS
    beside = story_rows.within(connection, since, newest.id - BESIDE, newest.id, BESIDE)
    rare = [_terms(row) for row in beside if row.id not in known]
    left = [one for one in ids if one in known]
    read = [(_terms(known[one]), known[one].first_seen_at) for one in left]
    rows: list[list[float]] = likeness(read, rare, StorySettings()).tolist()
    return {one: dict(zip(left, row, strict=True)) for one, row in zip(left, rows, strict=True)}


def _terms(row: Matchable | Judgeable) -> Terms:
    from service.curate.stories import terms  # noqa: PLC0415 - numpy is large

    return terms.read(row.title, matched_text(row.lead, row.content), row.language)
