"""One digest's part of the preferences: what it shows, and what was chosen there. Pure.

Its fields are called after the digest: `topic.ID`, `cadence.ID`, `hour.ID`, `pause.ID`, `until.ID`.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.audience import choices, unsubscribe
from service.audience.preferences import Preferences, is_paused
from service.config.schema import Digest, Settings
from service.mail.personal import unsubscribe_path
from service.render.words import Words
from service.store.audience.subscriptions import Subscription
from service.web.subscriber import rhythms
from service.web.subscriber.form_fields import Fields
from service.web.subscriber.rhythms import SentEarly
from service.web.subscriber.views import DigestForm, DigestSection, FormOption

LONGEST_PAUSE = timedelta(days=366)
_HOURS = tuple(f"{hour:02}:00" for hour in range(24))


class FormError(Exception):
    """What was filled in cannot be. `key` is that of the sentence, `about` the digest's title."""

    def __init__(self, about: str, key: str) -> None:
        super().__init__(f"{about}: {key}")
        self.about, self.key = about, key


def section(
    settings: Settings,
    words: Words,
    found: Subscription,
    now: datetime,
    zone: ZoneInfo,
    given: Fields | None = None,
    early: SentEarly = frozenset(),
) -> DigestSection:
    """A digest of the page. `given`: what was filled in, which is shown again; None: what is so.

    `early`: as in `rhythms.next_mail`.
    """
    digest = settings.digest.get(found.digest)
    paused = _last_day(found, zone) if is_paused(found, now) else None
    return DigestSection(
        digest=found.digest,
        title=found.digest_title,
        next_mail=rhythms.next_mail(settings, found, now, early),
        paused=None if paused is None else datetime.combine(paused, time(12), zone),
        unsubscribe=unsubscribe_path(found.token),
        form=None
        if digest is None
        else _form(settings, digest, words, found, now, zone, paused, given),
    )


def _form(
    settings: Settings,
    digest: Digest,
    words: Words,
    found: Subscription,
    now: datetime,
    zone: ZoneInfo,
    paused: date | None,
    given: Fields | None,
) -> DigestForm:
    today = now.astimezone(zone).date()
    until = paused.isoformat() if paused else ""
    pause = "until" if paused else ""
    if given is not None:
        pause, until = given.one(f"pause.{digest.id}"), given.one(f"until.{digest.id}")[:10]
    return DigestForm(
        topics=_topics(settings, digest, found, given),
        cadences=_cadences(settings, digest, words, found, given),
        hours=_hours(digest, found, given),
        pause=pause if pause in ("days", "until") else "",
        paused_to=until,
        first_day=(today + timedelta(days=1)).isoformat(),
        last_day=(today + LONGEST_PAUSE).isoformat(),
        pause_days=unsubscribe.PAUSE.days,
    )


def _topics(
    settings: Settings, digest: Digest, found: Subscription, given: Fields | None
) -> tuple[FormOption, ...]:
    offered = choices.topics(settings, digest)
    if len(offered) <= 1:
        return ()
    chosen = found.topics if given is None else given.all(f"topic.{digest.id}")
    shown = choices.topics_shown(offered, chosen)
    return tuple(FormOption(name, title, name in shown) for name, title in offered.items())


def _cadences(
    settings: Settings, digest: Digest, words: Words, found: Subscription, given: Fields | None
) -> tuple[FormOption, ...]:
    offered = choices.cadences(digest)
    if len(offered) <= 1:
        return ()
    chosen = found.cadence if given is None else given.one(f"cadence.{digest.id}")
    chosen = chosen if chosen in offered else choices.first_cadence(digest)
    return tuple(
        FormOption(one, rhythms.in_words(settings, digest, one, words, found.hour), one == chosen)
        for one in offered
    )


def _hours(digest: Digest, found: Subscription, given: Fields | None) -> tuple[FormOption, ...]:
    """The digest's own hour first, as ""; then every full hour, and the one that is chosen."""
    if not any(choices.has_hour(one) for one in choices.cadences(digest)):
        return ()
    hours = sorted({*_HOURS, *([found.hour] if found.hour else [])})
    chosen = found.hour or "" if given is None else given.one(f"hour.{digest.id}")
    own = FormOption("", digest.at, chosen not in hours)
    return (own, *(FormOption(hour, hour, hour == chosen) for hour in hours))


def wanted(
    settings: Settings, found: Subscription, fields: Fields, now: datetime, zone: ZoneInfo
) -> Preferences:
    """What was chosen for a digest that is sent. Raises FormError."""
    digest = settings.digest[found.digest]
    offered, topics = choices.cadences(digest), choices.topics(settings, digest)
    cadence = fields.one(f"cadence.{digest.id}") if len(offered) > 1 else offered[0]
    wrong = "signup.fault.cadence" if cadence not in offered else "signup.fault.topics"
    try:
        choices.choose_cadence(digest, cadence)
        chosen = found.topics
        if len(topics) > 1:
            chosen = choices.choose_topics(topics, fields.all(f"topic.{digest.id}"))
        wrong = "signup.fault.hour"
        hour = choices.choose_hour(cadence, fields.one(f"hour.{digest.id}"))
        wrong = "signup.fault.date"
        paused_until = _pause(found, fields, now, zone)
    except ValueError:
        raise FormError(found.digest_title, wrong) from None
    return Preferences(cadence, chosen, hour, paused_until)


def _pause(found: Subscription, fields: Fields, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the pause, aware; None = no pause. Raises ValueError for a day that cannot be."""
    chosen, until = fields.one(f"pause.{found.digest}"), fields.one(f"until.{found.digest}")
    paused = is_paused(found, now)
    if chosen == "days":
        return now + unsubscribe.PAUSE
    # Who fills in a day and forgets the circle before it means the day.
    if chosen != "until" and (paused or not until):
        return None
    day = date.fromisoformat(until)
    if paused and day == _last_day(found, zone):
        return found.paused_until  # as it was: thirty days end at the minute they began
    today = now.astimezone(zone).date()
    if not today < day <= today + LONGEST_PAUSE:
        raise ValueError("a pause ends after today and within a year")
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _last_day(found: Subscription, zone: ZoneInfo) -> date:
    assert found.paused_until is not None
    last = found.paused_until - timedelta(microseconds=1)
    return last.astimezone(zone).date()
