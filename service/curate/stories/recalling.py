"""Takes back what went out, and gives it back: one transaction of the caller's for each.

    the article leaves its story (or the whole story goes) ──> pages, feeds, references, search
                                                           ──> editions that were frozen before
                                                           ──> mails on their way are put off
                                                           ──> who was told is noted

Admission, planning and whoever builds a feed are held off until it ends. What was taken back stays
so: whatever the same addresses bring, and who prints the same words, is taken back with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.curate import identity
from service.curate.lookup import find_article
from service.curate.stories import acting
from service.errors import StoryError
from service.render.views import freeze, freeze_recalled, story_view
from service.store.content import articles as stored_articles
from service.store.content import entries, stale_feeds, stories, story_rows, versions
from service.store.content.article_values import ArticleValues
from service.store.core.database import Connection
from service.store.recalled import articles, frozen_stories, mails, marks, taking
from service.store.recalled.articles import NewWords, Recall
from service.store.recalled.corrections import ALONE_AFTER
from service.store.recalled.frozen_stories import FrozenStory

MOST_CHARS = 500
"""Characters of a reason: readers see it in one line of a mail."""

ITSELF = "bantin"
"""Who takes an article out of its story that turned out to be one with what was taken back."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What came of it. `changed` False: it was so already, and nothing was written.

    `articles`: how many; `put_off`: mails that are made anew before they go; `told`: readers who
    are told by a correction.
    """

    recall: Recall
    changed: bool
    articles: int = 0
    put_off: int = 0
    told: int = 0


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
    it. `reason` is read by readers. `hides_title`: its headline goes too. StoryError: it is not
    known, or there is no reason.
    """
    reason = " ".join(reason.split())
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
        return Recalled(articles.one(connection, there[article]), changed=False)
    going = sorted(members) if whole else [article]
    home = story if len(going) == len(members) else _alone(connection, story, article, actor, now)
    number = articles.add(connection, home, actor, reason, now, hides_title=hides_title)
    done = _take(connection, number, going, story, now, hides_title=hides_title)
    return replace(done, recall=articles.one(connection, number))


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
    homes = stories.of_articles(connection, members)
    was_hot = any(one.hot for one in articles.places(connection) if one.recall.id == number)
    shown = taking.give_back(connection, number)
    articles.undo(connection, number, actor, now)
    mails.drop_corrections(connection, number, now)
    frozen = frozen_stories.of(connection, homes.values())
    views = {
        one: freeze(story_view(found))
        for one, found in stories.by_ids(connection, [one.story_id for one in frozen]).items()
    }
    frozen_stories.change(
        connection,
        [replace(one, view=views[one.story_id]) for one in frozen if one.story_id in views],
    )
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
    hot = any(one.hot for one in articles.places(connection) if one.recall.id == number)
    _tell(connection, shown, now, hot=hot)
    return Recalled(said, True, len(going), stopped.put_off, stopped.told)


def _freeze_anew(
    connection: Connection, said: Recall, gone: Sequence[int], links: set[str], before: int
) -> None:
    """What editions show of it: a marked place, or what is left of the story that it was in."""
    frozen = frozen_stories.of(connection, [before])
    if not frozen:
        return
    left = stories.by_ids(connection, [before]).get(before)
    whole = left is None or bool(marks.among(connection, left.article_ids))
    now_shown = None if whole or left is None else freeze(story_view(left))
    changed: list[FrozenStory] = []
    for one in frozen:
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
        stays = tuple(number for number in one.article_ids if number not in gone)
        ids = one.article_ids if now_shown is None else stays
        changed.append(replace(one, view=view, article_ids=ids, retold=retold))
    frozen_stories.change(connection, changed)


def _tell(connection: Connection, topics: set[str], now: datetime, *, hot: bool) -> None:
    """Pages, feeds and judges see it."""
    scopes = versions.STORIES, versions.HOMES, versions.EDITIONS, versions.REFERENCES
    versions.raise_(connection, [*scopes, versions.RECALLS])
    feeds = {*topics, stale_feeds.EVERYTHING, *([stale_feeds.HOT] if hot else [])}
    stale_feeds.mark(connection, feeds, now)
