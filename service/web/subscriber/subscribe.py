"""Sign-up: the form, and the page that says "check your mail" whoever's address it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.audience import address as addresses
from service.audience import choices, signup, tokens
from service.audience.signup import LINK_LASTS, SignedUp, SignupOutcome, SignupRequest
from service.config.schema import Digest
from service.mail.personal import sender
from service.publish.pages import Pages
from service.render.addresses import HOME, SIGNUP, edition_page, signup_page
from service.store.content import page_queries
from service.store.sources import renames
from service.web import pages
from service.web.answers import error, moved, page, see
from service.web.context import Context, context_of, visitor_of
from service.web.documents import answer, made_now
from service.web.subscriber import cookies, forgery, rhythms
from service.web.subscriber.forgery import Comes
from service.web.subscriber.form_fields import BODY_LIMIT, Fields, read
from service.web.subscriber.views import HONEYPOT, FormOption, SignupForm, SignupSent

_WAIT_S = "3600"
_AGAIN = "signup.fault.again"


async def show(request: Request) -> Response:
    """`GET /subscribe/DIGEST?topic=ID`: the form, with this topic ticked, else all."""
    context = context_of(request)
    digest = await _digest(request)
    if not isinstance(digest, Digest):
        return digest
    offered = choices.topics(context.settings, digest)
    wanted = [name for name in request.query_params.getlist("topic") if name in offered]
    cookie = cookies.read(request, context) or tokens.new_token()
    form = await _form(context, digest, cookie, topics=wanted or list(offered))
    response = page(context, "signup", form=form)
    cookies.write(response, context, cookie)
    return response


async def anywhere(request: Request) -> Response:
    """`/subscribe`: the form of the only digest, else a choice; where there is none, home."""
    context = context_of(request)
    names = list(context.settings.digest)
    if len(names) <= 1:
        return see(context, signup_page(names[0]) if names else HOME)
    if request.scope["path"] != SIGNUP:
        return see(context, SIGNUP, query=request.url.query)
    body = await asyncio.to_thread(_choice, context)
    return answer(made_now(body, pages.HTML, pages.PAGE_CACHE), request.headers)


def _choice(context: Context) -> bytes:
    with context.store.read() as connection:
        return Pages(connection, context.settings, context.renderer).choose()


async def submit(request: Request) -> Response:
    """`POST /subscribe/DIGEST`. Sent again or corrected it comes here too."""
    context, visitor = context_of(request), visitor_of(request)
    digest = await _digest(request)
    if not isinstance(digest, Digest):
        return digest
    fields = await read(request)
    came = forgery.comes(request.headers, visitor.origin, context.settings.site.base_url)
    if came is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    cookie = cookies.read(request, context)
    known = tokens.is_form_token(context.secret, cookie, fields.one("token"))
    # A browser that keeps no cookies says at least that the form is ours.
    if not known and (cookie is not None or came is not Comes.FROM_US):
        return await _again(context, digest, cookie, fields, problem=_AGAIN, status=403)
    if fields.one("do") == "correct":
        return await _again(context, digest, cookie, fields)
    if not context.limiter.allows(visitor.key, context.clock()):
        return error(request, 429, {"Retry-After": _WAIT_S})
    return await _sign_up(request, digest, cookie or tokens.new_token(), fields)


async def _sign_up(request: Request, digest: Digest, cookie: str, fields: Fields) -> Response:
    context, visitor = context_of(request), visitor_of(request)
    evidence = f"page {signup_page(digest.id)}, from {visitor.address}"
    wanted = _signup_request(context, digest, fields, evidence)
    if isinstance(wanted, str):
        return await _again(context, digest, cookie, fields, problem=wanted, status=422)
    wanted = replace(wanted, cookie_hash=tokens.cookie_hash(cookie))
    done = SignedUp(SignupOutcome.CHECK_MAIL, planned=False, due_at=None)
    if not fields.one(HONEYPOT):
        done = await asyncio.to_thread(
            signup.sign_up,
            context.store,
            context.settings,
            context.renderer,
            context.clock(),
            wanted,
        )
    if done.outcome is SignupOutcome.FULL:
        return error(request, 503, {"Retry-After": _WAIT_S})
    later = done.due_at if done.due_at is not None and done.due_at > context.clock() else None
    token = tokens.form_token(context.secret, cookie)
    sent = _sent(context, digest, wanted, token, fields, later)
    response = page(context, "check_mail", sent=sent)
    cookies.write(response, context, cookie)
    return response


async def _digest(request: Request) -> Digest | Response:
    """The digest of the address; or where it has moved; or 404."""
    context = context_of(request)
    name = request.path_params["digest"]
    digest = context.settings.digest.get(name)
    if digest is not None:
        return digest
    new_name = await asyncio.to_thread(_moved_to, context, name)
    if new_name is None:
        return error(request, 404)
    return moved(context, signup_page(new_name), query=request.url.query)


def _moved_to(context: Context, name: str) -> str | None:
    with context.store.read() as connection:
        return renames.moved_to(connection, "digest", name)


def _signup_request(
    context: Context, digest: Digest, fields: Fields, evidence: str
) -> SignupRequest | str:
    """What was asked for; or the key of the sentence that says what is wrong with it."""
    try:
        address = addresses.normal(fields.one("address"))
    except ValueError:
        return "signup.fault.address"
    cadence = choices.first_cadence(digest)
    if _asks_cadence(context, digest):
        cadence = fields.one("cadence")
        if cadence not in choices.cadences(digest):
            return "signup.fault.cadence"
    topics = None
    offered = _asked_topics(context, digest)
    if offered:
        try:
            topics = choices.choose_topics(offered, fields.all("topic"))
        except ValueError:
            return "signup.fault.topics"
    return SignupRequest(address, digest.id, cadence, topics, evidence)


async def _again(
    context: Context,
    digest: Digest,
    cookie: str | None,
    fields: Fields,
    *,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    """The form once more, as it was filled in."""
    cookie = cookie or tokens.new_token()
    form = await _form(
        context,
        digest,
        cookie,
        topics=fields.all("topic"),
        cadence=fields.one("cadence"),
        address=fields.one("address")[: addresses.MAX_LENGTH],
        problem=problem,
    )
    response = page(context, "signup", status, form=form)
    cookies.write(response, context, cookie)
    return response


async def _form(
    context: Context,
    digest: Digest,
    cookie: str,
    *,
    topics: list[str],
    cadence: str = "",
    address: str = "",
    problem: str | None = None,
) -> SignupForm:
    settings, words = context.settings, context.renderer.words(context.language)
    own = choices.first_cadence(digest)
    chosen = cadence if cadence in choices.cadences(digest) else own
    return SignupForm(
        digest=digest.id,
        title=choices.digest_title(settings, digest),
        path=signup_page(digest.id),
        rhythm=rhythms.in_words(settings, digest, own, words),
        latest=await asyncio.to_thread(_latest, context, digest.id),
        topics=tuple(
            FormOption(name, title, name in topics)
            for name, title in _asked_topics(context, digest).items()
        ),
        cadences=tuple(
            FormOption(one, rhythms.in_words(settings, digest, one, words), one == chosen)
            for one in choices.cadences(digest)
            if _asks_cadence(context, digest)
        ),
        address=address,
        token=tokens.form_token(context.secret, cookie),
        problem=problem,
    )


def _asked_topics(context: Context, digest: Digest) -> dict[str, str]:
    """Topics that the form asks about: none where there is nothing to choose."""
    offered = choices.topics(context.settings, digest)
    return offered if "topics" in context.settings.signup.ask and len(offered) > 1 else {}


def _asks_cadence(context: Context, digest: Digest) -> bool:
    return "cadence" in context.settings.signup.ask and len(choices.cadences(digest)) > 1


def _latest(context: Context, digest: str) -> str | None:
    """The page of the last edition that stands in the archive."""
    with context.store.read() as connection:
        for one in page_queries.editions(connection, digest, limit=1):
            return edition_page(one.digest, one.cut_at, one.cadence, listed=one.listed)
    return None


def _sent(
    context: Context,
    digest: Digest,
    wanted: SignupRequest,
    token: str,
    fields: Fields,
    later: datetime | None,
) -> SignupSent:
    title, address = sender(context.settings)
    again = [("address", wanted.address), ("cadence", fields.one("cadence")), ("token", token)]
    return SignupSent(
        address=addresses.readable(wanted.address),
        sender=f"{title} <{address}>" if title else address,
        days=LINK_LASTS.days,
        path=signup_page(digest.id),
        fields=(*again, *(("topic", name) for name in fields.all("topic"))),
        later=later,
    )


ROUTES = [
    Route("/subscribe", anywhere),
    Route("/subscribe/", anywhere),
    Route("/subscribe/{digest}", show),
    Route("/subscribe/{digest}", submit, methods=["POST"], max_body_size=BODY_LIMIT),
]
