"""The pages of the site, as bytes of HTML: for the web and for the tree of static files alike.

Every page is a function of the rows alone. None means that there is no such page.
"""

from __future__ import annotations

from datetime import time
from functools import cached_property
from urllib.parse import unquote

from service.config.schema import Digest, Settings
from service.curate.search.answers import FoundStories
from service.curate.search.question import QuestionError
from service.model import CadenceRule, Story
from service.publish import editions
from service.publish.front import arrange
from service.publish.opml import opml
from service.publish.views import (
    Day,
    DigestCard,
    FeedLinks,
    SearchResult,
    TopicCard,
    TopicSection,
    as_published,
    by_day,
    feed_links,
    reference_links,
    report_views,
    search_links,
)
from service.render.addresses import (
    HOME,
    OPML,
    SEARCH,
    SIGNUP,
    archive_page,
    signup_page,
    story_page,
    topic_page,
)
from service.render.engine import Renderer
from service.render.rhythm import rhythm
from service.render.views import RecallView, ReferenceLink, StoryView, TopicLink, story_view
from service.store.content import hot_stories, page_queries, references, stories, timeline
from service.store.content.stale_feeds import EVERYTHING, HOT
from service.store.core.database import Connection
from service.store.recalled import articles
from service.store.recalled.articles import Recall

LISTED = 100
"""Stories on the page of a topic, as many as in its feed."""


class Pages:
    """The pages of one site from one view of its store. Make it anew for each request or run."""

    def __init__(self, connection: Connection, settings: Settings, renderer: Renderer) -> None:
        self._connection = connection
        self._settings = settings
        self._renderer = renderer

    def home(self) -> bytes:
        """`/`: what matters most, then a few stories of each topic."""
        names = [topic.id for topic in self._bar]
        page = arrange(self._connection, names, self._settings.source)
        loaded = stories.by_ids(self._connection, page.ids)
        views = {one: self._shown(story) for one, story in loaded.items()}
        sections = dict(page.sections)
        return self._page(
            "home", HOME, front=[views[one.story_id] for one in page.top], newest=page.newest,
            sections=[
                TopicSection(topic, tuple(views[one.story_id] for one in sections[topic.id]))
                for topic in self._bar if topic.id in sections
            ],
            feeds=feed_links(EVERYTHING),
            hot_feeds=feed_links(HOT) if hot_stories.there_are(self._connection) else None,
            opml=OPML, digests=self._digest_cards(), counted=self._topic_cards(),
        )  # fmt: skip

    def topic(self, name: str) -> bytes | None:
        """`/topics/ID/`; the page of a retired topic stays."""
        one = page_queries.one_topic(self._connection, name)
        if one is None:
            return None
        found = stories.in_topic(self._connection, name, LISTED)
        feeds: FeedLinks | None = None if one.retired else feed_links(name)
        return self._page(
            "topic", topic_page(name), topic=TopicLink(name, one.title), retired=one.retired,
            days=self._days(found), feeds=feeds, here=name,
            sources=page_queries.sources_in(self._connection, one.id),
            digests=self._digest_cards(name),
        )  # fmt: skip

    def story(self, public_id: str) -> bytes | None:
        """`/stories/PUBLIC_ID/`; for the id of a merged story the one that it has become."""
        found = stories.by_public_id(self._connection, public_id)
        if found is None:
            return None
        return self.story_page(found)

    def recalled(self, found: Story) -> bytes | None:
        """What stands at the address of a story that was taken back. None: it was not."""
        said = articles.of_story(self._connection, found.id)
        return None if said is None else self._recalled(said)

    def story_page(self, found: Story) -> bytes:
        """The page of a story that is at hand, taken back or not."""
        said = articles.of_story(self._connection, found.id)
        if said is not None:
            return self._recalled(said)
        return self._page("story", story_page(found.public_id), **self._story(found))

    def explained_page(self, found: Story, explained: object) -> bytes:
        """The same for the admin, at an address of its own. `explained`: what stands below it."""
        return self._page("admin_story", None, **self._story(found), explained=explained)

    def reference(self, reference: str) -> bytes | None:
        """`/references/38-CT-TW/`: the newest stories that cite an official document."""
        found = references.citing(self._connection, reference, LISTED)
        if not found:
            return None
        link = ReferenceLink(reference)
        return self._page(
            "reference", unquote(link.page), reference=link, stories=len(found),
            newest=len(found) >= LISTED, days=self._days(found), feeds=reference_links(reference),
        )  # fmt: skip

    def search(
        self, question: str, found: FoundStories, problem: QuestionError | None = None
    ) -> bytes:
        """`/search`: the form, and what answers the question. `problem`: why nothing can."""
        settings = self._settings
        result = SearchResult(
            question=question,
            problem=problem.key if problem else "",
            values=problem.values if problem else {},
            stories=tuple(map(self._shown, found.stories)),
            newest=len(found.stories) >= LISTED,
            complete=found.complete,
            indexing=found.indexing,
        )
        return self._page(
            "search", SEARCH, result=result, feeds=search_links(question),
            examples=[next(iter(some), "ID") for some in (settings.topic, settings.source)],
        )  # fmt: skip

    def edition(self, digest: str, name: str) -> bytes | None:
        """`/editions/DIGEST/CUT-UTC/`, with `-CADENCE` behind it where it is unlisted."""
        edition = editions.find(self._connection, digest, name)
        if edition is None:
            return None
        chosen = self._settings.digest.get(digest)
        order = list((chosen and chosen.topics) or self._settings.topic)
        return self._page(
            "edition", editions.path(edition), edition=editions.page(
                self._connection, edition, order, self._settings.publish, self._renderer.site
            ),
            archive=archive_page(digest), digests=self._digest_cards(only=digest),
        )  # fmt: skip

    def archive(self, digest: str) -> bytes | None:
        """`/digests/ID/`: the listed editions of a digest, newest first."""
        found = page_queries.one_digest(self._connection, digest)
        if found is None:
            return None
        return self._page(
            "archive", archive_page(digest), digest=digest, title=found.title,
            editions=editions.lines(self._connection, digest),
            digests=self._digest_cards(only=digest),
        )  # fmt: skip

    def choose(self) -> bytes:
        """`/subscribe`: the digests, to choose one from."""
        return self._page("choose", SIGNUP, digests=self._digest_cards())

    def opml(self) -> bytes:
        """`/topics.opml`."""
        return opml(self._renderer.site, self._topics)

    @cached_property
    def _topics(self) -> list[page_queries.PublishedTopic]:
        """The topics in the order of the TOML: it is the office's own."""
        order = {name: place for place, name in enumerate(self._settings.topic)}
        found = page_queries.topics(self._connection)
        return sorted(found, key=lambda one: order.get(one.name, len(order)))

    @cached_property
    def _bar(self) -> tuple[TopicLink, ...]:
        return tuple(TopicLink(one.name, one.title) for one in self._topics)

    @cached_property
    def _latest(self) -> dict[str, str]:
        """Digest -> page of its last listed edition."""
        found = {}
        for name in self._settings.digest:
            for edition in page_queries.editions(self._connection, name, limit=1):
                found[name] = editions.path(edition)
        return found

    def _story(self, found: Story) -> dict[str, object]:
        cited = references.of_articles(self._connection, found.article_ids)
        return {
            "story": self._shown(found),
            "timeline": report_views(timeline.of_story(self._connection, found.id)),
            "references": [ReferenceLink(one) for one in cited],
        }

    def _recalled(self, said: Recall) -> bytes:
        view = RecallView(said.recalled_at, said.reason)
        return self._page("recalled", story_page(said.public_id), recalled=view, title=said.title)

    def _page(self, name: str, at: str | None, **views: object) -> bytes:
        views = {"topics": self._bar, "here": "", **views}
        language = self._renderer.site.language
        return self._renderer.page(name, language, at=at, zone=None, **views).encode()

    def _shown(self, story: Story) -> StoryView:
        return as_published(story_view(story), self._settings.publish)

    def _days(self, found: list[Story]) -> tuple[Day, ...]:
        return by_day(map(self._shown, found), self._renderer.site.zone)

    def _topic_cards(self) -> list[TopicCard]:
        counts = page_queries.counts(self._connection)
        return [TopicCard(one.name, one.title, counts.get(one.name, 0)) for one in self._topics]

    def _digest_cards(self, topic: str = "", *, only: str = "") -> list[DigestCard]:
        """Cards of every digest, of those with a topic, or of one."""
        return [
            self._digest_card(name, digest)
            for name, digest in self._settings.digest.items()
            if only in ("", name) and (not topic or not digest.topics or topic in digest.topics)
        ]

    def _digest_card(self, name: str, digest: Digest) -> DigestCard:
        words = self._renderer.words(self._renderer.site.language)
        return DigestCard(
            id=name,
            title=digest.title or self._settings.site.title,
            rhythm=rhythm(_rule(digest), words),
            signup=signup_page(name),
            archive=archive_page(name),
            latest=self._latest.get(name),
        )


def _rule(digest: Digest) -> CadenceRule:
    day = None if digest.day is None else str(digest.day)
    return CadenceRule(digest.cadence, time.fromisoformat(digest.at), day)
