"""An entry of a list made whole by its own page, away from the store: a worker does it. Pure.

listed entry + page -> title, time, first sentences, authors, picture, and the whole text where it
is wanted; what cannot be had of the page stays as the list told it.
"""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.collect.workers.task import ArticlePageTask, ParseTask
from service.curate.listed import is_cut, unpack
from service.curate.prepare import Prepared, prepare_listed
from service.curate.rules import matcher
from service.errors import ParseError
from service.model import Entry
from service.parse.compressed import unpacked
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions
from service.text.clean import plain
from service.text.web import http_headers as http
from service.text.web.canonical import is_home

if TYPE_CHECKING:
    from service.parse.html.article.page import ArticlePage

_SAME_DAY = timedelta(hours=36)
"""Within it a list and a page speak of one time, and the page says it more exactly."""

_PAGES = ("text/html", "application/xhtml+xml", "text/xml", "application/xml", "text/plain")


def prepare_page(task: ArticlePageTask) -> Prepared:
    """The entry ready to be admitted. Raises ParseError with a reason in plain words."""
    listed, options = unpack(task.listed), task.entry_options
    try:
        whole = listed if task.page is None else complete(task.page, listed)
        return prepare_listed(listed, whole, options.told, matcher.unpacked(options.rules))
    except ParseError:
        raise
    except Exception as error:
        reason = f"the page cannot be read ({type(error).__name__}: {error})"
        raise ParseError(reason[:300]) from error


def complete(job: ParseTask, listed: Entry) -> Entry:
    """Read the page in `job` and add what it says. Raises ParseError for other pages."""
    media_type = http.media_type(job.headers)
    if media_type and media_type not in _PAGES:
        raise ParseError(f"what stands there is no page but {media_type}")
    if is_home(job.url) and not is_home(listed.address or ""):
        raise ParseError("its address leads to the front page by now")
    # Only workers pay for this import.
    from service.parse.html.article import page as article_page  # noqa: PLC0415

    page = article_page.read(unpacked(job.body)[0], job.headers, job.url, job.reading, job.now)
    if not (page.text or page.lead or page.title):
        raise ParseError("there is no article on its page")
    return joined(listed, page, job.reading)


def joined(listed: Entry, page: ArticlePage, reading: ParseOptions) -> Entry:
    """What the two say together. A feed's own words go before its page's, a list's after."""
    is_feed = KINDS[reading.kind].is_feed
    return replace(
        listed,
        title=page.title if page.title and _is_poor(listed.title) else listed.title,
        published=listed.published
        if is_feed and listed.published
        else _time(listed.published, page.published),
        summary=html.escape(page.lead, quote=False)
        if page.lead and _is_poor(plain(listed.summary))
        else listed.summary,
        content=_content(listed, page) if reading.full else listed.content,
        authors=listed.authors or page.authors,
        image=listed.image or page.image if is_feed else page.image or listed.image,
        language=listed.language or page.language,
    )


def _is_poor(text: str) -> bool:
    return not text or is_cut(text)


def _time(listed: datetime | None, page: datetime | None) -> datetime | None:
    if listed is None or page is None:
        return listed or page
    return page if abs(page - listed) <= _SAME_DAY else listed


def _content(listed: Entry, page: ArticlePage) -> str:
    """The longer one: some feeds carry more than a page shows to strangers."""
    if len(page.text) <= len(plain(listed.content)):
        return listed.content
    paragraphs = page.text.split("\n\n")
    return "".join(f"<p>{html.escape(one, quote=False)}</p>" for one in paragraphs)
