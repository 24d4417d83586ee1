"""What templates are given. Each class is a promise to those who restyle: names here stay.

All instants are aware UTC; templates write them with the filters of render.engine, in the site's
zone. Addresses beginning with "/" are paths on the site; `site.base_url` makes them absolute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.model import Image, Outlet, Story
from service.render.addresses import reference_page, story_page, topic_page

_NAMES = 3
"""Names in a byline, at most."""

_DASH = " \u2013 "
_COMMA = re.compile(r"\s*,\s*")


@dataclass(frozen=True, slots=True)
class LinkView:
    """A title and where it leads."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class LogoView:
    """The logo in a mail: `src` is what an img names it by, width and height are in pixels."""

    src: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SiteView:
    """The site as every template sees it. `base_url` has no slash at its end.

    `logo` is for mails alone, which carry it inside; None: there is none.
    """

    title: str
    base_url: str
    language: str
    zone: str
    contact: str | None = None
    accent: str = "#0b57a4"
    address: str = ""
    legal: str = ""
    rights: str = ""
    privacy: str | None = None
    links: tuple[LinkView, ...] = ()
    logo: LogoView | None = None


@dataclass(frozen=True, slots=True)
class TopicLink:
    """A topic to link to."""

    id: str
    title: str

    @property
    def page(self) -> str:
        return topic_page(self.id)


@dataclass(frozen=True, slots=True)
class ReferenceLink:
    """An official document to link to: `id` is the one spelling of its number, `38-CT/TW`."""

    id: str

    @property
    def page(self) -> str:
        return reference_page(self.id)


@dataclass(frozen=True, slots=True)
class RecallView:
    """That something was taken back: when, and why in the words of who did it."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StoryView:
    """A story as lists, pages and mails show it.

    `link` is the original (None: our page alone), `page` our own page of it, `outlet` the name of
    who told it, `byline` the author with the outlet ("Thanh Hằng · VnExpress"), `others` the other
    outlets that told it, `content` clean HTML ("" unless full text is published). `hot`: many
    outlets told it within hours; in an edition, when it was frozen. `recalled`: it was taken back,
    and only its headline is left, or not even that (""); None: it was not.
    """

    public_id: str
    title: str
    lead: str
    link: str | None
    outlet: str
    outlet_home: str | None
    byline: str
    published: datetime
    language: str | None
    image: Image | None
    others: tuple[LinkView, ...] = ()
    topics: tuple[TopicLink, ...] = ()
    content: str = ""
    hot: bool = False
    recalled: RecallView | None = None

    @property
    def page(self) -> str:
        return story_page(self.public_id)

    @property
    def href(self) -> str:
        """Where the headline leads: the original, else our page of it."""
        return self.link or self.page


def story_view(story: Story) -> StoryView:
    """The story as people see it."""
    return StoryView(
        public_id=story.public_id,
        title=story.title,
        lead=story.lead,
        link=story.link,
        outlet=story.outlet.title,
        outlet_home=story.outlet.home,
        byline=byline(story),
        published=shown_at(story),
        language=story.language,
        image=story.image,
        others=tuple(_outlet_link(other) for other in story.others),
        topics=tuple(TopicLink(topic.name, topic.title) for topic in story.topics),
        content=story.content,
        hot=story.hot,
    )


def byline(story: Story) -> str:
    """Author and outlet: "Thanh Hằng · VnExpress". Feed readers split names at commas."""
    outlet = plain_name(story.outlet.title)
    names = [plain_name(name) for name in story.authors[:_NAMES] if name.strip()]
    names = [name for name in names if name.casefold() != outlet.casefold()]
    return f"{_DASH.join(names)} · {outlet}" if names else outlet


def shown_at(story: Story) -> datetime:
    """The date that readers see: what the outlet says, but never later than we saw it. Fixed."""
    instants = [at for at in (story.published, story.first_seen_at) if at is not None]
    return min(instants) if instants else story.sort_at


def plain_name(text: str) -> str:
    """A name of a person, an outlet or a topic without commas, at which feed readers split it."""
    return _COMMA.sub(_DASH, text.strip().strip(","))


def same_language(one: str | None, other: str | None) -> bool:
    """Whether two languages are the same to a reader: "vi" and "vi-VN" are; None = not said."""
    if not one or not other:
        return True
    return one.split("-")[0].lower() == other.split("-")[0].lower()


def _outlet_link(outlet: Outlet) -> LinkView:
    return LinkView(outlet.title, outlet.link or outlet.home or "")


def freeze(view: StoryView) -> dict[str, Any]:
    """The view as JSON, for `edition_story.view`."""
    image = view.image
    return {
        "public_id": view.public_id,
        "title": view.title,
        "lead": view.lead,
        "link": view.link,
        "outlet": view.outlet,
        "outlet_home": view.outlet_home,
        "byline": view.byline,
        "published": view.published.isoformat(),
        "language": view.language,
        "image": image and [image.url, image.alt, image.width, image.height],
        "others": [[other.title, other.url] for other in view.others],
        "topics": [[topic.id, topic.title] for topic in view.topics],
        **({"hot": True} if view.hot else {}),
    }


def freeze_recalled(
    frozen: dict[str, Any], recall: int, at: datetime, reason: str, *, titled: bool
) -> dict[str, Any]:
    """What `freeze` wrote, with the mark that it was taken back, and without what it told.

    `recall`: the row that says so. `titled`: its headline stays.
    """
    return {
        **frozen,
        "title": frozen["title"] if titled else "",
        "lead": "",
        "link": None,
        "image": None,
        "others": [],
        "recall": {"id": recall, "at": at.isoformat(), "reason": reason},
    }


def is_recalled(frozen: Mapping[str, Any]) -> bool:
    """Whether a frozen view bears that mark."""
    return "recall" in frozen


def remade_by(frozen: Mapping[str, Any]) -> int | None:
    """The recall that changed a view since it was frozen; None: none did."""
    found: int | None = frozen["recall"]["id"] if "recall" in frozen else frozen.get("remade")
    return found


def thaw(frozen: Mapping[str, Any]) -> StoryView:
    """The view that `freeze` or `freeze_recalled` wrote."""
    said = frozen.get("recall")
    recalled = said and RecallView(datetime.fromisoformat(said["at"]), said["reason"])
    return StoryView(
        **{
            **{name: value for name, value in frozen.items() if name not in ("recall", "remade")},
            "recalled": recalled,
            "published": datetime.fromisoformat(frozen["published"]),
            "image": Image(*frozen["image"]) if frozen["image"] else None,
            "others": tuple(LinkView(*other) for other in frozen["others"]),
            "topics": tuple(TopicLink(*topic) for topic in frozen["topics"]),
        }
    )
