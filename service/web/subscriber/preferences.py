"""The preferences: one page, one Save. The link in each mail is the way in."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.audience import choices, unsubscribe
from service.audience import preferences as audience
from service.audience.preferences import Preferences
from service.config.schema import Digest
from service.errors import UsageError
from service.mail.personal import confirm_path, preferences_path, unsubscribe_path
from service.store.audience.subscriptions import Subscription
from service.web.answers import error, page, see
from service.web.context import Context, context_of, visitor_of
from service.web.subscriber import forgery, rhythms
from service.web.subscriber.forgery import Comes
from service.web.subscriber.form_fields import BODY_LIMIT, Fields, read
from service.web.subscriber.own_subscription import mine
from service.web.subscriber.views import FormOption, PreferencesForm

LONGEST_PAUSE = timedelta(days=366)
_HOURS = tuple(f"{hour:02}:00" for hour in range(24))


async def show(request: Request) -> Response:
    """`GET /preferences/TOKEN`."""
    context = context_of(request)
    found = await _find(request)
    if isinstance(found, Response):
        return found
    saved = request.query_params.get("saved") == "1"
    return _page(context, found, context.clock(), saved=saved)


async def save(request: Request) -> Response:
    """`POST /preferences/TOKEN`."""
    context, now = context_of(request), context_of(request).clock()
    fields = await read(request)
    visitor, base_url = visitor_of(request), context.settings.site.base_url
    if forgery.comes(request.headers, visitor.origin, base_url) is Comes.FROM_ELSEWHERE:
        return error(request, 403)
    found = await _find(request)
    if isinstance(found, Response):
        return found
    wanted = _wanted(context, found, fields, now)
    if isinstance(wanted, str):
        return _page(context, found, now, problem=wanted, status=422)
    try:
        await asyncio.to_thread(
            audience.save, context.store, context.settings, now, found.token, wanted
        )
    except UsageError:
        return _page(context, found, now, problem="signup.fault.cadence", status=422)
    return see(context, preferences_path(found.token), query="saved=1")


async def _find(request: Request) -> Subscription | Response:
    """The active subscription of the link; else where its owner must go."""
    context = context_of(request)
    token = request.path_params["token"]
    found = await asyncio.to_thread(unsubscribe.find, context.store, token)
    if found is None:
        return error(request, 404)
    if not found.live:
        return see(context, unsubscribe_path(token))
    return found if found.confirmed else see(context, confirm_path(token))


def _page(
    context: Context,
    found: Subscription,
    now: datetime,
    *,
    saved: bool = False,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    digest = context.settings.digest.get(found.digest)
    form = None
    if digest is not None:
        form = _form(context, digest, found, now, saved=saved, problem=problem)
    return page(context, "preferences", status, one=mine(context, found, now), form=form)


def _form(
    context: Context,
    digest: Digest,
    found: Subscription,
    now: datetime,
    *,
    saved: bool,
    problem: str | None,
) -> PreferencesForm:
    paused = _last_day(context, found) if audience.is_paused(found, now) else None
    today = now.astimezone(_zone(context)).date()
    return PreferencesForm(
        topics=_topics(context, digest, found),
        cadences=_cadences(context, digest, found),
        hours=_hours(digest, found),
        pause="until" if paused else "",
        paused_to=paused.isoformat() if paused else "",
        first_day=(today + timedelta(days=1)).isoformat(),
        last_day=(today + LONGEST_PAUSE).isoformat(),
        paused=None if paused is None else _noon(context, paused),
        pause_days=unsubscribe.PAUSE.days,
        saved=saved,
        problem=problem,
    )


def _topics(context: Context, digest: Digest, found: Subscription) -> tuple[FormOption, ...]:
    offered = choices.topics(context.settings, digest)
    if len(offered) <= 1:
        return ()
    chosen = choices.topics_shown(offered, found.topics)
    return tuple(FormOption(name, title, name in chosen) for name, title in offered.items())


def _cadences(context: Context, digest: Digest, found: Subscription) -> tuple[FormOption, ...]:
    offered = choices.cadences(digest)
    if len(offered) <= 1:
        return ()
    settings, words = context.settings, context.renderer.words(context.language)
    chosen = found.cadence if found.cadence in offered else choices.first_cadence(digest)
    return tuple(
        FormOption(one, rhythms.in_words(settings, digest, one, words, found.hour), one == chosen)
        for one in offered
    )


def _hours(digest: Digest, found: Subscription) -> tuple[FormOption, ...]:
    """The digest's own hour first, as ""; then every full hour, and the one that is chosen."""
    if not any(choices.has_hour(one) for one in choices.cadences(digest)):
        return ()
    hours = sorted({*_HOURS, *([found.hour] if found.hour else [])})
    own = FormOption("", digest.at, found.hour is None)
    return (own, *(FormOption(hour, hour, hour == found.hour) for hour in hours))


def _wanted(
    context: Context, found: Subscription, fields: Fields, now: datetime
) -> Preferences | str:
    """What was chosen; or the key of the sentence that says what is wrong with it."""
    digest = context.settings.digest.get(found.digest)
    if digest is None:
        return "signup.fault.cadence"
    offered = choices.cadences(digest)
    cadence = fields.one("cadence") if len(offered) > 1 else offered[0]
    topics = choices.topics(context.settings, digest)
    try:
        chosen = found.topics
        if len(topics) > 1:
            chosen = choices.choose_topics(topics, fields.all("topic"))
    except ValueError:
        return "signup.fault.topics"
    try:
        hour = choices.choose_hour(cadence, fields.one("hour"))
    except ValueError:
        return "signup.fault.hour"
    try:
        paused_until = _pause(context, found, fields, now)
    except ValueError:
        return "signup.fault.date"
    return Preferences(cadence, chosen, hour, paused_until)


def _pause(context: Context, found: Subscription, fields: Fields, now: datetime) -> datetime | None:
    """The end of the pause, aware; None = no pause. Raises ValueError for a day that cannot be."""
    wanted, paused = fields.one("pause"), audience.is_paused(found, now)
    if wanted == "days":
        return now + unsubscribe.PAUSE
    # Who fills in a day and forgets the circle before it means the day.
    if wanted != "until" and (paused or not fields.one("until")):
        return None
    day = date.fromisoformat(fields.one("until"))
    if paused and day == _last_day(context, found):
        return found.paused_until  # as it was: thirty days end at the minute they began
    today = now.astimezone(_zone(context)).date()
    if not today < day <= today + LONGEST_PAUSE:
        raise ValueError("a pause ends after today and within a year")
    return datetime.combine(day + timedelta(days=1), time(), _zone(context))


def _last_day(context: Context, found: Subscription) -> date:
    assert found.paused_until is not None
    last = found.paused_until - timedelta(microseconds=1)
    return last.astimezone(_zone(context)).date()


def _noon(context: Context, day: date) -> datetime:
    """An instant that the templates write as this day."""
    return datetime.combine(day, time(12), _zone(context))


def _zone(context: Context) -> ZoneInfo:
    return ZoneInfo(context.renderer.site.zone)


ROUTES = [
    Route("/preferences/{token}", show),
    Route("/preferences/{token}", save, methods=["POST"], max_body_size=BODY_LIMIT),
]
