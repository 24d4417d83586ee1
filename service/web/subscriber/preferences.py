"""The preferences: one page for all digests of an address, one Save.

The link in each mail is the way in. The address is masked, for mails are forwarded.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.audience import preferences as audience
from service.audience import unsubscribe
from service.audience.people import zones
from service.audience.preferences import PersonalChoice, Preferences
from service.errors import UsageError
from service.mail.personal import confirm_path, preferences_path, unsubscribe_path
from service.store.audience.subscriptions import Subscription
from service.web.answers import error, see
from service.web.context import Context, came_from, context_of
from service.web.forgery import Comes
from service.web.subscriber import digest_form, own
from service.web.subscriber.digest_form import FormError
from service.web.subscriber.form_fields import BODY_LIMIT, Fields, read
from service.web.subscriber.own_subscription import gone_page, own_page, sent_early
from service.web.subscriber.views import FormGroup, FormOption, PreferencesForm

_NO_REGION = ("Etc/", "SystemV/", "posix/", "right/")


async def show(request: Request) -> Response:
    """`GET /preferences/TOKEN`."""
    context = context_of(request)
    active = await _find(request)
    if isinstance(active, Response):
        return active
    saved = request.query_params.get("saved") == "1"
    return await _page(context, active, context.clock(), saved=saved)


async def save(request: Request) -> Response:
    """`POST /preferences/TOKEN`."""
    context, now = context_of(request), context_of(request).clock()
    fields = await read(request)
    if came_from(request) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    active = await _find(request)
    if isinstance(active, Response):
        return active
    try:
        person = _person(context, active[0], fields)
        wanted = _wanted(context, active, fields, now)
        await asyncio.to_thread(
            audience.save, context.store, context.settings, now, active[0].token, wanted, person
        )
    except FormError as fault:
        return await _page(context, active, now, given=fields, fault=fault, status=422)
    except UsageError:  # the digest has left that cadence, or was left, while the page was open
        left = FormError(active[0].digest_title, "signup.fault.cadence")
        return await _page(context, active, now, given=fields, fault=left, status=422)
    return see(context, preferences_path(active[0].token), query="saved=1")


async def _find(request: Request) -> list[Subscription] | Response:
    """The active subscriptions of the link's person, its own first; else where to go."""
    context = context_of(request)
    token = request.path_params["token"]
    active = await asyncio.to_thread(audience.of_address, context.store, token)
    if active:
        return active
    found = await asyncio.to_thread(unsubscribe.find, context.store, token)
    if found is None:
        return error(request, 404)
    if unsubscribe.is_gone(found):
        return gone_page(context, found)
    if not found.live:
        return see(context, unsubscribe_path(found.token))
    return see(context, confirm_path(found.token))


async def _page(
    context: Context,
    active: list[Subscription],
    now: datetime,
    *,
    saved: bool = False,
    given: Fields | None = None,
    fault: FormError | None = None,
    status: int = 200,
) -> Response:
    own, settings = active[0], context.settings
    zone = ZoneInfo(own.zone or context.renderer.site.zone)
    words = context.renderer.words(context.spoken(own.language))
    early = await sent_early(context, now)
    sections = tuple(
        digest_form.section(settings, words, one, now, zone, given, early) for one in active
    )
    sent = any(one.form for one in sections)
    form = PreferencesForm(
        digests=sections,
        zones=_zones(context, own.zone if given is None else given.one("zone") or None),
        site_zone=context.renderer.site.zone,
        languages=_languages(context, given.one("language") if given else own.language),
        sent=sent,
        saved=saved,
        problem=fault.key if fault else None,
        about=fault.about if fault and len(active) > 1 else "",
    )
    return own_page(context, own, now, "preferences", status, early=early, form=form)


def _wanted(
    context: Context, active: list[Subscription], fields: Fields, now: datetime
) -> dict[str, Preferences]:
    """Digest -> what was chosen, of those that are still sent. Raises FormError."""
    settings, site_zone = context.settings, context.renderer.site.zone
    zone = ZoneInfo(active[0].zone or site_zone)
    sent = [one for one in active if one.digest in settings.digest]
    if not sent:
        raise FormError(active[0].digest_title, "signup.fault.cadence")
    return {one.digest: digest_form.wanted(settings, one, fields, now, zone) for one in sent}


def _person(context: Context, own: Subscription, fields: Fields) -> PersonalChoice:
    """Zone and language; what the form does not say, or what is the site's own, as it is.

    Raises FormError for one that is none.
    """
    zone, language = fields.one("zone") or None, fields.one("language") or None
    if zone is not None and zone not in zones():
        raise FormError("", "signup.fault.zone")
    if language is not None and not context.renderer.speaks(language):
        raise FormError("", "signup.fault.language")
    if zone == context.renderer.site.zone:
        zone = None
    if language is None or _shown(context, own.language) == language:
        language = own.language  # "en-GB" is shown as "en", and stays
    return PersonalChoice(zone if "zone" in fields else own.zone, language)


def _zones(context: Context, chosen: str | None) -> tuple[FormGroup, ...]:
    """Cities by region, and what was chosen, whatever it is: one Save must not lose it.

    None is chosen where the site's own zone counts.
    """
    groups: dict[str, list[FormOption]] = {}
    for name in sorted(zones()):
        region, _, city = name.partition("/")
        offered = name == chosen or (city and not name.startswith(_NO_REGION))
        if offered and name != context.renderer.site.zone:
            label = (city or name).replace("_", " ").replace("/", ", ")
            groups.setdefault(region, []).append(FormOption(name, label, name == chosen))
    return tuple(FormGroup(region, tuple(cities)) for region, cities in groups.items())


def _languages(context: Context, chosen: str | None) -> tuple[FormOption, ...]:
    """The languages that there are words for, each by its own name; none where there is one."""
    known, shown = context.renderer.languages(), _shown(context, chosen or None)
    if len(known) <= 1:
        return ()
    names = ((one, context.renderer.words(one).say("language.name")) for one in known)
    return tuple(FormOption(one, name, one == shown) for one, name in names)


def _shown(context: Context, language: str | None) -> str:
    """Which of the languages with words that is."""
    spoken = context.spoken(language)
    known = spoken in context.renderer.languages()
    return spoken if known else spoken.partition("-")[0].lower()


ROUTES = [
    Route("/preferences/{token}", show),
    Route("/preferences/{token}", save, methods=["POST"], max_body_size=BODY_LIMIT),
    *own.ROUTES,
]
