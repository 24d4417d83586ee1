"""The order of a mail: the lead story, then topics with theirs, its own topic first. Pure.

A layout is what makes two subscribers one segment: same layout, same language, same bytes but for
the personal values.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from service.curate.lead import LONGEST as LONGEST_LEAD
from service.curate.selection.balance import take_turns
from service.newsletter.choose import PlacedStory, StorySelection, outlet_of
from service.newsletter.views import (
    ContentsView,
    CorrectionView,
    EditionView,
    LineView,
    SectionView,
)
from service.render.addresses import archive_page, signup_page
from service.render.views import LinkView, StoryView, TopicLink, same_language
from service.text.clean import lead, shorten

HEADLINE_CHARS = 90
"""Of the headline in a subject: with title and date before it, phones show the beginning of it."""

TITLE_CHARS = 300
"""No real headline is longer; one of a megabyte must not fill a mail."""

NO_NOTES: Mapping[int, str] = MappingProxyType({})

NAME_CHARS = 120
"""Of an outlet."""

LINK_CHARS = 2000
"""Servers and mail programs refuse longer addresses."""

PREHEADER_STORIES = 3
PREHEADER_CHARS = 90


@dataclass(frozen=True, slots=True)
class Layout:
    """Story ids by place. `lead` is (topic, story); `more` are counted only.

    `corrections`: the recalls that the mail tells of.
    """

    lead: tuple[str, int]
    sections: tuple[tuple[str, tuple[int, ...]], ...]
    more: int
    corrections: tuple[int, ...] = ()

    @property
    def stories(self) -> tuple[int, ...]:
        """Their parts in reading order."""
        return (self.lead[1], *(story for _, stories in self.sections for story in stories))

    def as_json(self) -> dict[str, Any]:
        """What `segment.stories` keeps."""
        corrections = {"corrections": list(self.corrections)} if self.corrections else {}
        return {
            "lead": list(self.lead),
            "sections": [[topic, list(stories)] for topic, stories in self.sections],
            "more": self.more,
            **corrections,
        }

    def without(self, stories: Container[int], recalls: Container[int]) -> Layout | None:
        """What is left without these stories and corrections; None: there is no story."""
        corrections = tuple(one for one in self.corrections if one not in recalls)
        sections = [
            (topic, left)
            for topic, ids in self.sections
            if (left := tuple(one for one in ids if one not in stories))
        ]
        if self.lead[1] not in stories:
            return Layout(self.lead, tuple(sections), self.more, corrections)
        if not sections:
            return None
        (topic, (first, *rest)), *others = sections
        own = [(topic, tuple(rest))] if rest else []
        return Layout((topic, first), (*own, *others), self.more, corrections)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the news. `page` is the edition's, `titles` are those of the topics.

    `digest` is the id in the TOML, `title` as subscribers see it. `accent_dark` is the site's
    colour on a dark ground, `look` the name of a template in mail/looks/. `opening`: an editor's
    words, "" = none. `review`: as EditionView has it.
    """

    digest: str
    title: str
    cut_at: datetime
    page: str
    titles: Mapping[str, str]
    accent_dark: str
    look: str
    opening: str = ""
    review: str = ""


def shortened(story: StoryView) -> StoryView:
    """The story with a title that has an end, and of its lead the first two sentences.

    Where we chose them ourselves they stand whole. All that a source can make long is bounded, so
    that a mail with one story can be sent.
    """
    outlet = shorten(story.outlet, NAME_CHARS)
    return replace(
        story,
        title=shorten(story.title, TITLE_CHARS) or outlet,
        lead=lead(story.lead, chars=LONGEST_LEAD),
        link=_followed(story.link),
        outlet=outlet,
        others=tuple(
            LinkView(shorten(one.title, NAME_CHARS), _followed(one.url) or "")
            for one in story.others
        ),
    )


def _followed(link: str | None) -> str | None:
    """None where it is so long that servers refuse it: the headline leads to our page then."""
    return link if link is not None and len(link) <= LINK_CHARS else None


def from_json(kept: Mapping[str, Any]) -> Layout:
    """What `as_json` gave."""
    topic, story = kept["lead"]
    sections = tuple((name, tuple(stories)) for name, stories in kept["sections"])
    return Layout((topic, story), sections, kept["more"], tuple(kept.get("corrections", ())))


def lay_out(choice: StorySelection, topics: Sequence[str]) -> Layout:
    """The layout of a choice that shows something. `topics`: the digest's, in its order.

    What else there is of the lead story's topic follows it, so that no heading stands twice.
    """
    first, *rest = choice.shown
    sections: dict[str, list[PlacedStory]] = {}
    for one in rest:
        sections.setdefault(one.topic, []).append(one)
    ordered, last = [], outlet_of(first)
    for name in (first.topic, *(topic for topic in topics if topic != first.topic)):
        if name in sections:
            stories = take_turns(sections[name], lambda one: one.score, outlet_of, last)
            last = outlet_of(stories[-1])
            ordered.append((name, tuple(one.item.story_id for one in stories)))
    return Layout((first.topic, first.item.story_id), tuple(ordered), len(choice.counted))


def view(
    layout: Layout,
    frame: Frame,
    stories: Mapping[int, StoryView],
    zone: str,
    language: str,
    notes: Mapping[int, str] = NO_NOTES,
    coming: str = "",
    corrections: Mapping[int, CorrectionView] = MappingProxyType({}),
    known: dict[object, LineView] | None = None,
) -> EditionView:
    """The layout with its stories (`shortened`), as a template gets it.

    `zone`: the site's. `notes`: an editor's words below stories. `coming`: as EditionView has it.
    `corrections`: recall -> what is said of it. `known`: lines of other mails of this edition; what
    is new is put there.
    """
    numbers = {story: number for number, story in enumerate(layout.stories, start=1)}
    lines = {} if known is None else known

    def line(story: int) -> LineView:
        key = story, numbers[story], language
        if key not in lines:
            note = notes.get(story, "")
            lines[key] = _line(key[1], stories[story], frame.cut_at, zone, language, note)
        return lines[key]

    def topic(name: str) -> TopicLink:
        return TopicLink(name, frame.titles.get(name, name))

    headlines = [stories[story].title for story in layout.stories]
    return EditionView(
        digest=frame.digest,
        title=frame.title,
        cut_at=frame.cut_at,
        page=frame.page,
        archive=archive_page(frame.digest),
        signup=signup_page(frame.digest),
        headline=shorten(headlines[0], HEADLINE_CHARS),
        preheader=_preheader(headlines[1:], stories[layout.lead[1]]),
        contents=tuple(
            ContentsView(topic(name), count) for name, count in _contents(layout).items()
        ),
        lead=line(layout.lead[1]),
        lead_topic=topic(layout.lead[0]),
        sections=tuple(
            SectionView(topic(name), tuple(line(story) for story in ids))
            for name, ids in layout.sections
        ),
        count=len(numbers),
        more=layout.more,
        accent_dark=frame.accent_dark,
        look=frame.look,
        coming=coming,
        opening=frame.opening,
        corrections=tuple(corrections[one] for one in layout.corrections if one in corrections),
        review=frame.review,
    )


def _line(
    number: int, story: StoryView, cut_at: datetime, zone: str, language: str, note: str
) -> LineView:
    place = ZoneInfo(zone)
    published = story.published.astimezone(place)
    return LineView(
        number=number,
        story=story,
        title=story.title,
        lead=story.lead,
        today=published.date() == cut_at.astimezone(place).date(),
        language=None if same_language(story.language, language) else story.language,
        note=note,
    )


def _preheader(others: Sequence[str], first: StoryView) -> str:
    """Other headlines; where there is only one story, its own lead."""
    if not others:
        return shorten(first.lead, 2 * PREHEADER_CHARS)
    return " · ".join(shorten(one, PREHEADER_CHARS) for one in others[:PREHEADER_STORIES])


def _contents(layout: Layout) -> dict[str, int]:
    counts = {name: len(stories) for name, stories in layout.sections}
    topic = layout.lead[0]
    if topic not in counts:
        return {topic: 1, **counts}
    counts[topic] += 1
    return counts
