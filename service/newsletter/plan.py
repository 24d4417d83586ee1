"""Planning an edition: from its frozen stories to deliveries, in batches that are each one commit.

    due ──> decide ──> compose ──> [ segment, delivery, told, window ] in one transaction

While one batch is written, others may render the mails of the next two; on PostgreSQL these are
decided on meanwhile, too. A kill between two batches loses nothing: who has not been planned is
still due. So is whoever's mail a template raises for, until it is mended (docs/decisions/086). The
primary keys of `delivery` and `told` turn a race into an error, and that batch is done again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from itertools import islice

from service.errors import ConflictError, TemplateError
from service.mail.message import edition_message_id
from service.mail.personal import host
from service.newsletter import rules, writing
from service.newsletter.compose import Composed, Question
from service.newsletter.decide import Decision
from service.newsletter.prepare import Decided, Planning
from service.newsletter.printing import Press
from service.newsletter.unrendered import EditionPlanned
from service.store.audience import windows
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.mailing import deliveries, editions, segments, told
from service.store.mailing.deliveries import EditionMail
from service.store.mailing.release import forget_parts_of
from service.store.mailing.segments import Segment
from service.store.mailing.told import DeliveryContents
from service.store.recalled import corrections, marks

BATCH = 500
"""Subscriptions in one transaction: enough to be fast, few enough not to keep others waiting."""

WIDE = 1000
"""The same on PostgreSQL, where others wait for these readers' rows alone: a twelfth less time."""

LOT = 50_000
"""Subscriptions that are found due at once. To find some, all who still are due are looked through:
batch by batch, planning would grow with the square of its readers. Some 2 MB."""

AHEAD = 2
"""Batches that are decided on before one is written: whoever renders their mails is never idle."""

BEGUN = 2
"""Batches that are being written, or will be as soon as the one before them is."""


@dataclass(frozen=True, slots=True)
class _PlannedBatch:
    """Subscriptions that one commit plans for, as they were read before. `mails`: their hashes.

    `wait`: for those who render mails of it.
    """

    ids: Sequence[int]
    before: Mapping[int, Decided]
    mails: set[bytes]
    wait: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Written:
    """What came of batches. `contested`: whom the next run has to look at once more.

    `unrendered`: as in EditionPlanned. `recalled`: something was taken back, so that nobody else
    is planned with this.
    """

    planned: int = 0
    unrendered: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    contested: int = 0
    recalled: bool = False

    @classmethod
    def of(cls, done: EditionPlanned) -> _Written:
        return cls(done.deliveries, done.unrendered)

    def __add__(self, other: _Written) -> _Written:
        return _Written(
            self.planned + other.planned,
            {**self.unrendered, **other.unrendered},
            self.contested + other.contested,
            self.recalled or other.recalled,
        )


class RecalledMeanwhileError(Exception):
    """Something was taken back since this was prepared: whoever is due is planned by the next run.

    No race for a reader: whoever else is planned with this would meet it too.
    """


def plan(store: Store, planning: Planning, press: Press | None = None) -> EditionPlanned:
    """Plan for everyone due whose mail can be rendered.

    `press`: others who render mails while those of batches before are written; None: nobody.
    """
    done = _Written()
    batches = due_batches(
        store,
        planning.digest.id,
        planning.rules,
        planning.at,
        batch=BATCH if store.is_sqlite else WIDE,
    )
    coming = (_read(store, planning, ids, press) for ids in batches)
    ahead = deque(islice(coming, AHEAD))
    with writing.writer(store) as begin:
        written: deque[Callable[[], _Written]] = deque()
        while ahead:
            batch, wait = _render(planning, ahead.popleft())
            done += _Written(unrendered=wait)
            if len(written) == BEGUN:
                done += written.popleft()()
            if done.recalled:
                break
            written.append(begin(partial(_write, store, planning, batch)))
            ahead.extend(islice(coming, 1))
        for one in written:
            done += one()
    came_to = EditionPlanned(done.planned, done.unrendered)
    if came_to.unrendered or not done.contested:
        with store.ledger() as connection:
            if came_to.unrendered:
                editions.fail(connection, planning.edition.id, came_to.why())
            else:
                editions.settle(connection, planning.edition, planning.now)
                forget_parts_of(connection, planning.edition.id)
    return came_to


def _write(store: Store, planning: Planning, batch: _PlannedBatch) -> _Written:
    """Write a batch; one by one, where somebody plans for one of these at the same time."""
    try:
        return _Written.of(_plan_batch(store, planning, batch))
    except RecalledMeanwhileError:
        return _Written(contested=1, recalled=True)
    except ConflictError:
        done = _Written()
        for one in batch.ids:
            done += _plan_one(store, planning, one)
            if done.recalled:
                break
        return done
    finally:
        planning.composer.forget(batch.mails)


def _plan_one(store: Store, planning: Planning, subscription: int) -> _Written:
    """Contested: somebody is planning for the same person; the next run finds out how it ended."""
    try:
        batch, wait = _render(planning, _read(store, planning, [subscription]))
        if wait:
            return _Written(unrendered=wait)
        return _Written.of(_plan_batch(store, planning, batch))
    except RecalledMeanwhileError:
        return _Written(contested=1, recalled=True)
    except ConflictError:
        return _Written(contested=1)


def due_batches(
    store: Store,
    digest_id: int,
    those_of: Iterable[str],
    at: datetime,
    *,
    batch: int,
    lot: int = LOT,
) -> Iterator[Sequence[int]]:
    """The subscriptions that are due, by id. Who comes to be so meanwhile may be left out.

    `those_of`: the rules whose cut this is, as in `windows.due`.
    """
    after = 0
    while True:
        with store.read() as connection:
            found = windows.due(connection, digest_id, those_of, at, after=after, limit=lot)
        for begin in range(0, len(found), batch):
            yield found[begin : begin + batch]
        if len(found) < lot:
            return
        after = found[-1]


def _read(
    store: Store, planning: Planning, ids: Sequence[int], press: Press | None = None
) -> _PlannedBatch:
    """What is to be written of these, decided on while nothing is locked.

    What is different by the time it is written is decided on again.
    """
    with store.read() as connection:
        before = planning.decide(connection, ids, lock=False)
    wait = _ready
    if press is not None:
        wait = planning.composer.ask_for(_questions(planning, before.values()), press)
    return _PlannedBatch(ids, before, set(), wait)


def _questions(planning: Planning, decided: Iterable[Decided]) -> list[Question]:
    """Which mails the composer is to make, but for those that it cannot even be asked for."""
    found = []
    for one in decided:
        with suppress(TemplateError):  # whoever renders it learns why
            question = _question(planning, one.decision)
            if question is not None:
                found.append(question)
    return found


def _ready() -> None:
    """Nobody else renders anything."""


def _render(
    planning: Planning, batch: _PlannedBatch
) -> tuple[_PlannedBatch, dict[int, tuple[str, str]]]:
    """Have its mails rendered before the transaction: nobody waits for a template.

    Returns the batch without those whose mail cannot be rendered, and these, who stay due.
    """
    batch.wait()
    unrendered = {}
    for number, one in batch.before.items():
        try:
            mail = _compose(planning, one.decision)
        except TemplateError as error:
            unrendered[number] = planning.language(one.decision.window.language), str(error)
        else:
            if mail is not None:
                batch.mails.add(mail.hash)
    left = [one for one in batch.ids if one not in unrendered]
    return replace(batch, ids=left), unrendered


def _plan_batch(store: Store, planning: Planning, batch: _PlannedBatch) -> EditionPlanned:
    """One commit. Nothing is written of those whose mail, decided anew, cannot be rendered."""
    if not batch.ids:
        return EditionPlanned(0)
    with store.ledger() as connection:
        if marks.hold_off(connection) != planning.recalls:
            raise RecalledMeanwhileError
        made = planning.decide(connection, batch.ids, lock=True, before=batch.before)
        mails: list[tuple[Decision, Composed]] = []
        moves, unrendered = [], {}
        for one in (each.decision for each in made.values()):
            try:
                mail = _compose(planning, one)
            except TemplateError as error:
                unrendered[one.window.id] = planning.language(one.window.language), str(error)
                continue
            moves.append(one.move)
            if mail is not None:
                mails.append((one, mail))
        _write_mails(connection, planning, mails)
        windows.move(connection, moves)
        return EditionPlanned(len(mails), unrendered)


def _compose(planning: Planning, decision: Decision) -> Composed | None:
    question = _question(planning, decision)
    return None if question is None else planning.composer.compose(*question)


def _question(planning: Planning, decision: Decision) -> Question | None:
    """Which mail the composer is to make; None: none."""
    if decision.choice is None:
        return None
    language = planning.language(decision.window.language)
    coming = planning.composer.coming(decision.window.rule, language)
    return decision.choice, language, coming, decision.corrections


def _write_mails(
    connection: Connection, planning: Planning, mails: Sequence[tuple[Decision, Composed]]
) -> None:
    if not mails:
        return
    secret, edition = facts.secret(connection), planning.edition
    at_host = host(planning.settings)
    kept = _segments(connection, planning, {mail.hash: mail for _, mail in mails})
    expires_at = cache(lambda rule: planning.terms.expires_at(rules.read(rule)))
    new = [
        EditionMail(
            subscription_id=decision.window.id,
            segment_id=kept[mail.hash],
            message_id=edition_message_id(
                secret,
                at_host,
                digest_id=planning.digest.id,
                cadence=edition.cadence,
                cut_at=edition.cut_at,
                subscription_id=decision.window.id,
            ),
            covers_from=_covers_from(decision, mail),
            expires_at=expires_at(decision.window.rule),
        )
        for decision, mail in mails
    ]
    ids = deliveries.add_edition(
        connection, edition.id, new, dated_at=planning.dated_at, now=planning.now
    )
    told.write(
        connection,
        [
            DeliveryContents(
                decision.window.subscriber_id,
                planning.digest.scope,
                ids[decision.window.id],
                mail.choice.articles(),
            )
            for decision, mail in mails
        ],
    )
    for decision, mail in mails:
        if decision.corrections:
            who = decision.window.subscriber_id
            corrections.carried(connection, ids[decision.window.id], who, mail.corrections)


def _segments(
    connection: Connection, planning: Planning, mails: Mapping[bytes, Composed]
) -> dict[bytes, int]:
    """Hash -> id of the segments of these mails, which have their parts."""
    kept = segments.find(connection, planning.edition.id, mails)
    missing = [_segment(planning, mail) for key, mail in mails.items() if key not in kept]
    if not missing:
        return kept
    segments.put_all(connection, missing)
    return kept | segments.find(connection, planning.edition.id, [one.hash for one in missing])


def _segment(planning: Planning, mail: Composed) -> Segment:
    return Segment(
        edition_id=planning.edition.id,
        hash=mail.hash,
        language=mail.language,
        stories=planning.composer.layout(mail).as_json(),
        parts=planning.composer.packed(mail),
    )


def _covers_from(decision: Decision, mail: Composed) -> datetime:
    """How far a release must let the person's subscriptions of the scope reach back.

    Their other digests may have passed over a story because this mail tells it, in topics that it
    entered long before this window began.
    """
    entered = mail.choice.first_entered()
    reached = decision.window.reached
    return reached if entered is None else min(reached, entered)
