"""Sign-up: the form, and the page that says "check your mail" whoever's address it was.

The form may stand on another site's page as well: see `elsewhere` for what it may do from there.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
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
from service.web.answers import PRIVATE, error, moved, page, see
from service.web.context import Context, came_from, context_of, visitor_of
from service.web.documents import answer, made_now
from service.web.forgery import Comes
from service.web.headers import leading_to
from service.web.subscriber import cookies, elsewhere, rhythms
from service.web.subscriber.form_fields import BODY_LIMIT, Fields, read
from service.web.subscriber.views import HONEYPOT, FormOption, SignupForm, SignupSent

_WAIT_S = "3600"
_AGAIN = "signup.fault.again"


async def show(request: Request) -> Response:
    """`GET /subscribe/DIGEST?topic=ID`: the form, with this topic ticked, else all."""
    context = context_of(request)
    digest = await _digest(request, request.path_params["digest"])
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


async def submit_anywhere(request: Request) -> Response:
    """`POST /subscribe`: the digest is a field, or the only one; else the choice is shown."""
    digests, fields = context_of(request).settings.digest, await read(request)
    name = fields.one("digest") or (next(iter(digests)) if len(digests) == 1 else "")
    return await _submit(request, name, fields) if name else await anywhere(request)


async def submit(request: Request) -> Response:
    """`POST /subscribe/DIGEST`. Sent again or corrected it comes here too."""
    return await _submit(request, request.path_params["digest"], await read(request))


async def _submit(request: Request, name: str, fields: Fields) -> Response:
    context, visitor = context_of(request), visitor_of(request)
    digest = await _digest(request, name)
    if not isinstance(digest, Digest):
        return digest
    came = came_from(request)
    if came is Comes.FROM_ELSEWHERE:
        return await _from_elsewhere(request, digest, fields)
    cookie = cookies.read(request, context)
    known = tokens.is_form_token(context.secret, cookie, fields.one("token"))
    # A browser that keeps no cookies says at least that the form is ours.
    if not known and (cookie is not None or came is not Comes.FROM_US):
        return await _again(context, digest, cookie, fields, problem=_AGAIN, status=403)
    if fields.one("do") == "correct":
        return await _again(context, digest, cookie, fields)
    if not context.limiter.allows(visitor.key, context.clock()):
        return error(request, 429, {"Retry-After": _WAIT_S})
    evidence = f"page {signup_page(digest.id)}, from {visitor.address}"
    return await _sign_up(request, digest, cookie or tokens.new_token(), fields, evidence)


async def _from_elsewhere(request: Request, digest: Digest, fields: Fields) -> Response:
    """A form on another site's page. From a site that is not known, our own asks for one press."""
    context, visitor = context_of(request), visitor_of(request)
    accepted = request.headers.get("accept-language", "")
    language = elsewhere.language_of(fields.one("language"), accepted, context.renderer.speaks)
    fields = _completed(context, digest, fields, language)
    if not elsewhere.is_known(request.headers, context.settings.signup.embed):
        return await _again(context, digest, None, fields, note="signup.elsewhere")
    if not context.limiter.allows(visitor.key, context.clock()):
        return error(request, 429, {"Retry-After": _WAIT_S})
    evidence = f"form on {request.headers['origin']}, from {visitor.address}"
    # No page but ours arms the one click: a cookie set here confirms nothing.
    return await _sign_up(request, digest, tokens.new_token(), fields, evidence, one_click=False)


def _completed(context: Context, digest: Digest, fields: Fields, language: str | None) -> Fields:
    """The fields, with the digest's own choice where a short form leaves one out."""
    more = [] if language is None else [("language", language)]
    if not fields.all("topic"):
        more += [("topic", name) for name in choices.asked_topics(context.settings, digest)]
    if not fields.one("cadence"):
        more.append(("cadence", choices.first_cadence(digest)))
    return Fields((*fields.pairs, *more))


async def _sign_up(
    request: Request,
    digest: Digest,
    cookie: str,
    fields: Fields,
    evidence: str,
    *,
    one_click: bool = True,
) -> Response:
    context = context_of(request)
    wanted = _signup_request(context, digest, fields, evidence)
    if isinstance(wanted, str):
        return await _again(context, digest, cookie, fields, problem=wanted, status=422)
    wanted = replace(wanted, cookie_hash=tokens.cookie_hash(cookie) if one_click else None)
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
    back = elsewhere.return_address(fields.one("return_to"), context.settings.signup.embed)
    if back is not None:
        return RedirectResponse(back, 303, PRIVATE)
    later = done.due_at if done.due_at is not None and done.due_at > context.clock() else None
    token = tokens.form_token(context.secret, cookie)
    sent = _sent(context, digest, wanted, token, fields, later)
    response = page(context, "check_mail", language=wanted.language, sent=sent)
    cookies.write(response, context, cookie)
    return response


async def _digest(request: Request, name: str) -> Digest | Response:
    """The digest of this name; or where it has moved; or 404."""
    context = context_of(request)
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
    if choices.asks_cadence(context.settings, digest):
        cadence = fields.one("cadence")
        if cadence not in choices.cadences(digest):
            return "signup.fault.cadence"
    topics = None
    offered = choices.asked_topics(context.settings, digest)
    if offered:
        try:
            topics = choices.choose_topics(offered, fields.all("topic"))
        except ValueError:
            return "signup.fault.topics"
    language = _language(context, fields)
    return SignupRequest(address, digest.id, cadence, topics, evidence, language=language)


def _language(context: Context, fields: Fields) -> str | None:
    """The reader's language where the form says one that is spoken here."""
    said = fields.one("language")
    return said if said and context.renderer.speaks(said) else None


async def _again(
    context: Context,
    digest: Digest,
    cookie: str | None,
    fields: Fields,
    *,
    problem: str | None = None,
    note: str | None = None,
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
        note=note,
        language=_language(context, fields),
        return_to=elsewhere.return_address(fields.one("return_to"), context.settings.signup.embed),
    )
    headers = leading_to(elsewhere.origin_of(form.return_to)) if form.return_to else None
    response = page(context, "signup", status, headers, form.language, form=form)
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
    note: str | None = None,
    language: str | None = None,
    return_to: str | None = None,
) -> SignupForm:
    settings, words = context.settings, context.renderer.words(context.spoken(language))
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
            for name, title in choices.asked_topics(settings, digest).items()
        ),
        cadences=tuple(
            FormOption(one, rhythms.in_words(settings, digest, one, words), one == chosen)
            for one in choices.cadences(digest)
            if choices.asks_cadence(settings, digest)
        ),
        address=address,
        token=tokens.form_token(context.secret, cookie),
        problem=problem,
        note=note,
        language=language,
        return_to=return_to,
    )


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
        fields=(
            *again,
            *(("topic", name) for name in fields.all("topic")),
            *([("language", wanted.language)] if wanted.language else ()),
        ),
        later=later,
    )


ROUTES = [
    Route("/subscribe", anywhere),
    Route("/subscribe/", anywhere),
    Route("/subscribe", submit_anywhere, methods=["POST"], max_body_size=BODY_LIMIT),
    Route("/subscribe/{digest}", show),
    Route("/subscribe/{digest}", submit, methods=["POST"], max_body_size=BODY_LIMIT),
]
