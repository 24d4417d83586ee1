"""`/search?q=…`, and the feeds of a question beside it: `/search.atom?q=…`.

Nothing is kept between two requests: each new article may change every answer. What one visitor may
ask, and how many searches run, is bounded (`search_limits.py`), as is the time of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.curate.search.answers import FoundStories, find_stories
from service.curate.search.question import LONGEST_QUESTION, Question, QuestionError, parse
from service.publish.build import NEWEST
from service.publish.channel import FORMATS, MEDIA_TYPES
from service.publish.feeds_on_request import search_feed
from service.publish.pages import LISTED, Pages
from service.render.addresses import SEARCH, search_file
from service.store.core import facts
from service.web.answers import error, moved
from service.web.context import Context, context_of, visitor_of
from service.web.documents import Served, answer, made_now
from service.web.feeds import CACHE_CONTROL
from service.web.pages import HTML, PAGE_CACHE
from service.web.search_limits import TooManySearchesError
from service.web.visitors import joined

_NOT_INDEXED = {"X-Robots-Tag": "noindex"}
_BUSY_S, _WAIT_S = "5", "60"
_TOO_MANY = "searches"
_NOTHING = FoundStories(())
_WRONG = 400

_Make = Callable[[], Served | None]
"""The page or feed; None where there is none. It runs in a thread."""


async def page(request: Request) -> Response:
    """The form alone where nothing was asked; 400 where the question cannot be answered."""
    context, text = context_of(request), request.query_params.get("q")
    if text is None:
        return await _limited(request, lambda: _page(context, "", None))
    try:
        question = _asked(context, text)
    except QuestionError as problem:
        wrong, shown = problem, text[:LONGEST_QUESTION]
        return await _limited(request, lambda: _page(context, shown, None, wrong), _WRONG)
    return await _limited(request, lambda: _page(context, question.written, question))


async def feed(request: Request) -> Response:
    """Without a question that can be answered, and before anything was published: 404."""
    context, format_ = context_of(request), request.path_params["format"]
    try:
        question = _asked(context, request.query_params.get("q", ""))
    except QuestionError:
        return error(request, 404)
    if format_ not in FORMATS:
        return error(request, 404)
    if question.written != request.query_params.get("q"):
        return moved(context, search_file(question.written, format_))
    return await _limited(request, lambda: _feed(context, question, format_))


def _asked(context: Context, text: str) -> Question:
    settings = context.settings
    return parse(text, settings.topic, settings.source, settings.zone, context.clock())


async def _limited(request: Request, make: _Make, status: int = 200) -> Response:
    context = context_of(request)
    if not context.searches.visitors.allows(visitor_of(request).key, context.clock()):
        return error(request, 429, {"Retry-After": _WAIT_S}, kind=_TOO_MANY)
    try:
        found = await context.searches.run(make)
    except TooManySearchesError:
        return error(request, 503, {"Retry-After": _BUSY_S})
    if found is None:
        return error(request, 404)
    made = answer(found, joined(request.scope["headers"]))
    made.headers.update(_NOT_INDEXED)
    if status != made.status_code == 200:  # noqa: PLR2004 - HTTP
        made.status_code = status
    return made


def _page(
    context: Context, text: str, question: Question | None, problem: QuestionError | None = None
) -> Served:
    with context.store.read() as connection:
        found = _NOTHING if question is None else find_stories(connection, question, LISTED)
    with context.store.read() as connection:
        pages = Pages(connection, context.settings, context.renderer)
        return made_now(pages.search(text, found, problem), HTML, PAGE_CACHE)


def _feed(context: Context, question: Question, format_: str) -> Served | None:
    with context.store.read() as connection:
        authority = facts.known_tag_authority(connection)
        if authority is None:
            return None
        found = find_stories(connection, question, NEWEST)
    site = context.settings, context.renderer
    body = search_feed(*site, question.written, found.stories, authority, format_)
    served = made_now(body, f"{MEDIA_TYPES[format_]}; charset=utf-8", CACHE_CONTROL)
    return replace(served, everywhere=True)


ROUTES = [Route(SEARCH, page), Route(f"{SEARCH}.{{format}}", feed)]
