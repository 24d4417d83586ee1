"""Splits and merges by an admin's hand: the rows are moved, and the act is remembered.

Each is part of one transaction of the caller's, and holds admission and judging off until that
ends; what is judged later goes by the act (`by_hand`). The ledger is kept by article, and no act
touches it: who was told an article has been told, in whichever story that stands now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, count

from service.curate import identity
from service.curate.lookup import find_article, find_story
from service.curate.stories.by_hand import ByHand
from service.errors import StoryError
from service.model import StoryAct, StoryActKind
from service.store.content import entries, stale_feeds, story_acts, story_rows, versions
from service.store.core.database import Connection
from service.store.core.kicks import Kick, kick
from service.store.recalled import marks

APART, TOGETHER = StoryActKind.APART, StoryActKind.TOGETHER


@dataclass(frozen=True, slots=True)
class Acted:
    """The public ids of the stories that an act was about, as they are now; the named one first.

    `changed` False: an earlier act said the same, and nothing was written. `overruled`: the newest
    act that said otherwise until now.
    """

    stories: tuple[str, ...]
    changed: bool
    overruled: StoryAct | None = None


def split(
    connection: Connection,
    asked: str,
    leaving: Sequence[str],
    actor: str,
    now: datetime,
    *,
    each: bool = False,
    recalls: bool = False,
) -> Acted:
    """Take articles out of a story for good. What was merged into one goes with it.

    `asked` and `leaving`: ids or addresses, see `lookup`. What leaves becomes one new story, or
    with `each` one for every article. `recalls`: it is taken back by the caller. StoryError:
    something is unknown or in another story, was recalled, or no article would stay.
    """
    entries.queue(connection)
    story = _story(connection, asked)
    if not recalls:
        _not_recalled(connection, [story])
    members = story_rows.articles_of(connection, story)
    by_hand, acts = _said(connection, [story])
    going, elsewhere = set(), set()
    for one in leaving:
        article = find_article(connection, one)
        if article is None:
            raise StoryError(f"no article {one!r} is known")
        home = article if article in members else story_rows.story_of(connection, article)
        if article in members:
            going.add(article)
        elif home is not None and by_hand.apart(story, home):
            elsewhere.add(home)
        else:
            raise _elsewhere(connection, one, home, story)
    if going and going >= set(members):
        (name,) = _names(connection, [story])
        raise StoryError(
            f"no article would stay in the story {name}; name only those that leave it"
        )
    if not going:
        return Acted(_names(connection, [story, *sorted(elsewhere)]), changed=False)
    sides = dict.fromkeys(members, 0)
    sides |= {one: number if each else 1 for number, one in enumerate(sorted(going), 1)}
    fresh = {
        sides[one]: _begin(connection, one, now)
        for one in (sorted(going) if each else [min(going)])
    }
    _carry_out(connection, {one: fresh[sides[one]] for one in going}, now)
    story_acts.add(connection, APART, sides, actor, now)
    said = any(
        sides[one] != sides[other] for one in sides for other in by_hand.with_(one) & sides.keys()
    )
    overruled = _newest(TOGETHER, acts, sides) if said else None
    return Acted(_names(connection, [story, *fresh.values()]), True, overruled)


def merge(connection: Connection, asked: Sequence[str], actor: str, now: datetime) -> Acted:
    """Put stories together for good, under the id of the first.

    Where they are one story already, that is kept from now on. `asked`: ids or addresses, see
    `lookup`. StoryError: one is unknown, or was recalled.
    """
    entries.queue(connection)
    first, *others = dict.fromkeys(_story(connection, one) for one in asked)
    _not_recalled(connection, [first, *others])
    sides = {
        one: number
        for number, story in enumerate((first, *others))
        for one in story_rows.articles_of(connection, story)
    }
    by_hand, acts = _said(connection, (first, *others))
    if not others and by_hand.with_(min(sides)) >= sides.keys():
        return Acted(_names(connection, [first]), changed=False)
    said = any(by_hand.apart(one, other) for one, other in combinations((first, *others), 2))
    overruled = _newest(APART, acts, sides) if said else None
    _carry_out(connection, {one: first for one, number in sides.items() if number}, now)
    story_acts.add(connection, TOGETHER, sides, actor, now)
    return Acted(_names(connection, [first]), True, overruled)


def _story(connection: Connection, asked: str) -> int:
    found = find_story(connection, asked)
    if found is None:
        raise StoryError(f"no story {asked!r} is known; `bantin stories list` lists their ids")
    return found


def _not_recalled(connection: Connection, asked: Sequence[int]) -> None:
    for one in asked:
        if marks.among(connection, story_rows.articles_of(connection, one)):
            (name,) = _names(connection, [one])
            raise StoryError(f"the story {name} was recalled; `bantin recall --undo` gives it back")


def _elsewhere(connection: Connection, asked: str, home: int | None, story: int) -> StoryError:
    name, *other = _names(connection, [story, *([] if home is None else [home])])
    return StoryError(
        f"{asked!r} is in the story {', '.join(other)}, not in {name}; "
        f"`bantin stories show {name}` lists what is there"
    )


def _said(connection: Connection, stories: Iterable[int]) -> tuple[ByHand, Sequence[StoryAct]]:
    acts = story_acts.of_stories(connection, stories)
    return ByHand(acts, story_acts.homes(connection, acts)), acts


def _newest(
    kind: StoryActKind, acts: Sequence[StoryAct], sides: Mapping[int, int]
) -> StoryAct | None:
    """The newest act of a kind which names articles of several sides."""
    for act in reversed(acts):
        named = sides.keys() & act.sides.keys()
        several = kind is TOGETHER or len({act.sides[one] for one in named}) > 1
        if act.kind is kind and several and len({sides[one] for one in named}) > 1:
            return act
    return None


def _names(connection: Connection, stories: Sequence[int]) -> tuple[str, ...]:
    ids = story_rows.public_ids(connection, stories)
    return tuple(ids[one] for one in stories)


def _begin(connection: Connection, article: int, now: datetime) -> int:
    """A new story for an article, by an id that none had before."""
    ids = (identity.public_id(f"story split by hand {article}", number) for number in count(1))
    free = next(one for one in ids if not story_rows.has_begun(connection, one))
    return story_rows.begin(connection, free, article, now)


def _carry_out(connection: Connection, moves: Mapping[int, int], now: datetime) -> None:
    topics = story_rows.place(connection, moves)
    # Also where nothing moves: judges must read the act.
    versions.raise_(connection, [versions.STORIES, versions.HOMES])
    kick(connection, Kick.BY_HAND)
    stale_feeds.mark_listed(connection, topics, now)
