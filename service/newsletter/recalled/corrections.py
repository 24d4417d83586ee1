"""Corrections that wait for no edition any more go out alone, within a day of the recall.

Some hundred readers are a commit. One whom an edition has told meanwhile gets no second mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.config.schema import Settings
from service.errors import TemplateError
from service.mail.message import transactional_message_id
from service.mail.personal import host
from service.model import DeliveryKind, Parts
from service.newsletter.prepare import correction_views
from service.newsletter.views import CorrectionView
from service.render.engine import Renderer
from service.store.core import facts, hold
from service.store.core.bulk import lots
from service.store.core.database import Store
from service.store.mailing import transactional
from service.store.recalled import corrections, marks
from service.store.recalled.corrections import DueCorrections

TEMPLATE = "correction"

MOST = 1000
"""Mails planned in one run at most; whoever is left waits for the next one, within minutes."""

BATCH = 250
"""Readers in one commit: a story may have been told to a hundred thousand."""

Drafts = dict[tuple[str, str, tuple[int, ...]], Parts]
"""(language, digest, recalls) -> the mail: many readers get the very same."""


@dataclass(frozen=True, slots=True)
class CorrectionsPlanned:
    """How many mails were planned. `failed`: subscription -> why; it is tried again."""

    planned: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def plan_corrections(
    store: Store, settings: Settings, renderer: Renderer, now: datetime
) -> CorrectionsPlanned:
    """Plan a mail for those who have waited long enough, at most MOST. Nothing while mail is held.

    There may be more; run again, it goes on with them.
    """
    planned, failed = 0, {}
    while planned < MOST:
        with store.read() as connection:
            if hold.held_since(connection) is not None:
                break
            due = [
                one
                for one in corrections.due(connection, now)
                if one.subscription_id not in failed and one.digest in settings.digest
            ]
            views = correction_views(connection, now) if due else {}
            readers = [one.subscriber_id for one in due]
            waiting = corrections.waiting(connection, readers, now) if due else {}
        drafts: Drafts = {}
        if not due:
            break
        before = planned
        fit = []
        for one in due:
            try:  # before the transaction: nobody waits for a template meanwhile
                _draft(settings, renderer, one, waiting.get(one.subscriber_id, ()), views, drafts)
            except TemplateError as error:
                failed[one.subscription_id] = str(error)
            else:
                fit.append(one)
        for some in lots(fit, BATCH):
            try:
                planned += _plan(store, settings, renderer, now, some, views, drafts)
            except TemplateError as error:  # something was taken back meanwhile
                failed |= dict.fromkeys((one.subscription_id for one in some), str(error))
        if planned == before:
            break
    return CorrectionsPlanned(planned, failed)


def _key(
    settings: Settings,
    one: DueCorrections,
    recalls: Sequence[int],
    views: dict[int, CorrectionView],
) -> tuple[str, str, tuple[int, ...]]:
    known = tuple(number for number in recalls if number in views)
    return one.language or settings.site.language, one.digest, known


def _draft(
    settings: Settings,
    renderer: Renderer,
    one: DueCorrections,
    recalls: Sequence[int],
    views: dict[int, CorrectionView],
    drafts: Drafts,
) -> Parts | None:
    """The mail that tells a reader of these recalls; None: there is nothing to tell."""
    key = language, _, known = _key(settings, one, recalls, views)
    if not known:
        return None
    if key not in drafts:
        drafts[key] = renderer.mail(
            TEMPLATE,
            language,
            corrections=tuple(views[number] for number in known),
            digest=settings.digest[one.digest].title or settings.site.title,
        )
    return drafts[key]


def _plan(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    some: Sequence[DueCorrections],
    views: dict[int, CorrectionView],
    drafts: Drafts,
) -> int:
    """One commit. Who gets the very same has one segment. Returns how many mails."""
    with store.ledger() as connection:
        marks.hold_off(connection)
        people = [one.subscriber_id for one in some]
        corrections.lock(connection, people)
        waiting = corrections.waiting(connection, people, now)
        alike: dict[tuple[str, str, tuple[int, ...]], list[DueCorrections]] = {}
        for one in some:
            ids = waiting.get(one.subscriber_id, ())
            if _draft(settings, renderer, one, ids, views, drafts) is not None:
                alike.setdefault(_key(settings, one, ids, views), []).append(one)
        secret, at_host = facts.secret(connection), host(settings)
        for key, readers in alike.items():
            mails = transactional.plan_alike(
                connection,
                kind=DeliveryKind.REPORT,
                message_ids={
                    one.subscription_id: transactional_message_id(
                        secret,
                        at_host,
                        kind=DeliveryKind.REPORT,
                        subscription_id=one.subscription_id,
                        dated_at=now,
                    )
                    for one in readers
                },
                parts=drafts[key],
                language=key[0],
                now=now,
            )
            told = zip(mails, readers, strict=True)
            corrections.carried_all(
                connection, [(mail, one.subscriber_id, key[2]) for mail, one in told]
            )
        return sum(map(len, alike.values()))
