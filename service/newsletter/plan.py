"""Planning an edition: from its frozen stories to deliveries, in batches that are each one commit.

    due ──> decide ──> compose ──> [ segment, delivery, told, window ] in one transaction

LEDGER: Plan. A kill between two batches loses nothing: who has not been planned is still due. The
primary keys of `delivery` and `told` turn a race into an error, and that batch is done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.config.schema import Settings
from service.errors import ConflictError
from service.mail.message import edition_message_id
from service.mail.personal import host
from service.model import DeliveryKind
from service.newsletter import items as frozen_items
from service.newsletter import rules
from service.newsletter.choose import EVER, Chooser, Limits, choose
from service.newsletter.compose import Composed, Composer, everything
from service.newsletter.decide import Decision, Terms, decide
from service.newsletter.freeze import topics_of
from service.newsletter.items import Items
from service.newsletter.late import Cut, dated_at
from service.newsletter.layout import Frame
from service.render import colour
from service.render.addresses import edition_page
from service.render.engine import Renderer
from service.store import deliveries, editions, facts, segments, told, windows
from service.store.database import Connection, Store
from service.store.deliveries import NewDelivery
from service.store.editions import Digest, Edition, Frozen
from service.store.parts import pack
from service.store.release import forget_parts_of
from service.store.segments import Segment
from service.store.told import Telling

BATCH = 500
"""Subscriptions in one transaction: enough to be fast, few enough not to keep others waiting."""

_NO_LIMIT = Limits(most=1_000_000)


@dataclass(frozen=True, slots=True)
class Planning:
    """What it takes to plan an edition, or to preview it.

    `rules` are those of everyone who is cut here, `at` is up to when cuts are due, `now` the real
    clock.
    """

    settings: Settings
    digest: Digest
    edition: Edition
    terms: Terms
    composer: Composer
    items: Items
    chooser: Chooser
    rules: frozenset[str]
    at: datetime
    now: datetime

    def language(self, wanted: str | None) -> str:
        return wanted or self.settings.site.language

    def decide(self, connection: Connection, ids: Sequence[int], *, lock: bool) -> list[Decision]:
        """The decisions for those of `ids` that are due still."""
        found = windows.load(connection, ids, self.edition.id, lock=lock)
        due = [one for one in found if one.next_cut_at <= self.at and one.rule in self.rules]
        known = self.items.told(connection, self.digest.scope, [one.subscriber_id for one in due])
        return [decide(one, self.terms, self.chooser, known[one.subscriber_id]) for one in due]


def prepare(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    cut: Cut,
    edition: Edition,
    frozen: Sequence[Frozen],
    *,
    at: datetime | None,
    now: datetime,
) -> Planning:
    """Everything read and set up once per edition. `at` None: now, and no cut was asked for."""
    digest = cut.digest
    written = settings.digest[digest.name]
    topics = topics_of(settings, digest.name)
    terms = Terms(
        edition=edition,
        topics=topics,
        least=written.stories.min,
        max_lateness=written.max_lateness,
        # A cut that was asked for by hand is wanted now, however long it is past.
        late_from=edition.cut_at if at is None else max(edition.cut_at, now),
        now=now,
    )
    limits = Limits(written.stories.max, written.stories.per_source)
    items = frozen_items.resolve(connection, frozen)
    return Planning(
        settings=settings,
        digest=digest,
        edition=edition,
        terms=terms,
        composer=Composer(
            renderer,
            DeliveryKind.EDITION,
            frame_of(settings, renderer, digest, edition),
            topics,
            frozen,
        ),
        items=items,
        chooser=Chooser(items.items, limits),
        rules=frozenset(schedule.text for schedule in cut.schedules),
        at=at or now,
        now=now,
    )


def frame_of(settings: Settings, renderer: Renderer, digest: Digest, edition: Edition) -> Frame:
    """What stands around an edition's news."""
    return Frame(
        digest=digest.name,
        title=digest.title,
        cut_at=edition.cut_at,
        page=edition_page(digest.name, edition.cut_at, edition.cadence, listed=edition.listed),
        titles={name: topic.title or name for name, topic in settings.topic.items()},
        accent_dark=colour.readable(renderer.site.accent, colour.DARK_GROUND),
    )


def plan(store: Store, planning: Planning) -> int:
    """Plan for everyone due; how many deliveries that gave.

    Raises TemplateError when the edition cannot be rendered: then nobody is planned, or (if only
    some mails of it cannot) nobody more.
    """
    _try_to_render(store, planning)
    planned, last, contested = 0, 0, 0
    while True:
        with store.read() as connection:
            ids = windows.due(
                connection,
                planning.digest.id,
                planning.rules,
                planning.at,
                after=last,
                limit=BATCH,
            )
        if not ids:
            break
        last = ids[-1]
        try:
            planned += _plan_batch(store, planning, ids)
        except ConflictError:
            one_by_one = [_plan_one(store, planning, one) for one in ids]
            planned += sum(one for one in one_by_one if one is not None)
            contested += one_by_one.count(None)
        planning.composer.forget()
    if not contested:
        with store.ledger() as connection:
            editions.settle(connection, planning.edition, planning.now)
            forget_parts_of(connection, planning.edition.id)
    return planned


def _try_to_render(store: Store, planning: Planning) -> None:
    """Render the edition once per language with all its stories."""
    whole = choose(
        planning.items.items,
        planning.terms.topics,
        since=EVER,
        told=frozenset(),
        limits=_NO_LIMIT,
    )
    if not len(whole):
        return
    with store.read() as connection:
        wanted = windows.languages(connection, planning.digest.id, planning.rules, planning.at)
    for language in sorted({planning.language(one) for one in wanted}):
        planning.composer.compose(everything(whole), language)


def _plan_one(store: Store, planning: Planning, subscription: int) -> int | None:
    """None: somebody is planning for the same person; the next run finds out how it ended."""
    try:
        return _plan_batch(store, planning, [subscription])
    except ConflictError:
        return None


def _plan_batch(store: Store, planning: Planning, ids: Sequence[int]) -> int:
    with store.read() as connection:
        # Render before the transaction: nobody waits for a template while the store is locked.
        for one in planning.decide(connection, ids, lock=False):
            _compose(planning, one)
    with store.ledger() as connection:
        decisions = planning.decide(connection, ids, lock=True)
        _write_mails(
            connection,
            planning,
            [(one, mail) for one in decisions if (mail := _compose(planning, one)) is not None],
        )
        windows.move(connection, [one.move for one in decisions])
        return sum(one.choice is not None for one in decisions)


def _compose(planning: Planning, decision: Decision) -> Composed | None:
    if decision.choice is None:
        return None
    language = planning.language(decision.window.language)
    return planning.composer.compose(decision.choice, language)


def _write_mails(
    connection: Connection, planning: Planning, mails: Sequence[tuple[Decision, Composed]]
) -> None:
    if not mails:
        return
    secret, edition = facts.secret(connection), planning.edition
    at_host, dated = host(planning.settings), dated_at(edition.cut_at, planning.now)
    kept = segments.find(connection, edition.id, {mail.hash for _, mail in mails})
    new = []
    for decision, mail in mails:
        if mail.hash not in kept:
            kept[mail.hash] = segments.put(connection, _segment(planning, mail))
        new.append(
            NewDelivery(
                subscription_id=decision.window.id,
                segment_id=kept[mail.hash],
                kind=DeliveryKind.EDITION,
                message_id=edition_message_id(
                    secret,
                    at_host,
                    digest_id=planning.digest.id,
                    cadence=edition.cadence,
                    cut_at=edition.cut_at,
                    subscription_id=decision.window.id,
                ),
                dated_at=dated,
                edition_id=edition.id,
                covers_from=_covers_from(decision, mail),
                expires_at=planning.terms.expires_at(rules.read(decision.window.rule)),
            )
        )
    ids = deliveries.add(connection, new, planning.now)
    told.write(
        connection,
        [
            Telling(
                decision.window.subscriber_id,
                planning.digest.scope,
                delivery,
                mail.choice.articles(),
            )
            for delivery, (decision, mail) in zip(ids, mails, strict=True)
        ],
    )


def _segment(planning: Planning, mail: Composed) -> Segment:
    return Segment(
        edition_id=planning.edition.id,
        hash=mail.hash,
        language=mail.language,
        stories=mail.layout.as_json(),
        parts=pack(planning.composer.render(mail.layout, mail.language)),
    )


def _covers_from(decision: Decision, mail: Composed) -> datetime:
    """How far a release must let the person's subscriptions of the scope reach back.

    Their other digests may have passed over a story because this mail tells it, in topics that it
    entered long before this window began.
    """
    entered = mail.choice.first_entered()
    reached = decision.window.reached
    return reached if entered is None else min(reached, entered)
