"""A feed before it has a format: its name, its addresses, what it says of itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.config.sections import Hot
from service.render.addresses import (
    HOME,
    SEARCH,
    absolute,
    feed_path,
    reference_page,
    reference_path,
    search_query,
    topic_page,
)
from service.render.views import SiteView
from service.render.words import Words
from service.store.content.page_queries import PublishedTopic
from service.store.content.stale_feeds import EVERYTHING, HOT

FRESH_FOR = timedelta(minutes=15)
"""How long a feed may be kept before it is asked for again: RSS ttl, sy: and Cache-Control's
max-age say the same, and never more than half an hour, since news are to be timely."""

FORMATS = ("atom", "rss", "json")
MEDIA_TYPES = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
}

ICON, SMALL_ICON = "icon-512.png", "icon-144.png"


@dataclass(frozen=True, slots=True)
class FeedChannel:
    """One feed. All addresses are absolute, but for `path`: its own on the site, without format.

    `query` stands behind the format, with its "?".
    """

    path: str
    id: str
    title: str
    subtitle: str
    home: str
    base: str
    site: str
    language: str
    rights: str
    created_at: datetime
    hubs: tuple[str, ...] = ()
    query: str = ""

    def self_link(self, format_: str) -> str:
        return absolute(f"{self.path}.{format_}{self.query}", self.base)

    @property
    def icon(self) -> str:
        """Square, 512 px."""
        return absolute(f"/assets/{ICON}", self.base)

    @property
    def small_icon(self) -> str:
        """Square, 144 px: RSS takes no larger one."""
        return absolute(f"/assets/{SMALL_ICON}", self.base)


def _channel(
    site: SiteView,
    words: Words,
    *,
    path: str,
    id: str,  # noqa: A002 - as the channel calls it
    title: str,
    subtitle: str,
    home: str,
    created_at: datetime,
    query: str = "",
) -> FeedChannel:
    """A channel of the site. `title`: what it is about."""
    return FeedChannel(
        path=path,
        id=id,
        title=words.say("feed.title", topic=title, site=site.title),
        subtitle=subtitle,
        home=home,
        base=site.base_url,
        site=site.title,
        language=site.language,
        rights=site.rights,
        created_at=created_at,
        query=query,
    )


def topic_channel(
    site: SiteView, words: Words, topic: PublishedTopic, authority: str, sources: int
) -> FeedChannel:
    """The feed of a topic: `sources` tell it."""
    return _channel(
        site,
        words,
        path=feed_path(topic.name),
        id=f"tag:{authority}:topic/{topic.id}",
        title=topic.title,
        subtitle=_count(words, "feed.subtitle", sources, topic=topic.title, site=site.title),
        home=absolute(topic_page(topic.name), site.base_url),
        created_at=topic.created_at,
    )


def everything_channel(
    site: SiteView, words: Words, authority: str, sources: int, created_at: datetime
) -> FeedChannel:
    """The feed of all topics."""
    title = words.say("feed.everything")
    return _channel(
        site,
        words,
        path=feed_path(EVERYTHING),
        id=f"tag:{authority}:everything",
        title=title,
        subtitle=_count(words, "feed.subtitle.everything", sources, site=site.title),
        home=absolute(HOME, site.base_url),
        created_at=created_at,
    )


def hot_channel(
    site: SiteView, words: Words, authority: str, hot: Hot, created_at: datetime
) -> FeedChannel:
    """The feed of hot stories."""
    return _channel(
        site,
        words,
        path=feed_path(HOT),
        id=f"tag:{authority}:hot",
        title=words.say("feed.hot"),
        subtitle=words.say(
            "feed.subtitle.hot",
            n=hot.outlets,
            hours=f"{hot.within / timedelta(hours=1):g}",
            site=site.title,
        ),
        home=absolute(HOME, site.base_url),
        created_at=created_at,
    )


def reference_channel(
    site: SiteView, words: Words, reference: str, authority: str, created_at: datetime
) -> FeedChannel:
    """The feed of who cites an official document."""
    title = words.say("page.reference.title", reference=reference)
    path = reference_path(reference)
    return _channel(
        site,
        words,
        path=path,
        id=f"tag:{authority}:{path.removeprefix('/')}",
        title=title,
        subtitle=words.say("feed.subtitle.reference", reference=reference, site=site.title),
        home=absolute(reference_page(reference), site.base_url),
        created_at=created_at,
    )


def search_channel(
    site: SiteView, words: Words, question: str, authority: str, created_at: datetime
) -> FeedChannel:
    """The feed of what answers a question."""
    asked = search_query(question)
    return _channel(
        site,
        words,
        path=SEARCH,
        id=f"tag:{authority}:search/{asked.removeprefix('?q=')}",
        title=question,
        subtitle=words.say("feed.subtitle.search", question=question, site=site.title),
        home=absolute(f"{SEARCH}{asked}", site.base_url),
        created_at=created_at,
        query=asked,
    )


def _count(words: Words, key: str, n: int, **values: object) -> str:
    return words.say(f"{key}.one" if n == 1 else f"{key}.many", n=n, **values)
