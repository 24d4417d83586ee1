"""The HTML that stands in an entry: picture, text, outlets. Pure.

All text comes cleaned (service.text); what is plain text is escaped here.
"""

from __future__ import annotations

from html import escape

from markupsafe import Markup

from service.model import Image, Outlet, Story
from service.render.words import Words
from service.text.clean import plain


def body(story: Story, words: Words, *, content: str, images: bool, foreign: bool) -> str:
    """The whole body. `content`: "title", "lead" or "full" (full where the source's own is full).

    `foreign`: the story is in another language than the site, so that the site's own sentence
    under it says its language.
    """
    text = story.content if content == "full" else ""
    if not text and content != "title":
        text = paragraph(story.lead)
    picture = story.image if images else None
    if picture and escape(picture.url) in text:
        picture = None  # the outlet has put it there itself
    language = words.language if foreign else None
    parts = (_picture(picture, story.title), text, _told_by(story, words, language))
    return "\n".join(part for part in parts if part)


def paragraph(text: str) -> str:
    """Plain text as one paragraph, "" for nothing."""
    return f"<p>{escape(text)}</p>" if text else ""


def summary(story: Story) -> str:
    """The lead of a story published in full, "" where the text begins with it anyway."""
    lead = plain(story.lead).rstrip("… .")
    return "" if plain(story.content).startswith(lead) else story.lead


def _picture(image: Image | None, title: str) -> str:
    if image is None:
        return ""
    size = "".join(
        f' {name}="{value}"'
        for name, value in (("width", image.width), ("height", image.height))
        if value
    )
    return f'<p><img src="{escape(image.url)}" alt="{escape(image.alt or title)}"{size}></p>'


def _told_by(story: Story, words: Words, language: str | None) -> str:
    """The outlets, as in "Theo VnExpress. Cùng đưa tin: Tuổi Trẻ, Dân trí", with links."""
    first = _linked(story.outlet)
    if story.others:
        others = Markup(", ").join(_linked(other) for other in story.others)
        sentence = words.html("feed.told_by.others", outlet=first, others=others)
    else:
        sentence = words.html("feed.told_by", outlet=first)
    lang = f' lang="{escape(language)}"' if language else ""
    return f"<p{lang}>{sentence}</p>"


def _linked(outlet: Outlet) -> Markup:
    link = outlet.link or outlet.home
    name = escape(outlet.title)
    html = f'<a href="{escape(link)}">{name}</a>' if link else name
    return Markup(html)  # noqa: S704 - both parts are escaped just above
