"""Stories that are taken back, in editions that were frozen before: the one change of such rows.

Those that an editor took out of an edition stand beside it and may be put back, so they as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from service.store.core.bulk import lots
from service.store.tables import dropped_story, edition_story, story


@dataclass(frozen=True, slots=True)
class FrozenStory:
    """A story of an edition. `story_id`: as it was frozen. `view`: what mail and page render.

    `dropped`: an editor took it out. `retold`: its view is of another article now, so that an
    editor's note below it ends.
    """

    edition_id: int
    story_id: int
    article_ids: tuple[int, ...]
    view: Mapping[str, Any]
    dropped: bool = False
    retold: bool = False


def of(connection: Connection, stories: Iterable[int]) -> list[FrozenStory]:
    """These stories, and what has become them, in all editions."""
    found = []
    for some in lots(stories):
        for table in (edition_story, dropped_story):
            rows = connection.execute(
                select(table.c.edition_id, table.c.story_id, table.c.article_ids, table.c.view)
                .join(story, story.c.id == table.c.story_id)
                .where(or_(story.c.id.in_(some), story.c.merged_into.in_(some)))
                .order_by(table.c.edition_id, table.c.story_id)
            )
            found += [
                FrozenStory(
                    row.edition_id, row.story_id, tuple(row.article_ids), row.view,
                    dropped=table is dropped_story,
                )
                for row in rows
            ]  # fmt: skip
    return found


def change(connection: Connection, changed: Sequence[FrozenStory]) -> None:
    """From now on these say so."""
    for table in (edition_story, dropped_story):
        here = [one for one in changed if one.dropped is (table is dropped_story)]
        mine = update(table).where(
            table.c.edition_id == bindparam("edition"), table.c.story_id == bindparam("frozen")
        )
        if here:
            said = mine.values(article_ids=bindparam("ids"), view=bindparam("shown"))
            connection.execute(said, [_values(one) for one in here])
        retold = [{"edition": one.edition_id, "frozen": one.story_id} for one in here if one.retold]
        if retold:
            connection.execute(mine.values(note=None), retold)


def _values(one: FrozenStory) -> dict[str, Any]:
    return {
        "edition": one.edition_id,
        "frozen": one.story_id,
        "ids": list(one.article_ids),
        "shown": dict(one.view),
    }
