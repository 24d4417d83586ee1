"""Two addresses become one while a mail is on its way to either; both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from service.audience import moving
from service.model import DeliveryState
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store import tables as t
from service.store.audience import subscriptions
from service.store.mailing import claims
from service.store.mailing.message_parts import unpack
from tests.mail import stock

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OLD, NEW = "minh@example.vn", "moi@example.vn"
OLDS, NEWS = 0, 1
S = DeliveryState


class Two:
    """An edition of two stories was planned for both addresses."""

    def __init__(self, store, tmp_path):
        self.store = store
        self.settings = stock.settings(tmp_path)
        self.stock = stock.fill(store, NOW, [OLD, NEW])

    def put(self, which, state, **values):
        with self.store.ledger() as connection:
            own = t.delivery.c.id == self.stock.deliveries[which]
            connection.execute(update(t.delivery).where(own).values(state=state.value, **values))

    def claim(self):
        """Whatever waits is in the hands of a sender."""
        with self.store.ledger() as connection:
            claims.claim(connection, "sender", NOW, 100)

    def untell(self, which, article):
        """As if this mail had one story less."""
        with self.store.ledger() as connection:
            its = t.told.c.delivery_id == self.stock.deliveries[which]
            connection.execute(delete(t.told).where(its, t.told.c.article_id == article))

    def only_count(self, which, article):
        """As if this mail had it in "N more" alone."""
        with self.store.ledger() as connection:
            its = t.told.c.delivery_id == self.stock.deliveries[which]
            mine = update(t.told).where(its, t.told.c.article_id == article)
            connection.execute(mine.values(shown=False))

    def become_one(self):
        with self.store.read() as connection:
            mine = select(t.subscription.c.token).where(
                t.subscription.c.id == self.stock.subscriptions[OLDS]
            )
            found = subscriptions.by_token(connection, connection.scalar(mine))
        renderer = Renderer(site_view(self.settings), None)
        moving.ask(self.store, self.settings, renderer, NOW, found, NEW)
        with self.store.read() as connection:
            parts = connection.scalars(
                select(t.segment.c.parts).where(t.segment.c.edition_id.is_(None))
            ).all()
        link = re.search(r"/move/([0-9a-f]+)", unpack(parts[-1]).text)[1]
        done = moving.confirm(self.store, NOW, link, "button")
        assert done.standing is moving.MoveState.DONE

    def leaves(self):
        """Of the two mails those that a sender would send now."""
        with self.store.ledger() as connection:
            later = NOW + timedelta(hours=1)
            found = claims.claim(connection, "another", later, 100).claimed
        mine = {one.id: one.recipient.address for one in found}
        return [mine.get(one) for one in self.stock.deliveries]

    def told(self):
        with self.store.read() as connection:
            rows = connection.execute(
                select(t.told.c.article_id, t.told.c.delivery_id).order_by(t.told.c.article_id)
            )
            return {row.article_id: self.stock.deliveries.index(row.delivery_id) for row in rows}

    def state(self, which):
        return stock.states(self.store)[self.stock.deliveries[which]]


@pytest.fixture
def two(any_store, tmp_path):
    return Two(any_store, tmp_path)


@pytest.mark.parametrize("there", [S.ACCEPTED, S.UNCERTAIN, S.DROPPED])
@pytest.mark.parametrize("here", [S.PLANNED, S.DEFERRED])
def test_what_the_new_address_has_got_is_not_sent_there_again(two, here, there):
    two.put(NEWS, there)
    two.put(OLDS, here)
    two.become_one()
    assert two.leaves() == [None, None]
    assert two.state(OLDS) == S.SUPPRESSED
    assert two.told() == dict.fromkeys(two.stock.articles, NEWS)


def test_one_that_a_sender_has_in_hand_does_not_leave(two):
    two.put(NEWS, S.ACCEPTED)
    two.claim()
    two.become_one()
    with two.store.ledger() as connection:
        mail = two.stock.deliveries[OLDS]
        check = claims.mark_sending(connection, "sender", NOW, {mail: "relay"})
    assert check.passed == frozenset()
    assert two.told() == dict.fromkeys(two.stock.articles, NEWS)


def test_what_the_old_address_alone_was_to_be_told_the_next_edition_tells(two):
    first, second = two.stock.articles
    two.put(NEWS, S.ACCEPTED)
    two.untell(NEWS, second)
    two.become_one()
    assert two.leaves() == [None, None]
    assert two.told() == {first: NEWS}
    reached = stock.covered_to(two.store, two.stock.subscriptions[OLDS])
    assert reached == NOW - timedelta(days=7)


def test_of_two_that_wait_one_goes(two):
    two.become_one()
    assert two.leaves() == [NEW, None]
    assert two.told() == dict.fromkeys(two.stock.articles, OLDS)


def test_what_has_another_story_goes(two):
    first, second = two.stock.articles
    two.put(NEWS, S.ACCEPTED)
    two.untell(NEWS, second)
    two.untell(OLDS, first)
    two.become_one()
    assert two.leaves() == [NEW, None]
    assert two.told() == {first: NEWS, second: OLDS}


def test_what_the_new_address_was_only_counted_stops_no_mail(two):
    first, second = two.stock.articles
    two.put(NEWS, S.ACCEPTED)
    two.untell(NEWS, second)
    two.only_count(NEWS, first)
    two.become_one()
    assert two.leaves() == [NEW, None]
    assert two.told() == {first: OLDS, second: OLDS}


def test_who_was_shown_it_by_one_and_only_counted_by_the_other_is_on_record(two):
    """A recall asks who was shown it."""
    first, second = two.stock.articles
    for which in (OLDS, NEWS):
        two.put(which, S.ACCEPTED)
    two.only_count(OLDS, first)
    two.become_one()
    assert two.told() == {first: NEWS, second: OLDS}


def test_one_that_may_have_arrived_before_is_held(two):
    two.put(NEWS, S.ACCEPTED)
    two.put(OLDS, S.PLANNED, resends=1)
    two.become_one()
    assert two.leaves() == [None, None]
    assert two.state(OLDS) == S.UNCERTAIN
    assert two.told() == dict.fromkeys(two.stock.articles, OLDS)
