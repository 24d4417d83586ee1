"""Frozen stories as they stand at planning: two may have been found to be one since the freeze."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.curate.selection.standing import from_json, together
from service.newsletter.choose import StoryItem
from service.render.views import is_recalled
from service.store.core.database import Connection
from service.store.mailing import edition_candidates, told
from service.store.mailing.editions import Frozen


@dataclass(frozen=True, slots=True)
class Items:
    """An edition's stories, in its order, and every article id that the ledger may hold of them.

    `roots`: article -> the one that it has become.
    """

    items: tuple[StoryItem, ...]
    roots: dict[int, int]

    def told(
        self, connection: Connection, scope: str, subscribers: Iterable[int]
    ) -> dict[int, set[int]]:
        """Subscriber -> roots of these stories' articles that it has been told in the scope."""
        known = told.known(connection, scope, subscribers, self.roots)
        return {who: {self.roots[one] for one in articles} for who, articles in known.items()}


def resolve(connection: Connection, frozen: Sequence[Frozen]) -> Items:
    """Follow what has become of stories and articles. A story counts once, at its first place.

    What was taken back since the freeze is left out.
    """
    become = edition_candidates.surviving_stories(connection, [one.story_id for one in frozen])
    now = edition_candidates.articles_of(connection, become.values())
    entered = edition_candidates.first_entrances(connection, become.values())
    groups: dict[int, list[Frozen]] = {}
    for one in (one for one in frozen if not is_recalled(one.view)):
        groups.setdefault(become[one.story_id], []).append(one)
    articles = {
        story: frozenset(a for one in group for a in one.article_ids)
        | frozenset(now.get(story, ()))
        for story, group in groups.items()
    }
    roots = edition_candidates.same_articles(
        connection, {a for ids in articles.values() for a in ids}
    )
    items = [
        StoryItem(
            story_id=group[0].story_id,
            topics=tuple(pair for one in group for pair in one.topics),
            roots=frozenset(roots.get(a, a) for a in articles[story]),
            articles=articles[story],
            outlet=group[0].view["outlet"],
            first_entered=min(
                [at for one in group for _, at in one.topics]
                + [at for at in (entered.get(story),) if at is not None]
            ),
            standing=together(
                [from_json(one.standing, [name for name, _ in one.topics]) for one in group]
            ),
        )
        for story, group in groups.items()
    ]
    return Items(tuple(items), roots)
