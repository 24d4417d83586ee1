"""What planning an edition needs, read and set up once: terms, stories as they stand, a composer.

A preview is prepared the same way, so that it decides and looks the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from service.config.schema import Settings
from service.model import REVIEWS, DeliveryKind
from service.newsletter import items as frozen_items
from service.newsletter.choose import Chooser, limits_of
from service.newsletter.compose import EditionComposer
from service.newsletter.decide import CutTerms, Decision, decide
from service.newsletter.freeze import topics_of
from service.newsletter.items import Items
from service.newsletter.late import DueEdition, dated_at
from service.newsletter.layout import Frame
from service.newsletter.views import CorrectionView
from service.render import colour
from service.render.addresses import edition_page, story_page
from service.render.engine import Renderer
from service.store.audience import windows
from service.store.core.database import Connection
from service.store.mailing.editions import Edition, Frozen, LiveDigest
from service.store.recalled import articles, corrections, marks


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, with what its reader was told of these stories when it was made."""

    decision: Decision
    told: AbstractSet[int]


NOTHING_DECIDED: Mapping[int, Decided] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Planning:
    """What it takes to plan an edition, or to preview it.

    `rules` are those of everyone who is cut here, `at` is up to when cuts are due, `now` the real
    clock, `dated_at` the date of its mails. `recalls`: how often something was taken back when
    this was read (`marks.hold_off`).
    """

    settings: Settings
    digest: LiveDigest
    edition: Edition
    terms: CutTerms
    composer: EditionComposer
    items: Items
    chooser: Chooser
    rules: frozenset[str]
    at: datetime
    now: datetime
    dated_at: datetime
    recalls: int

    def language(self, wanted: str | None) -> str:
        return wanted or self.settings.site.language

    def decide(
        self,
        connection: Connection,
        ids: Sequence[int],
        *,
        lock: bool,
        before: Mapping[int, Decided] = NOTHING_DECIDED,
    ) -> dict[int, Decided]:
        """The decisions for those of `ids` that are due still, by subscription.

        `before`: what was decided of the same just now. It holds where nothing is different that
        it was made of.
        """
        found = windows.load(connection, ids, self.edition.id, lock=lock)
        due = [one for one in found if one.next_cut_at <= self.at and one.rule in self.rules]
        known = self.items.told(connection, self.digest.scope, [one.subscriber_id for one in due])
        made = []
        for one in due:
            again = before.get(one.id)
            if again and again.decision.window == one and again.told == known[one.subscriber_id]:
                made.append(again.decision)
            else:
                told = known[one.subscriber_id]
                made.append(decide(one, self.terms, self.chooser, told))
        return {
            one.window.id: Decided(one, known[one.window.subscriber_id])
            for one in with_corrections(connection, made, self.now)
        }


def with_corrections(
    connection: Connection, made: Sequence[Decision], now: datetime
) -> list[Decision]:
    """The same, with what the mails of these readers have to correct."""
    told = [one.window.subscriber_id for one in made if one.choice is not None]
    waiting = corrections.waiting(connection, told, now) if told else {}
    corrected = []
    for one in made:
        recalls = () if one.choice is None else waiting.get(one.window.subscriber_id, ())
        same = one.corrections == recalls
        corrected.append(one if same else replace(one, corrections=recalls))
    return corrected


def correction_views(connection: Connection, now: datetime) -> dict[int, CorrectionView]:
    """What is said of each recall that readers may still have to be told of."""
    return {
        one.id: CorrectionView(
            one.title, one.outlet, story_page(one.public_id), one.recalled_at, one.reason
        )
        for one in articles.in_force(connection, now - corrections.TOLD_FOR)
    }


def prepare(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    cut: DueEdition,
    edition: Edition,
    frozen: Sequence[Frozen],
    *,
    at: datetime | None,
    now: datetime,
    recalls: int | None = None,
) -> Planning:
    """Everything read and set up once per edition. `at` None: now, and no cut was asked for.

    `recalls`: as when `frozen` was read, None: just now.
    """
    recalls = marks.count(connection) if recalls is None else recalls
    digest = cut.digest
    written = settings.digest[digest.name]
    topics = topics_of(settings, digest.name)
    terms = CutTerms(
        edition=edition,
        topics=topics,
        least=written.stories.min,
        max_lateness=written.max_lateness,
        # A cut that was asked for by hand is wanted now, however long it is past; one that an
        # editor let go, since then.
        late_from=max(
            edition.cut_at,
            edition.let_go_at or edition.cut_at,
            edition.cut_at if at is None else now,
        ),
        now=now,
        bundle=written.bundle or timedelta(),
        by_hand=at is not None,
    )
    items = frozen_items.resolve(connection, frozen)
    return Planning(
        settings=settings,
        digest=digest,
        edition=edition,
        terms=terms,
        composer=EditionComposer(
            renderer,
            DeliveryKind.EDITION,
            frame_of(settings, renderer, digest, edition),
            topics,
            frozen,
            corrections=correction_views(connection, now),
        ),
        items=items,
        chooser=Chooser(items.items, limits_of(written.stories)),
        rules=frozenset(schedule.text for schedule in cut.schedules),
        at=at or now,
        now=now,
        dated_at=dated_at(edition.cut_at, now, edition.let_go_at),
        recalls=recalls,
    )


def frame_of(settings: Settings, renderer: Renderer, digest: LiveDigest, edition: Edition) -> Frame:
    """What stands around an edition's news."""
    return Frame(
        digest=digest.name,
        title=digest.title,
        cut_at=edition.cut_at,
        page=edition_page(digest.name, edition.cut_at, edition.cadence, listed=edition.listed),
        titles={name: topic.title or name for name, topic in settings.topic.items()},
        accent_dark=colour.readable(renderer.site.accent, colour.DARK_GROUND),
        opening=edition.opening,
        look=settings.digest[digest.name].look,
        review=edition.cadence if edition.cadence in REVIEWS else "",
    )
