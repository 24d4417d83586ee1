"""An edition as its editors see it: for who follows all of its topics and was told nothing.

Nobody gets more of it than that: what a reader is told is a part of this, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.config.schema import Settings
from service.errors import UsageError
from service.model import DeliveryKind, Parts
from service.newsletter import items as frozen_items
from service.newsletter import rules
from service.newsletter.choose import EVER, StorySelection, choose, limits_of
from service.newsletter.compose import Composed, EditionComposer
from service.newsletter.freeze import topics_of
from service.newsletter.prepare import frame_of
from service.newsletter.scheduling import live_digests
from service.render.engine import Renderer
from service.store.core.database import Connection
from service.store.mailing import editions
from service.store.mailing.editions import Edition, Frozen
from service.store.reviews.reviews import EditionReview


@dataclass(frozen=True, slots=True)
class WholeEdition:
    """`mail` None: it has nothing to tell. `frozen`: its stories, in its order.

    `rest`: stories that the mail only counts, and older ones which only those get who have not been
    told of that time, in its order. `older`: these; no place brings them into the mail.
    """

    edition: Edition
    title: str
    frozen: tuple[Frozen, ...]
    mail: Composed | None
    rest: tuple[int, ...]
    older: frozenset[int]
    composer: EditionComposer
    language: str

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The stories that the mail shows, by topic, as it shows them; the lead story first."""
        if self.mail is None:
            return ()
        layout = self.mail.layout
        topic, lead = layout.lead
        sections = list(layout.sections)
        behind: tuple[int, ...] = ()
        if sections and sections[0][0] == topic:
            behind = sections.pop(0)[1]
        return ((lead, *behind), *(stories for _, stories in sections))

    def parts(self) -> Parts | None:
        """The mail, with marks for the personal values. None: nothing is told. TemplateError."""
        if self.mail is None:
            return None
        return self.composer.render(self.mail.layout, self.language, self.mail.coming)


def whole(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    review: EditionReview,
    *,
    beside: Mapping[str, object] | None = None,
    template: str = "",
) -> WholeEdition:
    """Read it. Raises TemplateError, and UsageError where its digest is not there any more.

    `template`, `beside`: as for EditionComposer.
    """
    row = next(iter(live_digests(connection, settings, review.digest)), None)
    edition = editions.find(connection, review.digest_id, review.cadence, review.cut_at)
    if row is None or edition is None:
        raise UsageError(f"the digest {review.digest} is not there any more")
    frozen = editions.stories(connection, edition.id)
    topics = topics_of(settings, row.name)
    composer = EditionComposer(
        renderer,
        DeliveryKind.EDITION,
        frame_of(settings, renderer, row, edition),
        topics,
        frozen,
        beside=beside,
        template=template,
    )
    choice, told_since = StorySelection(), edition.period_from
    items = frozen_items.resolve(connection, frozen).items
    limits = limits_of(settings.digest[row.name].stories)
    for since in (edition.period_from, EVER):
        if not len(choice):  # it may have older stories alone, for who has missed them
            told_since = since
            choice = choose(items, topics, since=since, told=frozenset(), limits=limits)
    language = settings.site.language
    own = rules.own(settings.digest[row.name], renderer.site.zone)
    coming = composer.coming(own.text, language)
    mail = composer.compose(choice, language, coming) if choice.shown else None
    shown = set(mail.layout.stories) if mail is not None else set()
    return WholeEdition(
        edition=edition,
        title=row.title,
        frozen=tuple(frozen),
        mail=mail,
        rest=_rest(frozen, shown),
        older=frozenset(
            one.story_id for one in frozen if all(at < told_since for _, at in one.topics)
        ),
        composer=composer,
        language=language,
    )


def _rest(frozen: Sequence[Frozen], shown: set[int]) -> tuple[int, ...]:
    return tuple(one.story_id for one in frozen if one.story_id not in shown)
