"""Takes back what went out, and gives it back: one transaction of the caller's for each.

    the article leaves its story (or the whole story goes) ──> pages, feeds, references, search
                                                           ──> editions that were frozen before
                                                           ──> mails on their way are put off
                                                           ──> who was told is noted

Admission, planning and whoever builds a feed are held off until it ends. What was taken back stays
so: whatever the same addresses bring, and who prints the same words, is taken back with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.curate import identity
from service.curate.lookup import find_article
from service.curate.stories import acting
from service.errors import StoryError
from service.render.views import freeze, freeze_recalled, story_view
from service.store.content import articles as stored_articles
from service.store.content import (
    entries,
    stale_feeds,
    stories,
    story_acts,
    story_rows,
    topics,
    versions,
)
from service.store.content.article_values import ArticleValues
from service.store.core.database import Connection
from service.store.recalled import articles, frozen_stories, mails, marks, staying, taking
from service.store.recalled.articles import NewWords, Recall
from service.store.recalled.corrections import ALONE_AFTER
from service.store.recalled.frozen_stories import FrozenStory
from service.store.recalled.staying import StayingArticle
from service.text.typed import normal

MOST_CHARS = 500
"""Characters of a reason: readers see it in one line of a mail."""

ITSELF = "bantin"
"""Who takes an article out of its story that turned out to be one with what was taken back."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What came of it. `changed` False: it was so already, and nothing was written.

    `articles`: how many; `put_off`: mails that are made anew before they go; `told`: readers who
    are told by a correction. `stay`: what other outlets tell of the story still.
    """

    recall: Recall
    changed: bool
    articles: int = 0
    put_off: int = 0
    told: int = 0
    stay: tuple[StayingArticle, ...] = ()


def recall(
    connection: Connection,
    asked: str,
    reason: str,
    actor: str,
    now: datetime,
    *,
    whole: bool = False,
    hides_title: bool = False,
) -> Recalled:
    """Take back an article, or with `whole` all of its story.

    `asked`: an id or an address, see `lookup`; our own page stands for the article that represents
    it. `reason` is read by readers. `hides_title`: its headline goes too, also where it was taken
    back with it before. StoryError: it is not known, or there is no reason.
    """
    reason = " ".join(normal(reason).split())
    if not reason:
        raise StoryError("a reason is needed: readers see it in place of the story")
    if len(reason) > MOST_CHARS:
        raise StoryError(f"the reason has {len(reason)} characters; {MOST_CHARS} are the most")
    _begin(connection)
    article = _article(connection, asked)
    story = story_rows.story_of(connection, article) or 0
    members = story_rows.articles_of(connection, story)
    there = marks.among(connection, [article])
    if there:
        done = _widened(connection, there[article], now, hides_title=hides_title)
        return replace(done, stay=tuple(staying.beside(connection, done.recall)))
    going = sorted(members) if whole else [article]
    home = story if len(going) == len(members) else _alone(connection, story, article, actor, now)
    number = articles.add(connection, home, actor, reason, now, hides_title=hides_title)
    done = _take(connection, number, going, story, now, hides_title=hides_title)
    said = articles.one(connection, number)
    return replace(done, recall=said, stay=tuple(staying.beside(connection, said)))


def undo(connection: Connection, asked: str, actor: str, now: datetime) -> Recalled:
    """Give back all that was taken back by one word. Its texts come with its sources' next read.

    StoryError: it is not known, or not taken back.
    """
    _begin(connection)
    article = _article(connection, asked)
    number = marks.among(connection, [article]).get(article)
    if number is None:
        raise StoryError(f"{asked!r} was not recalled, or was given back already")
    members = articles.members(connection, number)
    homes = story_rows.of_articles(connection, members)
    was_hot = any(one.hot for one in articles.places(connection, number))
    shown = taking.give_back(connection, number)
    articles.undo(connection, number, actor, now)
    mails.drop_corrections(connection, number, now)
    again = [
        replace(one, view=view)
        for one in _frozen(connection, homes.values())
        if _marked_by(one, number)
        and (view := _now_shown(connection, one.story_id, one.article_ids))
    ]
    frozen_stories.change(connection, again)
    _tell(connection, shown, now, hot=was_hot)
    return Recalled(articles.one(connection, number), changed=True, articles=len(members))


def known_again(
    connection: Connection,
    there: set[int],
    fresh: Mapping[int, ArticleValues],
    merged: set[int],
    now: datetime,
) -> set[int]:
    """Which articles of a document are taken back: they are neither amended nor placed.

    `there`: those that were stored; `merged`: of these, in which others have come up; `fresh`: the
    new ones, which are taken back too where they have the words, or the headline, of one that is.
    """
    if not marks.there_are(connection):
        return set()
    known = marks.among(connection, there)
    words = [
        NewWords(one, values.hash, identity.title_key(values.title))
        for one, values in fresh.items()
    ]
    again = articles.known_again(connection, words, now)
    _join(connection, {**{one: known[one] for one in known.keys() & merged}, **again}, now)
    return known.keys() | again.keys()


def _join(connection: Connection, found: dict[int, int], now: datetime) -> None:
    """These articles are what was taken back: article -> recall. Within admission's transaction.

    What was put into topics meanwhile is taken out again.
    """
    if found:
        marks.alone(connection)
    for article, number in sorted(found.items()):
        said = articles.one(connection, number)
        story = story_rows.story_of(connection, article) or 0
        members = story_rows.articles_of(connection, story)
        others = [one for one in members if one != article]
        if others and not marks.among(connection, others):
            _alone(connection, story, article, ITSELF, now)
        _take(connection, number, [article], story, now, hides_title=said.hides_title)


def _begin(connection: Connection) -> None:
    entries.queue(connection)
    marks.alone(connection)


def _article(connection: Connection, asked: str) -> int:
    found = find_article(connection, asked)
    if found is None:
        raise StoryError(f"no article {asked!r} is known")
    return found


def _alone(connection: Connection, story: int, article: int, actor: str, now: datetime) -> int:
    """The story of its own that the article has now: the others stay where they are."""
    name = story_rows.public_ids(connection, [story])[story]
    public_id = stored_articles.stored(connection, [article])[article].public_id
    acting.split(connection, name, [public_id], actor, now, recalls=True)
    return story_rows.story_of(connection, article) or 0


def _take(
    connection: Connection,
    number: int,
    going: Sequence[int],
    before: int,
    now: datetime,
    *,
    hides_title: bool,
) -> Recalled:
    """`before`: the story that the articles were in until now."""
    every = articles.with_merged(connection, going)
    titles = {
        one: identity.title_key(row.values.title)
        for one, row in stored_articles.stored(connection, going).items()
    }
    links = articles.links(connection, every)
    stopped = mails.withdraw(connection, number, every, now, now + ALONE_AFTER)
    shown = taking.take_out(connection, number, titles, hides_title=hides_title)
    said = articles.one(connection, number)
    _freeze_anew(connection, said, every, links, before)
    hot = any(one.hot for one in articles.places(connection, number))
    _tell(connection, shown, now, hot=hot)
    return Recalled(said, True, len(going), stopped.put_off, stopped.told)


def _freeze_anew(
    connection: Connection, said: Recall, gone: Sequence[int], links: set[str], before: int
) -> None:
    """What editions show of it: a marked place, or what is left of the story that it was in.

    Each row is judged by its own articles: these may have been split since it was frozen.
    """
    changed: list[FrozenStory] = []
    here = story_rows.of_articles(connection, gone).values()
    for one in _frozen(connection, {before, *here}):
        if not set(one.article_ids) & set(gone):
            continue
        stays = [number for number in one.article_ids if number not in gone]
        now_shown = _now_shown(connection, one.story_id, stays)
        retold = False
        if now_shown is None:
            view = freeze_recalled(
                dict(one.view), said.id, said.recalled_at, said.reason, titled=not said.hides_title
            )
        elif one.view["link"] in links or one.view["link"] is None:
            view = {**now_shown, "remade": said.id}
            retold = True
        else:
            others = [pair for pair in one.view["others"] if pair[1] not in links]
            view = {**one.view, "others": others, "remade": said.id}
        ids = one.article_ids if now_shown is None else tuple(stays)
        changed.append(replace(one, view=view, article_ids=ids, retold=retold))
    frozen_stories.change(connection, changed)


def _frozen(connection: Connection, homes: Iterable[int]) -> list[FrozenStory]:
    """The frozen rows of these stories, and of those that acts by hand parted them from."""
    known = set(homes)
    acts = story_acts.of_stories(connection, known)
    return frozen_stories.of(connection, known | set(story_acts.homes(connection, acts).values()))


def _now_shown(connection: Connection, story: int, wanted: Sequence[int]) -> dict[str, Any] | None:
    """The view of where these articles of a frozen row are now; None: none of them stands."""
    homes = story_rows.of_articles(connection, wanted)
    found = stories.by_ids(connection, {story, *homes.values()})
    for number in (story, *(homes[one] for one in wanted if one in homes)):
        there = found.get(number)
        if there is None or marks.among(connection, there.article_ids):
            continue
        if there.id in homes.values():
            return freeze(story_view(there))
    return None


def _marked_by(one: FrozenStory, recall_id: int) -> bool:
    return bool(one.view.get("recall", {}).get("id") == recall_id)


def _widened(connection: Connection, number: int, now: datetime, *, hides_title: bool) -> Recalled:
    """It was taken back already; its headline may go now as well."""
    said = articles.one(connection, number)
    if not hides_title or said.hides_title:
        return Recalled(said, changed=False)
    members = articles.members(connection, number)
    articles.hide_title(connection, number)
    taking.take_out(connection, number, dict.fromkeys(members), hides_title=True)
    homes = story_rows.of_articles(connection, members).values()
    frozen_stories.change(
        connection,
        [
            replace(one, view={**one.view, "title": ""})
            for one in _frozen(connection, homes)
            if _marked_by(one, number)
        ],
    )
    stopped = mails.correct_anew(connection, number, now)
    stood = articles.places(connection, number)
    ids = {topic for one in stood for topic in one.topics}
    names = {name for name, row in topics.ids(connection).items() if row in ids}
    _tell(connection, names, now, hot=any(one.hot for one in stood))
    return Recalled(articles.one(connection, number), True, len(members), stopped)


def _tell(connection: Connection, names: set[str], now: datetime, *, hot: bool) -> None:
    """Pages, feeds and judges see it."""
    scopes = versions.STORIES, versions.HOMES, versions.EDITIONS, versions.REFERENCES
    versions.raise_(connection, [*scopes, versions.RECALLS])
    feeds = {*names, stale_feeds.EVERYTHING, *([stale_feeds.HOT] if hot else [])}
    stale_feeds.mark(connection, feeds, now)
