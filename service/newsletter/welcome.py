"""The welcome: a mail after the confirmation that carries the last edition, and counts as told.

Where there is no edition yet, or nothing in it that is new to this person, no welcome goes out: the
page of the confirmation has said when the first mail comes, and an empty mail tells nobody
anything. Nor does it tell what the digest had before its first reader: an archive may begin long
before, and old is not news.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.config.schema import Settings
from service.errors import ConflictError, TemplateError
from service.mail.message import transactional_message_id
from service.mail.personal import host
from service.model import DeliveryKind, Parts
from service.newsletter import items as frozen_items
from service.newsletter import rules
from service.newsletter.choose import StorySelection, choose, limits_of
from service.newsletter.compose import Composed, EditionComposer
from service.newsletter.decide import LEAST_LATENESS, followed
from service.newsletter.freeze import topics_of
from service.newsletter.prepare import frame_of
from service.newsletter.scheduling import live_digests, reschedule
from service.render.engine import Renderer
from service.store.audience import windows
from service.store.audience.windows import Window
from service.store.core import facts, hold
from service.store.core.database import Connection, Store
from service.store.mailing import deliveries, editions, segments, told
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.editions import Edition, Frozen, LiveDigest
from service.store.mailing.message_parts import pack
from service.store.mailing.segments import Segment
from service.store.mailing.told import DeliveryContents
from service.store.recalled import marks

NEVER = datetime.max.replace(tzinfo=UTC)
"""Since when a digest without readers has had them."""


@dataclass(frozen=True, slots=True)
class Welcomed:
    """How many welcomes were planned. `failed`: subscription -> why, and it is tried again."""

    planned: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def plan_welcomes(
    store: Store, settings: Settings, renderer: Renderer, now: datetime, only: str | None = None
) -> Welcomed:
    """Decide for everyone who has confirmed since the last run. Each is a commit of its own.

    `only`: for those of this digest alone. Nothing while mail is held.
    """
    with store.read() as connection:
        if hold.held_since(connection) is not None:
            return Welcomed()
        due = [one for one in windows.welcomes_due(connection) if only in (None, one[1])]
        digests = {row.name: row for row in live_digests(connection, settings)}
    if not due:
        return Welcomed()
    reschedule(store, settings, renderer.site.zone, now, only)
    planned, failed = 0, {}
    for subscription, name in due:
        try:
            planned += _welcome(store, settings, renderer, now, subscription, digests.get(name))
        except (TemplateError, ConflictError) as error:
            failed[subscription] = str(error)
    return Welcomed(planned, failed)


def has_something(
    store: Store, settings: Settings, digest: str, subscriber: int, topics: Sequence[str] | None
) -> bool:
    """Whether a welcome to this person will carry anything, for the page that promises it."""
    with store.read() as connection:
        row = next(iter(live_digests(connection, settings, digest)), None)
        edition = None if row is None else editions.newest(connection, row.id)
        if row is None or edition is None or settings.signup.welcome == "none":
            return False
        frozen = editions.stories(connection, edition.id)
        return len(_choice(connection, settings, row, frozen, subscriber, topics)) > 0


def _welcome(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    subscription: int,
    digest: LiveDigest | None,
) -> bool:
    with store.ledger() as connection:
        marks.hold_off(connection)
        if not windows.welcomed(connection, subscription):
            return False
        if digest is None or settings.signup.welcome == "none":
            return False
        edition = editions.newest(connection, digest.id)
        if edition is None:
            return False
        found = windows.load(connection, [subscription], edition.id, lock=True)
        if not found or found[0].barred or found[0].open or _is_paused(found[0], now):
            return False
        made = _compose(connection, settings, renderer, digest, edition, found[0])
        if made is None:
            return False
        _write(connection, settings, digest, edition, found[0], *made, now)
        return True


def _compose(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    digest: LiveDigest,
    edition: Edition,
    window: Window,
) -> tuple[Composed, Parts] | None:
    """The last edition for this person; None: nothing in it is new to them."""
    frozen = editions.stories(connection, edition.id)
    choice = _choice(connection, settings, digest, frozen, window.subscriber_id, window.topics)
    if not len(choice):
        return None
    frame = frame_of(settings, renderer, digest, edition)
    topics = topics_of(settings, digest.name)
    composer = EditionComposer(renderer, DeliveryKind.WELCOME, frame, topics, frozen)
    language = window.language or settings.site.language
    schedule, cut = rules.read(window.rule), window.next_cut_at
    if (edition.cadence, edition.cut_at) == (schedule.rule.rhythm, cut):
        cut = schedule.next_cut(cut)  # this one was let go before its hour
    coming = composer.written(schedule, cut, language)
    mail = composer.compose(choice, language, coming)
    return mail, composer.render(mail.layout, mail.language, mail.coming)


def _choice(
    connection: Connection,
    settings: Settings,
    digest: LiveDigest,
    frozen: Sequence[Frozen],
    subscriber: int,
    topics: Sequence[str] | None,
) -> StorySelection:
    """What of an edition a welcome tells: all that came since the digest has readers."""
    resolved = frozen_items.resolve(connection, frozen)
    return choose(
        resolved.items,
        followed(topics_of(settings, digest.name), topics),
        since=windows.first_reader_since(connection, digest.id) or NEVER,
        told=resolved.told(connection, digest.scope, [subscriber])[subscriber],
        limits=limits_of(settings.digest[digest.name].stories),
    )


def _write(
    connection: Connection,
    settings: Settings,
    digest: LiveDigest,
    edition: Edition,
    window: Window,
    mail: Composed,
    parts: Parts,
    now: datetime,
) -> None:
    segment = segments.put(
        connection,
        Segment(
            edition_id=None,
            hash=mail.hash,
            language=mail.language,
            stories=mail.layout.as_json(),
            parts=pack(parts),
        ),
    )
    message_id = transactional_message_id(
        facts.secret(connection),
        host(settings),
        kind=DeliveryKind.WELCOME,
        subscription_id=window.id,
        dated_at=now,
    )
    entered = mail.choice.first_entered() or edition.covers_from
    [delivery] = deliveries.add(
        connection,
        [
            NewDelivery(
                subscription_id=window.id,
                segment_id=segment,
                kind=DeliveryKind.WELCOME,
                message_id=message_id,
                dated_at=now,
                # Other digests of this person may pass over what is told here: if it is never
                # sent, they must reach back to it.
                covers_from=min(edition.covers_from, entered),
                # A first edition is better than a late welcome, and waits while this is open.
                expires_at=max(window.next_cut_at, now + LEAST_LATENESS),
            )
        ],
        now,
    )
    telling = DeliveryContents(window.subscriber_id, digest.scope, delivery, mail.choice.articles())
    told.write(connection, [telling])


def _is_paused(window: Window, now: datetime) -> bool:
    return window.paused_until is not None and window.paused_until > now
