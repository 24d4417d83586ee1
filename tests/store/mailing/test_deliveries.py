"""The mail queue as rows: claims, leases, the gate at 354, outcomes, release, settling by hand."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update

from service.errors import StoreError
from service.model import DeliveryKind, DeliveryState, EndedReason
from service.store import status_counts
from service.store import tables as t
from service.store.audience import suppressions
from service.store.core.database import Store
from service.store.core.lease import LASTS
from service.store.mailing import claims, deliveries, outcomes, uncertain_deliveries
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.outcomes import DeliveryOutcome
from service.store.mailing.release import forget_parts_of, forget_parts_since
from tests import builders
from tests.mail import stock
from tests.store.watching import written

S = DeliveryState
LAPSE = LASTS + timedelta(seconds=1)
THREE = ["an@example.vn", "binh@example.vn", "chi@example.vn"]


def claim(store, now, owner="one", limit=10, digest=None):
    with store.ledger() as connection:
        return claims.claim(connection, owner, now, limit, digest)


def gate(store, now, ids, owner="one"):
    with store.ledger() as connection:
        return claims.mark_sending(connection, owner, now, dict.fromkeys(ids, "chinh"))


def settle(store, now, *outcome, owner="one"):
    with store.ledger() as connection:
        return outcomes.settle(connection, owner, now, outcome)


def accept(delivery):
    return DeliveryOutcome(delivery, S.ACCEPTED, "chinh", "body: 250 2.0.0 ok")


def attempts(store, delivery):
    with store.read() as connection:
        rows = select(t.attempt).where(t.attempt.c.delivery_id == delivery).order_by(t.attempt.c.n)
        return [(row.n, row.relay, row.answer) for row in connection.execute(rows)]


def change(store, table, row, **values):
    with store.ledger() as connection:
        connection.execute(update(table).where(table.c.id == row).values(**values))


@pytest.mark.parametrize("digest", [None, "tuan"])
def test_a_claim_that_finds_nothing_is_one_statement(any_store, now, digest):
    stock.fill(any_store, now, THREE)
    assert len(claim(any_store, now, digest=digest).claimed) == 3
    with written(any_store, any_store._ledger) as seen:
        assert claim(any_store, now, digest=digest).empty
    assert len([one for one in seen if "delivery" in one]) == 1
    with written(any_store, any_store._ledger) as seen:
        assert claim(any_store, now + LAPSE, digest="khac").empty
    assert len([one for one in seen if "delivery" in one]) == 1


def test_a_claim_takes_lane_by_lane_and_in_each_what_was_left_lying_first(any_store, now):
    """Of each kind two, the second one waiting longer; and beside them one that is not due."""
    lapsed, later = {"lease_owner": "dead", "lease_until": now}, now + timedelta(hours=1)
    kinds = [
        ({"state": "claimed", **lapsed}, {"lease_until": later - timedelta(minutes=55)}),
        ({"state": "planned"}, {"expires_at": now}),
        ({"state": "deferred"}, {"next_try_at": later}),
    ]
    lanes = [(0, False), (1, False), (1, True), (0, True)]
    made = stock.fill(any_store, now, [f"n{n}@example.vn" for n in range(36)])
    ids = iter(reversed(made.deliveries))
    expected = []
    for priority, tried in lanes:
        for due, not_due in kinds:
            first, second, other = next(ids), next(ids), next(ids)
            for one, at in ((first, 2), (second, 1), (other, 3)):
                change(
                    any_store, t.delivery, one, priority=priority,
                    **{"next_try_at": now - at * timedelta(minutes=1), **due,
                       **(not_due if one == other else {})},
                )  # fmt: skip
                if tried:
                    with any_store.ledger() as connection:
                        row = {"n": 1, "tried_at": now, "relay": "chinh", "answer": "450"}
                        connection.execute(insert(t.attempt).values(delivery_id=one, **row))
            expected += [first, second]
    assert [one.id for one in claim(any_store, now, limit=5).claimed] == expected[:5]
    assert [one.id for one in claim(any_store, now, limit=99).claimed] == expected[5:]


def test_a_delivery_goes_from_planned_to_accepted_and_its_segment_forgets_its_parts(any_store, now):
    made = stock.fill(any_store, now, THREE)
    found = claim(any_store, now, limit=2).claimed
    assert len(found) == 2, "of those that wait as long any comes first"
    assert found[0].language == "vi"
    assert found[0].message_id == made.message_ids[THREE.index(found[0].recipient.address)]
    ids = [one.id for one in found]
    assert gate(any_store, now, ids).passed == set(ids)
    assert settle(any_store, now, *map(accept, ids)) == set(ids)
    assert stock.parts_of(any_store, made.segment) is not None  # the third still needs them
    third = claim(any_store, now).claimed[0].id
    gate(any_store, now, [third])
    settle(any_store, now, accept(third))
    assert set(stock.states(any_store).values()) == {"accepted"}
    assert stock.parts_of(any_store, made.segment) is None
    assert attempts(any_store, third) == [(1, "chinh", "body: 250 2.0.0 ok")]
    row = stock.row(any_store, third)
    assert (row.settled_at, row.reply, row.tries) == (now, "body: 250 2.0.0 ok", 1)
    assert stock.told_by(any_store, third) == set(made.articles)


def test_parts_stay_while_the_edition_is_still_being_planned(any_store, now):
    made = stock.fill(any_store, now, THREE[:1])
    change(any_store, t.edition, made.edition, planned_at=None)
    claim(any_store, now)
    gate(any_store, now, made.deliveries)
    settle(any_store, now, accept(made.deliveries[0]))
    assert stock.parts_of(any_store, made.segment) is not None
    change(any_store, t.edition, made.edition, planned_at=now)
    with any_store.ledger() as connection:
        forget_parts_of(connection, made.edition)
    assert stock.parts_of(any_store, made.segment) is None


def test_an_edition_is_settled_in_statements_that_do_not_grow_with_its_readers(any_store, now):
    """Of a hundred thousand ids PostgreSQL takes no list."""
    sent = []
    for digest, people in (("tuan", THREE[:1]), ("ngay", THREE)):
        made = stock.fill(any_store, now, people, digest=digest)
        for delivery in made.deliveries:
            change(any_store, t.delivery, delivery, state="accepted")
        with written(any_store, any_store._ledger) as asked, any_store.ledger() as connection:
            forget_parts_of(connection, made.edition)
        sent.append(asked)
    assert sent[0] == sent[1]
    assert len(sent[0]) > 1


@pytest.mark.postgres
def test_two_that_settle_mails_of_one_segment_do_not_wait_for_each_other(postgres_database, now):
    with closing(Store(postgres_database)) as one, closing(Store(postgres_database)) as two:
        made = stock.fill(one, now, THREE[:2])
        ids = {name: claim(one, now, name, limit=1).claimed[0].id for name in "ab"}
        for name, delivery in ids.items():
            gate(one, now, [delivery], name)
        with one.ledger() as first, two.ledger() as second:
            second.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert outcomes.settle(first, "a", now, [accept(ids["a"])]) == {ids["a"]}
            assert outcomes.settle(second, "b", now, [accept(ids["b"])]) == {ids["b"]}
        # Each saw the other's mail as on its way: the parts go an hour later.
        assert stock.parts_of(one, made.segment) is not None
        with one.ledger() as connection:
            forget_parts_since(connection, now - timedelta(days=8))
        assert stock.parts_of(one, made.segment) is None


def test_outcomes_are_written_in_statements_that_do_not_grow_with_them(any_store, now):
    sent = []
    for digest, people in (("tuan", THREE[:1]), ("ngay", THREE)):
        made = stock.fill(any_store, now, people, digest=digest)
        claim(any_store, now)
        gate(any_store, now, made.deliveries)
        with written(any_store, any_store._ledger) as asked, any_store.ledger() as connection:
            outcomes.settle(connection, "one", now, [accept(one) for one in made.deliveries])
        sent.append(len(asked))
    assert sent[0] == sent[1]


def test_parts_of_a_segment_that_others_need_are_not_looked_for(any_store, now):
    """The look goes through all mails of the segment: of each of them it would be their square."""
    made = stock.fill(any_store, now, THREE)
    claim(any_store, now)
    gate(any_store, now, made.deliveries)
    first, second, third = made.deliveries
    with written(any_store, any_store._ledger) as asked, any_store.ledger() as connection:
        outcomes.settle(connection, "one", now, [accept(first)], needed=[made.segment])
    assert not any("FROM segment" in one for one in asked)
    settle(any_store, now, accept(second))
    assert stock.parts_of(any_store, made.segment) is not None
    settle(any_store, now, accept(third))
    assert stock.parts_of(any_store, made.segment) is None


def test_of_two_outcomes_of_one_mail_the_second_is_that_of_what_the_first_made(any_store, now):
    made = stock.fill(any_store, now, THREE[:1])
    claim(any_store, now)
    gate(any_store, now, made.deliveries)
    (delivery,) = made.deliveries
    lost = DeliveryOutcome(delivery, S.UNCERTAIN, "chinh", "body: lost")
    assert settle(any_store, now, lost, accept(delivery)) == {delivery}
    assert stock.states(any_store) == {delivery: "accepted"}


def test_two_owners_never_hold_one_row_and_a_lapsed_claim_is_taken_over(any_store, now):
    made = stock.fill(any_store, now, THREE)
    assert len(claim(any_store, now, "one").claimed) == 3
    assert claim(any_store, now, "two").empty
    soon = now + timedelta(seconds=20)
    with any_store.ledger() as connection:
        claims.renew(connection, "one", soon)
    assert claim(any_store, now + LAPSE, "two").empty
    assert len(claim(any_store, soon + LAPSE, "two").claimed) == 3
    late = gate(any_store, soon + LAPSE, made.deliveries, owner="one")
    assert (late.passed, late.suppressed) == (set(), set())
    assert gate(any_store, soon + LAPSE, made.deliveries, owner="two").passed == set(
        made.deliveries
    )


def test_two_processes_claiming_at_once_share_the_rows(postgres_database, now):
    one, two = Store(postgres_database), Store(postgres_database)
    stock.fill(one, now, THREE)
    with one.ledger() as first:
        mine = claims.claim(first, "one", now, 2)
        with two.ledger() as second:
            theirs = claims.claim(second, "two", now, 10)
    assert len(mine.claimed) == 2
    assert len(theirs.claimed) == 1
    one.close()
    two.close()


def test_letters_go_before_editions_and_each_kind_by_how_long_it_waits(any_store, now):
    made = stock.fill(any_store, now, THREE[:2])
    letter = stock.add_letter(any_store, now + timedelta(seconds=5), made.subscriptions[1],
                              DeliveryKind.CHANGE)  # fmt: skip
    found = claim(any_store, now + timedelta(seconds=9)).claimed
    assert [one.id for one in found] == [letter, *made.deliveries]


def test_a_digest_can_be_claimed_alone(any_store, now):
    stock.fill(any_store, now, THREE)
    other = stock.fill(any_store, now, THREE, digest="ngay", scope="review")
    found = claim(any_store, now, digest="ngay").claimed
    assert sorted(one.id for one in found) == other.deliveries
    with any_store.read() as connection:
        assert deliveries.unsettled_counts(connection, now, "ngay") == {S.CLAIMED: 3}
        assert status_counts.deliveries(connection) == {"claimed": 3, "planned": 3}


def test_deferred_waits_for_its_time_but_planned_does_not(any_store, now):
    made = stock.fill(any_store, now + timedelta(days=1), THREE[:2])  # `--at` a future time
    found = claim(any_store, now).claimed
    assert len(found) == 2
    later = now + timedelta(minutes=4)
    wait = DeliveryOutcome(found[0].id, S.DEFERRED, "chinh", "rcpt: 450 4.2.0 greylisted", later)
    settle(any_store, now, wait)
    assert attempts(any_store, found[0].id) == [(1, "chinh", "rcpt: 450 4.2.0 greylisted")]
    early = claim(any_store, later - timedelta(seconds=10), "two")
    assert [one.id for one in early.claimed] == made.deliveries[1:]
    again = claim(any_store, later, "two").claimed
    assert [(one.id, one.tries) for one in again] == [(found[0].id, 1)]


@pytest.mark.parametrize(
    "what",
    ["ended", "paused", "suppressed", "forgotten", "retired"],
)
@pytest.mark.parametrize("when", ["claim", "gate"])
def test_whoever_must_not_be_written_to_is_suppressed_and_released(any_store, now, what, when):
    made = stock.fill(any_store, now, THREE[:1])
    subscription = made.subscriptions[0]
    if when == "gate":
        assert len(claim(any_store, now).claimed) == 1
    with any_store.ledger() as connection:
        person = connection.execute(select(t.subscriber)).one()
        if what == "suppressed":
            suppressions.add(connection, person.address_key, "complaint", now, "they asked")
        if what == "forgotten":
            connection.execute(update(t.subscriber).values(address=None))
    if what == "ended":
        change(any_store, t.subscription, subscription, ended_at=now,
               ended_reason=EndedReason.ONE_CLICK)  # fmt: skip
    if what == "paused":
        change(any_store, t.subscription, subscription, paused_until=now + timedelta(days=1))
    if what == "retired":
        change(any_store, t.digest, made.digest, retired_at=now)
    if when == "claim":
        found = claim(any_store, now)
        assert (found.claimed, found.suppressed) == ([], 1)
    else:
        found = gate(any_store, now, made.deliveries)
        assert (found.passed, found.suppressed) == (set(), set(made.deliveries))
    assert stock.states(any_store) == {made.deliveries[0]: "suppressed"}
    assert stock.told_by(any_store, made.deliveries[0]) == set()
    assert stock.parts_of(any_store, made.segment) is None
    reached = stock.covered_to(any_store, subscription)
    untouched = now - timedelta(hours=1)  # an ended one has nothing to reach back for
    assert reached == (untouched if what == "ended" else now - timedelta(days=7))


@pytest.mark.parametrize("when", ["claim", "gate"])
def test_what_may_have_arrived_before_is_held_where_its_reader_has_left(any_store, now, when):
    """Its second copy must not go; released, its stories would be told once more."""
    made = stock.fill(any_store, now, THREE[:2])
    again, _ = made.deliveries
    change(any_store, t.delivery, again, resends=1)
    reached = stock.covered_to(any_store, made.subscriptions[0])
    if when == "gate":
        assert len(claim(any_store, now).claimed) == 2
    for one in made.subscriptions:
        change(any_store, t.subscription, one, paused_until=now + timedelta(days=1))
    if when == "claim":
        found = claim(any_store, now)
        assert (found.claimed, found.suppressed, found.held) == ([], 1, 1)
        assert claim(any_store, now).empty
    else:
        found = gate(any_store, now, made.deliveries)
        assert (found.passed, found.held) == (set(), {again})
        assert found.suppressed == set(made.deliveries[1:])
    assert list(stock.states(any_store).values()) == ["uncertain", "suppressed"]
    assert stock.told_by(any_store, again) == set(made.articles)
    assert stock.covered_to(any_store, made.subscriptions[0]) == reached
    with any_store.read() as connection:
        row = connection.execute(select(t.delivery).where(t.delivery.c.id == again)).one()
    assert (row.settled_at, row.resend_at) == (None, None)


def test_a_pause_that_is_over_holds_nobody_back(any_store, now):
    made = stock.fill(any_store, now, THREE[:1])
    change(any_store, t.subscription, made.subscriptions[0], paused_until=now)
    assert len(claim(any_store, now).claimed) == 1


def test_a_confirmation_goes_to_whoever_has_not_answered_yet(any_store, now):
    made = stock.fill(any_store, now, THREE[:2])
    change(any_store, t.subscription, made.subscriptions[0], starts_at=None)
    asked = stock.add_letter(any_store, now, made.subscriptions[0], DeliveryKind.CONFIRM)
    answered = stock.add_letter(any_store, now, made.subscriptions[1], DeliveryKind.CONFIRM,
                                "b" * 32)  # fmt: skip
    found = claim(any_store, now)
    assert [one.id for one in found.claimed] == [asked, made.deliveries[1]]
    assert stock.states(any_store)[answered] == "suppressed"
    assert stock.states(any_store)[made.deliveries[0]] == "suppressed"


@pytest.mark.parametrize("why", [suppressions.UNSUBSCRIBED, suppressions.COMPLAINED])
@pytest.mark.parametrize("kind", [DeliveryKind.CONFIRM, DeliveryKind.CHANGE])
@pytest.mark.parametrize("when", ["claim", "gate"])
def test_who_unsubscribed_may_be_asked_and_nothing_else(any_store, now, why, kind, when):
    made = stock.fill(any_store, now, THREE[:1])
    change(any_store, t.subscription, made.subscriptions[0], starts_at=None)
    letter = stock.add_letter(any_store, now, made.subscriptions[0], kind)
    if when == "gate":
        assert [one.id for one in claim(any_store, now).claimed] == [letter]
    with any_store.ledger() as connection:
        person = connection.execute(select(t.subscriber)).one()
        suppressions.add(connection, person.address_key, why, now, "list")
    if when == "claim":
        passed = {one.id for one in claim(any_store, now).claimed}
    else:
        passed = set(gate(any_store, now, [letter]).passed)
    asked = kind == DeliveryKind.CONFIRM and why == suppressions.UNSUBSCRIBED
    assert passed == ({letter} if asked else set())
    assert (stock.states(any_store)[letter] == "suppressed") is not asked


def test_release_reaches_back_in_every_live_subscription_of_the_scope_and_no_further(
    any_store, now
):
    week = stock.fill(any_store, now, THREE[:1])
    starts = now - timedelta(days=2)
    with any_store.ledger() as connection:
        day = builders.add_digest(connection, now, "ngay")
        review = builders.add_digest(connection, now, "nua-nam", scope="review")
        same = {"address": THREE[0], "starts_at": starts, "covered_to": now}
        daily = builders.add_subscription(connection, digest=day, **same)
        yearly = builders.add_subscription(connection, digest=review, **same)
        stranger = builders.add_subscription(
            connection, digest=day, starts_at=starts, address="khac@example.vn"
        )
    before = stock.covered_to(any_store, stranger)
    found = claim(any_store, now).claimed
    refused = DeliveryOutcome(found[0].id, S.REJECTED, "chinh", "body: 554 spam", untell=True)
    settle(any_store, now, refused)
    assert stock.covered_to(any_store, week.subscriptions[0]) == now - timedelta(days=7)
    assert stock.covered_to(any_store, daily) == starts  # never before its own beginning
    assert stock.covered_to(any_store, yearly) == now
    assert stock.covered_to(any_store, stranger) == before
    assert stock.told_by(any_store, found[0].id) == set()
    row = stock.row(any_store, found[0].id)
    assert row.state == "rejected"
    with any_store.read() as connection:
        next_cut = select(t.subscription.c.next_cut_at)
        mine = connection.execute(next_cut.where(t.subscription.c.id == week.subscriptions[0]))
        assert mine.scalar_one() == now - timedelta(hours=1) + timedelta(days=7)


def test_release_never_moves_a_window_forward(any_store, now):
    made = stock.fill(any_store, now, THREE[:1])
    long_ago = now - timedelta(days=30)
    change(any_store, t.subscription, made.subscriptions[0], covered_to=long_ago,
           starts_at=long_ago)  # fmt: skip
    found = claim(any_store, now).claimed
    settle(any_store, now, DeliveryOutcome(found[0].id, S.REJECTED, "c", "x", untell=True))
    assert stock.covered_to(any_store, made.subscriptions[0]) == long_ago


def test_an_address_that_does_not_exist_is_suppressed_and_keeps_what_it_was_told(any_store, now):
    made = stock.fill(any_store, now, THREE[:1])
    claim(any_store, now)
    answer = "rcpt: 550 5.1.1 no such user"
    settle(
        any_store,
        now,
        DeliveryOutcome(made.deliveries[0], S.REJECTED, "chinh", answer, suppress=True),
    )
    with any_store.read() as connection:
        row = connection.execute(select(t.suppression)).one()
        key = connection.execute(select(t.subscriber.c.address_key)).scalar_one()
    assert (row.address_key, row.reason, row.evidence) == (key, "address_refused", answer)
    assert stock.told_by(any_store, made.deliveries[0]) == set(made.articles)


def test_sending_of_a_dead_owner_is_uncertain_and_its_late_250_ends_that(any_store, now):
    made = stock.fill(any_store, now, THREE[:2])
    ids = made.deliveries
    claim(any_store, now)
    gate(any_store, now, ids)
    later = now + LAPSE
    with any_store.ledger() as connection:
        assert outcomes.lapsed(connection, now) == []
        found = outcomes.lapsed(connection, later)
        assert [(one.id, one.relay) for one in found] == [(id_, "chinh") for id_ in ids]
        assert outcomes.settle_lapsed(connection, ids, now, S.UNCERTAIN, "early") == 0
        assert outcomes.settle_lapsed(connection, ids, later, S.UNCERTAIN, "died") == 2
    assert settle(any_store, later, accept(ids[0]), owner="another") == set()
    assert settle(any_store, later, accept(ids[0])) == {ids[0]}
    assert stock.states(any_store) == {ids[0]: "accepted", ids[1]: "uncertain"}
    assert attempts(any_store, ids[1]) == [(1, "chinh", "")]
    assert stock.told_by(any_store, ids[1]) == set(made.articles)
    assert stock.parts_of(any_store, made.segment) is not None


def test_uncertain_is_settled_by_hand(any_store, now):
    made = stock.fill(any_store, now, THREE, expires_at=now + timedelta(minutes=1))
    claim(any_store, now)
    gate(any_store, now, made.deliveries[:2])
    later = now + LAPSE
    with any_store.ledger() as connection:
        outcomes.settle_lapsed(connection, made.deliveries, later, S.UNCERTAIN, "died")
        waiting = uncertain_deliveries.unsettled(connection)
        assert [one.id for one in waiting] == made.deliveries[:2]
        first = waiting[0]
        assert (first.digest, first.address, first.relay, first.reply) == (
            "tuan", THREE[0], "chinh", "died",
        )  # fmt: skip
        assert first.handed_at == now
        keys = [one.key for one in waiting]
        assert uncertain_deliveries.find(connection, [*keys, "unknown", "%"]) == dict(
            zip(keys, made.deliveries, strict=False)
        )
        again = uncertain_deliveries.resend(connection, made.deliveries, later)
        assert again == list(made.deliveries[:2])
    much_later = now + timedelta(days=1)
    with any_store.ledger() as connection:
        # Sent again by hand, it may have arrived already: expiry must not untell it.
        assert deliveries.expire(connection, much_later) == 1
    again = claim(any_store, much_later, "two").claimed
    assert [(one.id, one.message_id) for one in again] == [
        (made.deliveries[n], made.message_ids[n]) for n in (0, 1)
    ]
    gate(any_store, much_later, made.deliveries[:2], owner="two")
    assert settle(any_store, much_later, accept(made.deliveries[0])) == set()  # no longer its own
    later = much_later + LAPSE
    with any_store.ledger() as connection:
        outcomes.settle_lapsed(connection, made.deliveries, later, S.UNCERTAIN, "again")
        assert (
            uncertain_deliveries.drop(connection, made.deliveries[:1], later) == made.deliveries[:1]
        )
        assert uncertain_deliveries.drop(connection, made.deliveries[:1], later) == []
    states = stock.states(any_store)
    assert [states[one] for one in made.deliveries] == ["dropped", "uncertain", "expired"]
    assert stock.told_by(any_store, made.deliveries[0]) == set(made.articles)
    assert stock.told_by(any_store, made.deliveries[2]) == set()


def test_too_late_is_expired_and_released_unless_somebody_has_it_in_hand(any_store, now):
    due = now + timedelta(hours=1)
    made = stock.fill(any_store, now, THREE, expires_at=due)
    [kept] = claim(any_store, due - timedelta(seconds=1), limit=1).claimed
    late = next(one for one, of in enumerate(made.deliveries) if of != kept.id)
    with any_store.ledger() as connection:
        assert deliveries.expire(connection, due - timedelta(seconds=1)) == 0
        assert deliveries.expire(connection, due, "khac") == 0
        assert deliveries.expire(connection, due, "tuan") == 2
    assert claim(any_store, due, "two").empty
    assert sorted(stock.states(any_store).values()) == ["claimed", "expired", "expired"]
    assert stock.covered_to(any_store, made.subscriptions[late]) == now - timedelta(days=7)
    with any_store.ledger() as connection:
        assert deliveries.expire(connection, due + LAPSE) == 1
    assert stock.parts_of(any_store, made.segment) is None


def test_postponing_puts_off_what_is_in_nobodys_hands(any_store, now):
    made = stock.fill(any_store, now, THREE)
    [held] = claim(any_store, now, limit=1).claimed  # whichever: all are due at once
    until = now + timedelta(minutes=15)
    with any_store.ledger() as connection:
        assert outcomes.postpone(connection, now, until, "535 no", "tuan") == 2
        assert outcomes.postpone(connection, now, until, "535 no", "tuan") == 0
    [again] = claim(any_store, until - timedelta(seconds=1), "two", limit=5).claimed
    assert again.id == held.id
    found = claim(any_store, until, "three").claimed
    others = set(made.deliveries) - {held.id}
    assert {(one.id, one.tries) for one in found} == {(id_, 1) for id_ in others}


def test_what_was_not_begun_can_be_given_back(any_store, now):
    made = stock.fill(any_store, now, THREE)
    claim(any_store, now)
    gate(any_store, now, made.deliveries[:1])
    with any_store.ledger() as connection:
        claims.unclaim(connection, "two", made.deliveries)
        claims.unclaim(connection, "one", made.deliveries)
    assert list(stock.states(any_store).values()) == ["sending", "planned", "planned"]


def test_one_edition_goes_to_a_subscription_once(any_store, now):
    made = stock.fill(any_store, now, THREE[:1])
    twice = NewDelivery(
        subscription_id=made.subscriptions[0], segment_id=made.segment, kind=DeliveryKind.EDITION,
        message_id="x@y", dated_at=now, edition_id=made.edition,
    )  # fmt: skip
    with pytest.raises(StoreError), any_store.ledger() as connection:
        deliveries.add(connection, [twice], now)


def test_only_mail_with_news_in_it_makes_cuts_wait(any_store, now):
    made = stock.fill(any_store, now, THREE[:2])
    stock.add_letter(any_store, now, made.subscriptions[1], DeliveryKind.CHANGE)
    change(any_store, t.delivery, made.deliveries[1], state="accepted")
    with any_store.read() as connection:
        assert deliveries.open_among(connection, made.subscriptions) == {made.subscriptions[0]}


def test_a_letter_waits_for_its_time_and_an_edition_does_not(any_store, now):
    """A flood of sign-ups is spread over hours; `--at` may date an edition into the future."""
    made = stock.fill(any_store, now + timedelta(hours=2), ["minh@example.vn"])
    (subscription,) = made.subscriptions
    stock.add_letter(any_store, now + timedelta(hours=1), subscription, DeliveryKind.CHANGE)
    with any_store.ledger() as connection:
        early = claims.claim(connection, "o", now, 10).claimed
        assert [one.kind for one in early] == [DeliveryKind.EDITION]
        assert S.PLANNED not in deliveries.unsettled_counts(connection, now)
        claims.renew(connection, "o", now + timedelta(hours=1))
        late = claims.claim(connection, "o", now + timedelta(hours=1), 10).claimed
        assert [one.kind for one in late] == [DeliveryKind.CHANGE]
