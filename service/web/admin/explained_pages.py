"""The page of an article for the admin: its story's page, why it is there, and what may be changed.

`/stories/ID/` shows it to those who have the admin cookie, for an article of the story that readers
see there; `/admin/articles/ID/` shows it for any article, and where a cache in between gives
everybody the public page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from service.curate import labelled
from service.curate.learned.in_use import NOT
from service.curate.lookup import find_article
from service.curate.stories import acting, recalling
from service.errors import StoryError, UsageError
from service.model import Story
from service.publish.pages import Pages
from service.render import dates
from service.render.addresses import story_page
from service.render.views import LinkView
from service.report.explain import Explanation, Unknown, explain
from service.report.explanation_lines import Detail, parts, unknown
from service.report.sentence import SentenceWriter
from service.store.content import stories, story_rows
from service.store.recalled import staying
from service.web.admin import admin_key
from service.web.admin.admin_access import key_of
from service.web.admin.admin_pages import with_key
from service.web.admin.admin_views import marked
from service.web.answers import PRIVATE, error, page, see
from service.web.context import Context, came_from, context_of
from service.web.forgery import Comes
from service.web.subscriber.form_fields import Fields, read

_DONE = ("done", "refused")

ACTOR = "web"
"""Who says what is said here: these pages know a key, and no names."""


@dataclass(frozen=True, slots=True)
class DetailView:
    """`text` is HTML; `link`: an outlet's address or a path on the site, "" = none."""

    text: Markup
    link: str


@dataclass(frozen=True, slots=True)
class ChapterView:
    """`heading`: the key of its words."""

    heading: str
    details: tuple[DetailView, ...]


@dataclass(frozen=True, slots=True)
class LabelView:
    """A label that an admin may give. `value`: what the form sends; `chosen`: it is given."""

    value: str
    title: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ExplainedView:
    """An article explained. `others`: the explained pages of the other articles of its story.

    `topics`: the labels that it may get, beside "none of these" (`not_chosen`: it has that one).
    `form`, `token`: where a label is sent, and what proves that a form is ours. `story_form`: where
    what is said about its story is sent; `acted`: "done", "refused", or "" where nothing was.
    `recalled`: it is taken back; `recall_form`: where that is said, or undone; `taken`: as `acted`.
    `stay`: the explained pages of what other outlets tell of its story still.
    """

    title: str
    chapters: tuple[ChapterView, ...]
    others: tuple[LinkView, ...]
    topics: tuple[LabelView, ...]
    not_chosen: bool
    form: str
    token: str
    saved: bool
    story_form: str
    acted: str
    recalled: bool
    recall_form: str
    taken: str
    stay: tuple[LinkView, ...] = ()


def explained_page(public_id: str) -> str:
    """The path of an article's page for the admin."""
    return f"/admin/articles/{public_id}/"


@with_key
async def show(request: Request) -> Response:
    """`/admin/articles/ID/`: an article with the story that it is in now."""
    return await _shown(request, request.path_params["public_id"])


@with_key
async def show_story(request: Request) -> Response:
    """`/stories/ID/` for the admin: an article may have left the story which has its id."""
    return await _shown(request, story_page(request.path_params["public_id"]))


async def _shown(request: Request, asked: str) -> Response:
    context, key = context_of(request), await key_of(request)
    token = admin_key.token(key or "", "form", context.clock())
    done = {name: request.query_params.get(name, "") for name in ("saved", "story", "recall")}
    html = await asyncio.to_thread(_html, context, asked, token, done)
    return error(request, 404) if html is None else HTMLResponse(html, headers=PRIVATE)


@with_key
async def ask(request: Request) -> Response:
    """`/admin/explain?url=…`: to the article of an address, or why there is none."""
    context, asked = context_of(request), request.query_params.get("url", "").strip()
    found = await asyncio.to_thread(_explain, context, asked)
    if isinstance(found, Explanation):
        return see(context, explained_page(found.found.public_id))
    said = _details(_writer(context, {}), unknown(found)) if asked else ()
    return page(context, "admin_explain", 404 if asked else 200, asked=asked, details=said)


@with_key
async def label(request: Request) -> Response:
    """`POST /admin/articles/ID/label`: as `bantin topics label`."""
    context, fields = context_of(request), await _sent(request)
    if fields is None:
        return error(request, 403)
    public_id, chosen = request.path_params["public_id"], fields.one("label")
    try:
        known = await asyncio.to_thread(_label, context, public_id, chosen or None)
    except UsageError:  # a topic that left the TOML while the page was open
        return error(request, 422)
    if not known:
        return error(request, 404)
    return see(context, f"{explained_page(public_id)}?saved=1#label")


@with_key
async def act(request: Request) -> Response:
    """`POST /admin/articles/ID/story`: as `bantin stories split` and `merge`."""
    context, fields = context_of(request), await _sent(request)
    if fields is None:
        return error(request, 403)
    public_id, do = request.path_params["public_id"], fields.one("do")
    other = fields.one("other").strip()
    if do not in ("split", "merge") or (do == "merge" and not other):
        return error(request, 422)
    try:
        known = await asyncio.to_thread(_act, context, public_id, do, other)
    except StoryError:
        return see(context, f"{explained_page(public_id)}?story=refused#story")
    if not known:
        return error(request, 404)
    return see(context, f"{explained_page(public_id)}?story=done#story")


@with_key
async def take_back(request: Request) -> Response:
    """`POST /admin/articles/ID/recall`: as `bantin recall`, and its `--undo`."""
    context, fields = context_of(request), await _sent(request)
    if fields is None:
        return error(request, 403)
    public_id, do = request.path_params["public_id"], fields.one("do")
    if do not in ("recall", "undo"):
        return error(request, 422)
    try:
        known = await asyncio.to_thread(_take_back, context, public_id, do, fields)
    except StoryError:
        return see(context, f"{explained_page(public_id)}?recall=refused#recall")
    if not known:
        return error(request, 404)
    return see(context, f"{explained_page(public_id)}?recall=done#recall")


def _take_back(context: Context, public_id: str, do: str, fields: Fields) -> bool:
    with context.store.ledger() as connection:
        if find_article(connection, public_id) is None:
            return False
        now = context.clock()
        if do == "undo":
            recalling.undo(connection, public_id, ACTOR, now)
        else:
            recalling.recall(
                connection,
                public_id,
                fields.one("reason"),
                ACTOR,
                now,
                whole=bool(fields.one("whole")),
                hides_title=bool(fields.one("title")),
            )
        return True


async def _sent(request: Request) -> Fields | None:
    """What a form of ours brought; None: it comes from elsewhere, or has no token of ours."""
    context, key, fields = context_of(request), await key_of(request), await read(request)
    ours = key is not None and admin_key.opens(key, "form", fields.one("token"), context.clock())
    return fields if ours and came_from(request) is not Comes.FROM_ELSEWHERE else None


def _act(context: Context, public_id: str, do: str, other: str) -> bool:
    with context.store.write() as connection:
        article_id = find_article(connection, public_id)
        if article_id is None:
            return False
        # The id that the article gave to its first story may be another story's by now.
        story_id = story_rows.story_of(connection, article_id) or 0
        name = story_rows.public_ids(connection, [story_id])[story_id]
        if do == "split":
            acting.split(connection, name, [public_id], ACTOR, context.clock())
        else:
            acting.merge(connection, (name, other), ACTOR, context.clock())
        return True


def _explain(context: Context, asked: str) -> Explanation | Unknown:
    with context.store.read() as connection:
        return explain(connection, asked, context.settings)


def _label(context: Context, public_id: str, topic: str | None) -> bool:
    with context.store.write() as connection:
        article_id = find_article(connection, public_id)
        if article_id is not None:
            labelled.put_label(connection, context.settings, article_id, topic)
        return article_id is not None


def _html(context: Context, asked: str, token: str, done: Mapping[str, str]) -> bytes | None:
    with context.store.read() as connection:
        found = explain(connection, asked, context.settings)
        if not isinstance(found, Explanation):
            return None
        story = stories.by_ids(connection, [found.found.story_id])[found.found.story_id]
        view = replace(
            _view(context, found, story, token, done),
            stay=tuple(
                LinkView(f"{one.outlet}: {one.title}", explained_page(one.public_id))
                for said in found.recalls
                for one in staying.beside(connection, said.recall)
            ),
        )
        pages = Pages(connection, context.settings, context.renderer)
        return pages.explained_page(story, view)


def _view(
    context: Context, found: Explanation, story: Story, token: str, done: Mapping[str, str]
) -> ExplainedView:
    outlets = {one.source: one.title for one in (story.outlet, *story.others)}
    writer = _writer(context, outlets)
    given = None if found.label is None else found.label[0] or NOT
    path = explained_page(found.found.public_id)
    return ExplainedView(
        title=found.found.title,
        chapters=tuple(
            ChapterView(one.heading, _details(writer, one.lines)) for one in parts(found)
        ),
        others=tuple(
            LinkView(other.title, explained_page(other.public_id))
            for other in found.others
            if not other.was_merged
        ),
        topics=tuple(
            LabelView(name, context.settings.topic[name].title or name, chosen=name == given)
            for name in sorted(labelled.learned_topics(context.settings))
        ),
        not_chosen=given == NOT,
        form=f"{path}label",
        token=token,
        saved=done["saved"] == "1",
        story_form=f"{path}story",
        acted=done["story"] if done["story"] in _DONE else "",
        recalled=any(one.recall.undone_at is None for one in found.recalls),
        recall_form=f"{path}recall",
        taken=done["recall"] if done["recall"] in _DONE else "",
    )


def _writer(context: Context, outlets: dict[str, str]) -> SentenceWriter:
    words, zone = context.renderer.words(context.language), context.settings.zone
    titles = {name: one.title for name, one in context.settings.source.items() if one.title}
    return SentenceWriter(words, lambda at: dates.moment(at, zone, words), outlets | titles)


def _details(writer: SentenceWriter, lines: Iterable[Detail]) -> tuple[DetailView, ...]:
    return tuple(DetailView(marked(writer, one.said), one.link or "") for one in lines)


ROUTES = [
    Route("/admin/explain", ask),
    Route("/admin/articles/{public_id}/", show),
    Route("/admin/articles/{public_id}/label", label, methods=["POST"]),
    Route("/admin/articles/{public_id}/story", act, methods=["POST"]),
    Route("/admin/articles/{public_id}/recall", take_back, methods=["POST"]),
]
