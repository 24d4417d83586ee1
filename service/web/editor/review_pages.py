"""The page where an editor reviews an edition. GET shows, POST acts; the link is the permission.

Every button sends the whole form, so that no press loses what was written beside it. What it does
names the version that the page showed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.audience.tokens import is_token
from service.errors import UsageError
from service.mail.personal import review_path
from service.model import ReviewAct
from service.newsletter.review import acts
from service.newsletter.review.acts import ReviewOutcome, ReviewWish
from service.newsletter.review.whole import whole
from service.newsletter.review.words import TooLongError
from service.render.addresses import edition_page
from service.store.reviews import reviews, stories
from service.store.reviews.readers import due_readers
from service.web.answers import error, page, see
from service.web.context import Context, came_from, context_of
from service.web.editor.views import ReviewPage, action_of, review_page
from service.web.forgery import Comes
from service.web.subscriber.form_fields import Fields, read

FORM_LIMIT = 512 * 1024
"""Bytes of a request: opening words, and a note below each of a hundred stories, all in letters
that take nine bytes in a form."""

_NOTE = "note-"
_STATUS = {ReviewOutcome.CONFLICT: 409, ReviewOutcome.SETTLED: 409, ReviewOutcome.NO_COPY: 429}
_PROBLEM = {
    ReviewOutcome.CONFLICT: "review.problem.conflict",
    ReviewOutcome.SETTLED: "review.problem.settled",
    ReviewOutcome.NO_COPY: "review.problem.no_copy",
}
_DID = frozenset({"save", *(one.value for one in ReviewAct)})


async def show(request: Request) -> Response:
    """`GET /review/TOKEN`. It writes nothing."""
    context = context_of(request)
    did = request.query_params.get("did", "")
    shown = await asyncio.to_thread(
        _shown, context, request.path_params["token"], did=did if did in _DID else ""
    )
    return error(request, 404) if shown is None else page(context, "review", review=shown)


async def press(request: Request) -> Response:
    """`POST /review/TOKEN`."""
    context = context_of(request)
    fields = await read(request, FORM_LIMIT)
    if came_from(request) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    token, action = request.path_params["token"], action_of(fields.one("do"))
    version = fields.one("version")
    if not is_token(token) or action is None or not (version.isascii() and version.isdecimal()):
        return error(request, 404)
    do, story = action
    opening = fields.one("opening") if any(key == "opening" for key, _ in fields.pairs) else None
    wish = ReviewWish(int(version[:9]), do, story, opening, _notes(fields))
    problem, status, most = "", 200, 0
    try:
        outcome = await asyncio.to_thread(
            acts.act,
            context.store,
            context.settings,
            context.renderer,
            context.clock(),
            token,
            wish,
        )
    except TooLongError as too_long:
        problem, status, most = "review.problem.long", 422, too_long.most
    except UsageError:  # its digest has left the configuration
        return error(request, 404)
    else:
        if outcome is ReviewOutcome.UNKNOWN:
            return error(request, 404)
        if outcome in (ReviewOutcome.DONE, ReviewOutcome.COPIED):
            at = f"#s-{story}" if story.isalnum() else ""
            did = do.value if do is not None else "save"
            return see(context, review_path(token), query=f"did={did}{at}")
        problem, status = _PROBLEM[outcome], _STATUS[outcome]
    kept = wish if problem != "review.problem.no_copy" else None  # its words were taken
    shown = await asyncio.to_thread(_shown, context, token, sent=kept, problem=problem, most=most)
    return error(request, 404) if shown is None else page(context, "review", status, review=shown)


def _notes(fields: Fields) -> Mapping[str, str]:
    return {key.removeprefix(_NOTE): value for key, value in fields.pairs if key.startswith(_NOTE)}


def _shown(
    context: Context,
    token: str,
    *,
    sent: ReviewWish | None = None,
    did: str = "",
    problem: str = "",
    most: int = 0,
) -> ReviewPage | None:
    """The page as it stands; None: no such link. Raises TemplateError."""
    if not is_token(token):
        return None
    settings, renderer = context.settings, context.renderer
    with context.store.read() as connection:
        found = acts.find(connection, settings, token)
        if found is None:
            return None
        try:
            seen = whole(connection, settings, renderer, found.review)
        except UsageError:
            return None
        edition = seen.edition
        return review_page(
            found,
            seen,
            stories.dropped(connection, edition.id),
            reviews.acts(connection, edition.id),
            {name: topic.title or name for name, topic in settings.topic.items()},
            context.clock(),
            page=edition_page(
                found.review.digest, edition.cut_at, edition.cadence, listed=edition.listed
            ),
            readers=due_readers(connection, edition.digest_id, edition.cadence, edition.cut_at),
            sent=sent,
            did=did,
            problem=problem,
            most=most,
            own=acts.own(settings, found.review),
            next_cut=acts.next_cut(connection, settings, found.review),
        )


ROUTES = [
    Route("/review/{token}", show),
    Route("/review/{token}", press, methods=["POST"], max_body_size=FORM_LIMIT),
]
