"""What the templates of pages are given, beside the views of `service.render.views`.

Each class is a promise to those who restyle: names here stay. Addresses are paths on the site;
`url(path)` in a template makes a link of one. Instants are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from service.config.schema import Publish
from service.render.addresses import feed_file, reference_file, search_file, topic_page
from service.render.views import StoryView, TopicLink
from service.store.content.timeline import Report


@dataclass(frozen=True, slots=True)
class FeedLinks:
    """The addresses of one feed in its three formats."""

    atom: str
    rss: str
    json: str


@dataclass(frozen=True, slots=True)
class TopicCard:
    """A topic in the list of topics. `stories`: how many it has had so far."""

    id: str
    title: str
    stories: int

    @property
    def page(self) -> str:
        return topic_page(self.id)


@dataclass(frozen=True, slots=True)
class DigestCard:
    """A call to sign up. `rhythm` is in words, `latest` the page of its last edition or None."""

    id: str
    title: str
    rhythm: str
    signup: str
    archive: str
    latest: str | None


@dataclass(frozen=True, slots=True)
class TopicSection:
    """Stories under the name of a topic."""

    topic: TopicLink
    stories: tuple[StoryView, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """Stories of one day in the site's zone."""

    date: date
    stories: tuple[StoryView, ...]


@dataclass(frozen=True, slots=True)
class EditionLine:
    """An edition in the archive: its first headlines, how many stories it has in all."""

    cut_at: datetime
    page: str
    headlines: tuple[str, ...]
    stories: int


@dataclass(frozen=True, slots=True)
class EditionPage:
    """An edition to read. `earlier`: what it tells again or from before its own period.

    `canonical` is the page in the archive that stands for an unlisted one, `more` how many stories
    it counts beyond these. `opening`: an editor's words above them, "" = none; `notes`: below
    stories, by `public_id`.
    """

    digest: str
    title: str
    cut_at: datetime
    sections: tuple[TopicSection, ...]
    earlier: tuple[StoryView, ...]
    more: int
    canonical: str | None
    opening: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def stories(self) -> int:
        return sum(len(section.stories) for section in self.sections)


@dataclass(frozen=True, slots=True)
class ReportView:
    """One outlet's telling of a story. `url` None: it gave no address. `at`: when it told it."""

    outlet: str
    title: str
    url: str | None
    language: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What answers a question.

    `problem`: the key of the sentence that says why nothing can, "" where the question is a good
    one, and its `values`. `question` as it was written, "" = nothing was asked yet. `newest`: there
    may be more than these `stories`. `complete` False: not all was searched, since older articles
    are `indexing` still, or the time was up.
    """

    question: str = ""
    problem: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    stories: tuple[StoryView, ...] = ()
    newest: bool = False
    complete: bool = True
    indexing: bool = False


def feed_links(feed: str) -> FeedLinks:
    return FeedLinks(feed_file(feed, "atom"), feed_file(feed, "rss"), feed_file(feed, "json"))


def reference_links(reference: str) -> FeedLinks:
    return FeedLinks(*(reference_file(reference, format_) for format_ in ("atom", "rss", "json")))


def search_links(question: str) -> FeedLinks:
    return FeedLinks(*(search_file(question, format_) for format_ in ("atom", "rss", "json")))


def as_published(view: StoryView, publish: Publish) -> StoryView:
    """The story with as much of its text and picture as the site publishes."""
    return replace(
        view,
        lead="" if publish.content == "title" else view.lead,
        content=view.content if publish.content == "full" else "",
        image=view.image if publish.images == "link" else None,
    )


def report_views(reports: Iterable[Report]) -> tuple[ReportView, ...]:
    """A story's time line."""
    return tuple(
        ReportView(one.outlet, one.title, one.link, one.language, one.at) for one in reports
    )


def by_day(stories: Iterable[StoryView], zone: str) -> tuple[Day, ...]:
    """The stories under their days, in the order given."""
    place = ZoneInfo(zone)
    days: dict[date, list[StoryView]] = {}
    for story in stories:
        days.setdefault(story.published.astimezone(place).date(), []).append(story)
    return tuple(Day(on, tuple(found)) for on, found in days.items())


def by_topic(
    stories: Sequence[tuple[TopicLink, StoryView]], order: Sequence[str]
) -> tuple[TopicSection, ...]:
    """The stories under their topics: those in their order, other topics behind them."""
    sections: dict[str, list[StoryView]] = {name: [] for name in order}
    links: dict[str, TopicLink] = {}
    for topic, story in stories:
        links.setdefault(topic.id, topic)
        sections.setdefault(topic.id, []).append(story)
    return tuple(
        TopicSection(links[name], tuple(sections[name])) for name in sections if name in links
    )
