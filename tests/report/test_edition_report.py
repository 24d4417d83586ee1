"""What became of an edition: no mail is counted twice or not at all, whatever happened to it."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.audience import unsubscribe
from service.model import DeliveryKind, DeliveryState, EndedReason
from service.report import edition_report
from service.report.edition_report import AFTERWARDS, PARTS, Delays
from service.store import tables as t
from service.store.mailing import (
    claims,
    deliveries,
    outcomes,
    returned_mail,
    uncertain_deliveries,
)
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.outcomes import DeliveryOutcome
from service.store.mailing.returned_mail import BOUNCE, COMPLAINT, NewReturned
from tests import builders
from tests.levels import some
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom
from tests.store.watching import statements

MINUTE = timedelta(minutes=1)
LAYOUT = {"lead": ["giao-duc", 1], "sections": [], "more": 0}


class History:
    """Editions and their mails under random fates, by the store's own functions.

    `last` is the newest mail that a relay took for each subscription, `goodbyes` the edition for
    which each goodbye counts: noted as things happen, not read from what is left of them.
    """

    def __init__(self, store, now, seed):
        self.store, self.now, self.rng = store, now, random.Random(seed)
        self.goodbyes: dict[int, int] = {}  # subscription -> edition to which its end counts
        self.people: dict[int, int] = {}
        self.last: dict[int, tuple[int, int]] = {}  # subscription -> when, in order, and edition
        self.returns: set[tuple[str, int, int]] = set()  # kind, edition, delivery
        self.steps = 0
        with store.write() as connection:
            self.digests = [
                builders.add_digest(connection, now, name, position=place)
                for place, name in enumerate(("ngay", "tuan"))
            ]
            for number in range(6):
                for digest in self.digests:
                    self._subscribe(connection, number, digest)
        self.number = 0

    def _subscribe(self, connection, person, digest):
        one = builders.add_subscription(
            connection, digest=digest, starts_at=self.now, address=f"r{person}@example.vn"
        )
        self.people[one] = person

    def plan(self):
        """An edition of one digest, for some of its readers."""
        self.number += 1
        digest = self.rng.choice(self.digests)
        with self.store.ledger() as connection:
            edition = builders.add_edition(connection, digest, self.now, self.now - DAY)
            segment = builders._id(
                connection, t.segment, edition_id=edition, hash=b"h", language="vi",
                stories=LAYOUT, parts=b"",
            )  # fmt: skip
            live = connection.scalars(
                select(t.subscription.c.id).where(
                    t.subscription.c.digest_id == digest, t.subscription.c.ended_at.is_(None)
                )
            ).all()
            new = [
                NewDelivery(
                    one, segment, DeliveryKind.EDITION, f"{edition}-{one}@x.vn", self.now, edition,
                    self.now - DAY, self.now + self.rng.choice([2 * HOUR, 3 * DAY]),
                )
                for one in live
                if self.rng.random() < 0.9
            ]  # fmt: skip
            deliveries.add(connection, new, self.now)

    def send(self):
        """Some of what is due comes to some end."""
        with self.store.ledger() as connection:
            taken = claims.claim(connection, "eins", self.now, self.rng.randint(1, 8)).claimed
            ids = [one.id for one in taken]
            if self.rng.random() < 0.2:
                claims.unclaim(connection, "eins", ids)
                return
            passed = claims.mark_sending(connection, "eins", self.now, dict.fromkeys(ids, "r"))
            ends = [DeliveryState.ACCEPTED] * 5 + [
                DeliveryState.DEFERRED, DeliveryState.REJECTED, DeliveryState.UNCERTAIN,
            ]  # fmt: skip
            results = [
                DeliveryOutcome(one, self.rng.choice(ends), "r", "…", self.now + HOUR)
                for one in passed.passed
                if self.rng.random() < 0.9  # the others stay in `sending`
            ]
            outcomes.settle(connection, "eins", self.now, results)
        self._note()

    def settle(self):
        """What became of those in doubt, and of those that came too late."""
        with self.store.ledger() as connection:
            lost = [one.id for one in outcomes.lapsed(connection, self.now)]
            end = self.rng.choice([DeliveryState.UNCERTAIN, DeliveryState.ACCEPTED])
            outcomes.settle_lapsed(connection, lost, self.now, end, "…")
            held = [one.id for one in uncertain_deliveries.unsettled(connection)]
            some_held = [one for one in held if self.rng.random() < 0.3]
            act = self.rng.choice([uncertain_deliveries.drop, uncertain_deliveries.resend])
            act(connection, some_held, self.now)
            deliveries.expire(connection, self.now)
        self._note()

    def come_back(self):
        """Mails that a relay took come back, some of them twice, and as both kinds."""
        with self.store.ledger() as connection:
            rows = connection.execute(
                select(t.delivery.c.id, t.delivery.c.edition_id).where(
                    t.delivery.c.state.in_(["accepted", "uncertain"])
                )
            ).all()
            for row in self.rng.sample(rows, min(2, len(rows))):
                kind = self.rng.choice(["returned", "complained"])
                sent = returned_mail.sent(connection, [row.id])[row.id]
                written = {"returned": BOUNCE, "complained": COMPLAINT}[kind]
                hard = self.rng.random() < 0.5
                said = NewReturned(sent, written, hard=hard, status="5.1.1", reason="…")
                returned_mail.add(connection, said, self.now)
                self.returns.add((kind, row.edition_id, row.id))

    def leave(self):
        """Somebody says goodbye, or takes it back, or comes anew."""
        one = self.rng.choice(sorted(self.people))
        with self.store.read() as connection:
            row = connection.execute(select(t.subscription).where(t.subscription.c.id == one)).one()
        if row.ended_at is None:
            how = self.rng.choice([EndedReason.ONE_CLICK, EndedReason.PAGE, EndedReason.ALL])
            ends = [one]
            if how is EndedReason.ALL:
                ends = self._live(self.people[one])
            unsubscribe.unsubscribe(self.store, self.now, row.token, how)
            had = [self.last[end] for end in ends if end in self.last]
            if had:
                self.goodbyes[one] = max(had)[1]
        elif row.ended_reason != EndedReason.ALL and not self._again(row):
            unsubscribe.undo(self.store, self.now, row.token)
            self.goodbyes.pop(one, None)
        elif not self._again(row):
            with self.store.write() as connection:
                self._subscribe(connection, self.people[one], row.digest_id)

    def _again(self, row):
        with self.store.read() as connection:
            return connection.scalar(
                select(t.subscription.c.id).where(
                    t.subscription.c.digest_id == row.digest_id,
                    t.subscription.c.subscriber_id == row.subscriber_id,
                    t.subscription.c.ended_at.is_(None),
                )
            )

    def _live(self, person):
        mine = [one for one, who in self.people.items() if who == person]
        with self.store.read() as connection:
            wanted = select(t.subscription.c.id).where(
                t.subscription.c.id.in_(mine), t.subscription.c.ended_at.is_(None)
            )
            return list(connection.scalars(wanted))

    def _note(self):
        """Remember which mail each subscription got last."""
        with self.store.read() as connection:
            rows = connection.execute(
                select(t.delivery).where(
                    t.delivery.c.state == "accepted", t.delivery.c.settled_at == self.now
                )
            ).all()
        for row in sorted(rows, key=lambda one: one.id):
            self.last[row.subscription_id] = (self.steps * 10_000 + row.id, row.edition_id)

    def go(self, steps):
        for self.steps in range(steps):
            self.now += self.rng.choice([MINUTE, HOUR])
            self.rng.choice([
                self.plan, self.send, self.send, self.settle, self.come_back, self.leave
            ])()  # fmt: skip


@pytest.mark.both_engines
@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(some(40, 1)))
def test_every_mail_is_in_one_part_and_every_goodbye_counts_once(any_store, now, seed):
    history = History(any_store, now, seed)
    history.go(some(60, 40))
    with any_store.read() as connection:
        rows = connection.execute(select(t.delivery.c.edition_id, t.delivery.c.state)).all()
        reports = [
            one
            for digest in ("ngay", "tuan")
            for one in edition_report.of_digest(connection, digest)
        ]
    assert len(reports) == history.number
    for one in reports:
        mine = Counter(row.state for row in rows if row.edition_id == one.edition.id)
        assert one.planned == mine.total() == sum(one.parts.values())
        assert one.parts == {name: sum(mine[state] for state in PARTS[name]) for name in PARTS}
        assert set(one.afterwards) == {"returned", "complained", "left"}
        for kind in ("returned", "complained"):
            back = [row for row in history.returns if row[:2] == (kind, one.edition.id)]
            assert one.afterwards[kind] == len(back)
        assert one.afterwards["left"] <= one.parts["accepted"]
    left = {one.edition.id: one.afterwards["left"] for one in reports if one.afterwards["left"]}
    assert left == Counter(history.goodbyes.values())


def test_every_state_of_a_mail_is_in_one_part():
    states = [state for part in PARTS.values() for state in part]
    assert sorted(states) == sorted(DeliveryState)
    assert not set(PARTS) & set(AFTERWARDS)


@pytest.fixture
def mailed(store, tmp_path):
    """An edition with stories of two topics, of which one reader gets the first alone."""
    room = Newsroom(store, tmp_path)
    at = MONDAY - 2 * HOUR
    room.subscribe("lan@example.vn")
    room.subscribe("minh@example.vn", topics=["giao-duc"])
    for title, topic, minutes in (
        ("Một", "giao-duc", 5),
        ("Hai", "giao-duc", 15),
        ("Ba", "y-te", 0),
    ):
        _, article = room.story(title, topic, at=at)
        published = at - minutes * MINUTE if minutes else None
        with store.write() as connection:
            connection.execute(
                update(t.article).where(t.article.c.id == article).values(published_at=published)
            )
    room.plan(MONDAY)
    return room


def test_lateness_goes_from_the_outlet_to_the_first_and_the_last_mail_by_topic(mailed):
    [before] = reports(mailed.store)
    assert (before.planned, before.parts["waiting"]) == (2, 2)
    assert before.delays == Delays(600, None, None)
    for minutes in (0, 30):
        mailed.now = MONDAY + minutes * MINUTE
        _accept_one(mailed)
    [after] = reports(mailed.store)
    assert (after.stories, after.parts["accepted"]) == (3, 2)
    assert after.delays == Delays(600, 7200, 9000)
    assert [(one.topic, one.stories, one.delays.collected_s) for one in after.topics] == [
        ("giao-duc", 2, 600),
        ("y-te", 1, None),
    ]
    assert after.topics[0].delays == Delays(600, 7200, 9000)
    only = after.topics[1].delays  # of the one whose mail tells of both topics
    assert only.mailed_s == only.all_mailed_s
    assert only.mailed_s in (7200, 9000)


def _accept_one(room):
    with room.store.ledger() as connection:
        [mail] = claims.claim(connection, "eins", room.now, 1).claimed
        claims.mark_sending(connection, "eins", room.now, {mail.id: "r"})
        done = DeliveryOutcome(mail.id, DeliveryState.ACCEPTED, "r", "250 ok")
        outcomes.settle(connection, "eins", room.now, [done])


def reports(store, **which):
    with store.read() as connection:
        return edition_report.of_digest(connection, "tuan", **which)


def test_the_lists_for_programs_agree_with_each_other(mailed):
    found = reports(mailed.store)
    [line] = csv.DictReader(io.StringIO(edition_report.as_csv(found)))
    told = edition_report.as_json(found[0])
    topics = told.pop("topics")
    assert set(line) == set(told)
    assert line["cut_at"] == told["cut_at"] == "2026-11-23T00:00:00+00:00"
    parts = [told[name] for name in PARTS]
    assert told["planned"] == int(line["planned"]) == sum(parts) == 2
    assert (line["collected_s"], line["mailed_s"]) == ("600", "")
    by_topic = list(csv.DictReader(io.StringIO(edition_report.topics_as_csv(found))))
    assert [one["topic"] for one in by_topic] == [one["id"] for one in topics]
    assert list(by_topic[0]) == [
        "digest", "cadence", "cut_at", "topic", "stories", "collected_s", "mailed_s",
        "all_mailed_s",
    ]  # fmt: skip


def test_one_edition_is_found_by_its_cut_or_its_name(mailed):
    mailed.accept()
    mailed.story("Bốn", at=MONDAY + HOUR)
    mailed.plan(MONDAY + 7 * DAY)
    assert [one.edition.cut_at for one in reports(mailed.store)] == [MONDAY + 7 * DAY, MONDAY]
    assert len(reports(mailed.store, limit=1)) == 1
    [found] = reports(mailed.store, cut_at=MONDAY)
    with mailed.store.read() as connection:
        assert edition_report.one(connection, "tuan", "20261123T000000Z") == found
        assert edition_report.one(connection, "tuan", "20261124T000000Z") is None
        assert edition_report.one(connection, "khac", "20261123T000000Z") is None
        assert edition_report.of_digest(connection, "khac") == []


def test_more_editions_and_more_mails_take_no_more_statements(mailed):
    few = _statements(mailed.store)
    for number in range(20):
        mailed.subscribe(f"r{number}@example.vn")
    for week in range(1, 4):
        mailed.accept()
        mailed.story(f"Tuần {week}", at=MONDAY + week * 7 * DAY - HOUR)
        mailed.plan(MONDAY + week * 7 * DAY)
    assert _statements(mailed.store) == few > 0


def _statements(store):
    with statements(store) as sent:
        assert reports(store)
    return len(sent)
