"""A story as one entry of a feed, before it has a format. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape

from service.config.schema import Publish
from service.model import Enclosure, Image, Story
from service.publish import bodies
from service.render.addresses import absolute, story_page
from service.render.views import byline, plain_name, same_language, shown_at
from service.render.words import Words
from service.store.recalled.articles import Recall
from service.text.clean import shorten
from service.text.fold import nfc

_TITLE_CHARS = 80
_HEARD = ("audio/", "video/")
_WEB = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One entry. All addresses are absolute, all instants are set.

    `link` is the original, else our own page of the story; `related` is our page first, then the
    other outlets. `body` is HTML; `is_full`: it is the whole text, with `summary` (plain, "" where
    it says nothing more) beside it. `author` is the byline with the outlet. `language` is None
    where it is the feed's.
    """

    id: str
    title: str
    link: str
    related: tuple[str, ...]
    author: str
    outlet: str
    outlet_home: str | None
    body: str
    is_full: bool
    summary: str
    lead: str
    image: Image | None
    enclosures: tuple[Enclosure, ...]
    categories: tuple[str, ...]
    published: datetime
    updated: datetime
    language: str | None


def item(
    story: Story, words: Words, publish: Publish, *, authority: str, base: str, language: str,
    feed: str,
) -> FeedItem:  # fmt: skip
    """The entry of a story in the feed of topic `feed`.

    `base` is the site's address, `language` the feed's.
    """
    page = absolute(story_page(story.public_id), base)
    link = _web(story.link)
    others = tuple(other.link for other in story.others if _web(other.link))
    related = (page, *others) if link else others
    foreign = not same_language(story.language, language)
    is_full = publish.content == "full" and bool(story.content)
    images = publish.images == "link"
    published = shown_at(story)
    return FeedItem(
        id=f"tag:{authority}:story/{story.public_id}",
        title=_title(story),
        link=link or page,
        related=tuple(dict.fromkeys(other for other in related if other and other != link)),
        author=nfc(byline(story)),
        outlet=nfc(story.outlet.title),
        outlet_home=_web(story.outlet.home),
        body=nfc(
            bodies.body(story, words, content=publish.content, images=images, foreign=foreign)
        ),
        is_full=is_full,
        summary=nfc(bodies.summary(story)) if is_full else "",
        lead=nfc(story.lead) if publish.content != "title" else "",
        image=story.image if images and story.image and _web(story.image.url) else None,
        enclosures=tuple(one for one in story.enclosures if one.type.startswith(_HEARD)),
        categories=tuple(
            dict.fromkeys(plain_name(topic.title) for topic in story.topics if topic.name != feed)
        ),
        published=published,
        updated=max(story.updated or published, published),
        language=story.language if foreign else None,
    )


def recalled_item(said: Recall, words: Words, *, authority: str, base: str, site: str) -> FeedItem:
    """What stands in the place of a story that was taken back: the same id, none of its words.

    `updated` is when it was taken back, so that readers' programs replace what they have. `site`:
    who says so.
    """
    page = absolute(story_page(said.public_id), base)
    title = nfc(said.title).strip()
    text = words.say("recalled.text", reason=nfc(said.reason))
    return FeedItem(
        id=f"tag:{authority}:story/{said.public_id}",
        title=words.say("recalled.title", title=title) if title else words.say("recalled.untitled"),
        link=page,
        related=(),
        author=nfc(site),
        outlet=nfc(site),
        outlet_home=_web(base),
        body=f"<p>{escape(text)}</p>",
        is_full=False,
        summary="",
        lead=text,
        image=None,
        enclosures=(),
        categories=(),
        published=said.published,
        updated=max(said.recalled_at, said.published),
        language=None,
    )


def _title(story: Story) -> str:
    """Never empty: a reader has to have something to press."""
    text = nfc(story.title).strip() or shorten(nfc(story.lead), _TITLE_CHARS)
    return text or nfc(story.link or story.outlet.title)


def _web(address: str | None) -> str | None:
    return address if address and address.startswith(_WEB) else None
