"""The exact mail that would go out. Nothing is written here, not a row.

Everything comes from where planning gets it (freeze, decide, compose) and goes through the hands
that send (mail.personal), so that a preview is the mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.config.schema import Settings
from service.errors import NotSubscribedError, UsageError
from service.mail import personal
from service.mail.addresses import envelope
from service.mail.message import edition_message_id
from service.mail.personal import PersonalMail
from service.model import DeliveryKind, Parts
from service.newsletter import layout, rules
from service.newsletter.choose import StorySelection, limits_of
from service.newsletter.compose import Composed, EditionComposer
from service.newsletter.decide import followed
from service.newsletter.prepare import Planning, correction_views, frame_of
from service.newsletter.previews import rehearsal, samples
from service.newsletter.previews.rehearsal import Played, RehearsalContext
from service.newsletter.scheduling import live_digests
from service.render import dates
from service.render.engine import Renderer
from service.store.audience import readers, subscribers
from service.store.audience.readers import ActiveSubscription
from service.store.audience.windows import Window
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.mailing import editions, recipients, segments
from service.store.mailing.editions import Edition, LiveDigest
from service.store.mailing.message_parts import unpack
from service.store.mailing.recipients import Recipient
from service.store.mailing.segments import PlannedSegment
from service.text import mailboxes
from service.text.unknown_name import no_such

_NO_SECRET = bytes(32)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent. `message` None: nothing, and `reason` says why. `stories`: how many.

    `to` is the address that was asked for, None = nobody in particular.
    """

    digest: str
    cadence: str
    cut_at: datetime
    to: str | None
    message: bytes | None = None
    subject: str = ""
    stories: int = 0
    reason: str = ""


def preview(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    digest: str,
    *,
    to: str | None = None,
    at: datetime | None = None,
    sample: bool = False,
) -> Preview:
    """The mail that `digest send --at` would send, else that of the next cut.

    `to` None: to nobody in particular, all topics and nothing told. `sample` fills in the newest
    stories where there is nothing to tell. Raises UsageError for an unknown digest,
    NotSubscribedError for somebody who does not get it, TemplateError, MailError for an address or
    a sender that is none.
    """
    with store.read() as connection:
        stage = RehearsalContext(connection, settings, renderer, now, at)
        row = next(iter(live_digests(connection, settings, digest)), None)
        if row is None:
            raise UsageError(no_such("digest", digest, settings.digest))
        if to is None:
            return _to_nobody(stage, row, sample=sample)
        return _to_reader(stage, row, to, _reading(connection, row, to), sample=sample)


def _reading(connection: Connection, digest: LiveDigest, to: str) -> ActiveSubscription:
    address = envelope(to).address
    secret = facts.known_secret(connection)
    person = secret and subscribers.by_key(connection, mailboxes.key(secret, address))
    found = readers.readings(connection, person.id) if person else []
    for one in found:
        if one.window.digest_id == digest.id:
            return one
    raise NotSubscribedError(f"{to} does not get {digest.name}; without --to it is shown to nobody")


def _to_nobody(stage: RehearsalContext, digest: LiveDigest, *, sample: bool) -> Preview:
    window = rehearsal.nobody(stage, digest)
    played = rehearsal.play(stage, digest, window, window.next_cut_at, frozenset())
    recipient = Recipient(
        subscription_id=None,
        address=personal.sender(stage.settings)[1],
        token=personal.NOBODYS_TOKEN,
        subscribed_at=stage.now,
        topics=None,
        digest=digest.name,
        digest_title=digest.title,
    )
    return _show(stage, played, recipient, None, sample=sample)


def _to_reader(
    stage: RehearsalContext,
    digest: LiveDigest,
    to: str | None,
    reading: ActiveSubscription,
    *,
    sample: bool,
) -> Preview:
    window = rehearsal.window_of(stage, digest, reading)
    recipient = recipients.by_subscription(stage.connection, [window.id])[window.id]
    if stage.at is not None:
        again = _sent_again(stage, digest, window, recipient, to)
        if again is not None:
            return again
    cut_at = rehearsal.cut_for(stage, window)
    told = rehearsal.told_before(stage, digest, reading, cut_at)
    played = rehearsal.play(stage, digest, window, cut_at, told)
    return _show(stage, played, recipient, to, sample=sample)


def _sent_again(
    stage: RehearsalContext,
    digest: LiveDigest,
    window: Window,
    recipient: Recipient,
    to: str | None,
) -> Preview | None:
    """The mail of a cut that was planned already: what it told then, not what is left now."""
    schedule = rules.read(window.rule)
    cut_at = schedule.latest_cut(stage.until)
    edition = editions.find(stage.connection, digest.id, schedule.rule.rhythm, cut_at)
    if edition is None:
        return None
    sent = segments.of_delivery(stage.connection, window.id, edition.id)
    if sent is None:
        return None
    parts = _parts_of(stage, digest, edition, sent, window.rule)
    mail = PersonalMail(
        kind=DeliveryKind.EDITION,
        message_id=sent.message_id,
        dated_at=sent.dated_at,
        language=sent.language,
        segment=sent.hash,
        parts=parts,
        recipient=recipient,
    )
    shown = len(layout.from_json(sent.stories).stories)
    return _answer(stage, digest, edition, to, mail, shown)


def _parts_of(
    stage: RehearsalContext, digest: LiveDigest, edition: Edition, sent: PlannedSegment, rule: str
) -> Parts:
    if sent.parts is not None:
        return unpack(sent.parts)
    composer = EditionComposer(
        stage.renderer,
        DeliveryKind.EDITION,
        frame_of(stage.settings, stage.renderer, digest, edition),
        (),
        editions.stories(stage.connection, edition.id),
        corrections=correction_views(stage.connection, stage.now),
    )
    coming = composer.coming(rule, sent.language)
    return composer.render(layout.from_json(sent.stories), sent.language, coming)


def _show(
    stage: RehearsalContext, played: Played, recipient: Recipient, to: str | None, *, sample: bool
) -> Preview:
    planning, decision = played.planning, played.decision
    language = planning.language(decision.window.language)
    composer, choice = planning.composer, decision.choice
    if choice is None and sample:
        composer, choice = _sample(stage, planning, decision.window)
    if choice is None:
        reason = _reason(stage, planning, decision.reason, sample=sample)
        edition = planning.edition
        return Preview(planning.digest.name, edition.cadence, edition.cut_at, to, reason=reason)
    coming = composer.coming(decision.window.rule, language)
    mail = composer.compose(choice, language, coming, decision.corrections)
    parts = composer.render(mail.layout, language, mail.coming)
    personal_mail = _personal_mail(stage, planning, recipient, mail, parts)
    shown = len(mail.choice.shown)
    return _answer(stage, planning.digest, planning.edition, to, personal_mail, shown)


def _sample(
    stage: RehearsalContext, planning: Planning, window: Window
) -> tuple[EditionComposer, StorySelection | None]:
    topics = followed(planning.terms.topics, window.topics)
    written = stage.settings.digest[planning.digest.name].stories
    frozen = samples.newest(stage.connection, topics, written.max)
    choice = samples.choice_of(stage.connection, frozen, topics, limits_of(written))
    frame = frame_of(stage.settings, stage.renderer, planning.digest, planning.edition)
    composer = EditionComposer(stage.renderer, DeliveryKind.EDITION, frame, topics, frozen)
    return composer, choice if choice.shown else None


def _personal_mail(
    stage: RehearsalContext, planning: Planning, recipient: Recipient, mail: Composed, parts: Parts
) -> PersonalMail:
    edition = planning.edition
    return PersonalMail(
        kind=DeliveryKind.EDITION,
        message_id=edition_message_id(
            facts.known_secret(stage.connection) or _NO_SECRET,
            personal.host(stage.settings),
            digest_id=planning.digest.id,
            cadence=edition.cadence,
            cut_at=edition.cut_at,
            subscription_id=recipient.subscription_id,
        ),
        dated_at=planning.dated_at,
        language=mail.language,
        segment=mail.hash,
        parts=parts,
        recipient=recipient,
    )


def _answer(
    stage: RehearsalContext,
    digest: LiveDigest,
    edition: Edition,
    to: str | None,
    mail: PersonalMail,
    stories: int,
) -> Preview:
    message = personal.TransactionalComposer(stage.settings).compose(mail)
    return Preview(
        digest=digest.name,
        cadence=edition.cadence,
        cut_at=edition.cut_at,
        to=to,
        message=message.data,
        subject=mail.parts.subject,
        stories=stories,
    )


def _reason(stage: RehearsalContext, planning: Planning, why: str, *, sample: bool) -> str:
    """Why there is no mail, and what can be done to see one."""
    words = stage.renderer.words("en")
    when = dates.moment(planning.edition.cut_at, stage.renderer.site.zone, words)
    said = f"due since {when}" if planning.edition.cut_at <= stage.now else f"would go {when}"
    if sample:
        return f"{said}: {why}; and its topics have no story at all yet"
    old = "; old entries are not news" if why == "nothing new to tell" else ""
    return f"{said}: {why}{old}; see the look with --sample"
