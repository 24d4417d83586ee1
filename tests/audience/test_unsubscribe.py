"""Goodbye holds from now on, ends what it says and no more, and can be taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.audience import forgetting, signup, unsubscribe
from service.errors import UsageError
from service.mail.outbox import Outbox
from service.model import DeliveryKind, EndedReason, Parts
from service.store import tables as t
from service.store.audience import subscriptions
from service.store.mailing import claims, deliveries, segments
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.message_parts import pack
from service.store.mailing.segments import Segment
from tests.audience.acts import again, form, history, newest, subscribe
from tests.builders import add_edition


@pytest.fixture
def weekly(people_store, settings, renderer, now, previous_cut):
    return subscribe(people_store, settings, renderer, now, previous_cut)


@pytest.fixture
def review(people_store, settings, renderer, now, previous_cut, weekly):
    return subscribe(
        people_store, settings, renderer, now, previous_cut,
        digest="so-ket", cadence="half-yearly", topics=None,
    )  # fmt: skip


def plan_edition(store, subscription, now, covers_from):
    """A delivery of an edition that waits to be sent."""
    with store.ledger() as connection:
        of_it = t.subscription.c.id == subscription.id
        digest = connection.scalar(select(t.subscription.c.digest_id).where(of_it))
        segment = segments.put(
            connection, Segment(None, b"h", "vi", {}, pack(Parts("s", "t", "<p>h</p>")))
        )
        [row] = deliveries.add(
            connection,
            [
                NewDelivery(
                    subscription_id=subscription.id,
                    segment_id=segment,
                    kind=DeliveryKind.EDITION,
                    edition_id=add_edition(connection, digest, now, covers_from),
                    message_id=f"k{subscription.id}@tin",
                    dated_at=now,
                    covers_from=covers_from,
                )
            ],
            now,
        )
        return row


def state(store, delivery):
    with store.read() as connection:
        return connection.execute(
            select(t.delivery.c.state).where(t.delivery.c.id == delivery)
        ).scalar_one()


@pytest.mark.parametrize("how", [EndedReason.ONE_CLICK, EndedReason.PAGE])
def test_one_click_ends_that_subscription_only_and_twice_is_once(
    people_store, now, weekly, review, how
):
    later = now + timedelta(days=400)  # a token never expires
    ended = unsubscribe.unsubscribe(people_store, later, weekly.token, how)
    assert (ended.ended_at, ended.ended_reason) == (later, how)
    assert again(people_store, review).live
    again_later = unsubscribe.unsubscribe(
        people_store, later + timedelta(days=1), weekly.token, EndedReason.ONE_CLICK
    )
    assert again_later == ended
    event = history(people_store, weekly)[-1]
    assert (event.what, event.detail["reason"]) == ("ended", how)
    assert event.detail["topics"] == ["giao-duc"], "the settings of that day"


def test_all_ends_all_and_undo_brings_all_back(people_store, now, weekly, review):
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.ALL)
    assert not again(people_store, weekly).live
    assert not again(people_store, review).live
    unsubscribe.undo(people_store, now + timedelta(minutes=1), review.token)
    assert again(people_store, weekly) == weekly
    assert again(people_store, review) == review


def test_undo_after_all_leaves_what_had_ended_before(people_store, now, weekly, review):
    unsubscribe.unsubscribe(people_store, now, review.token, EndedReason.PAGE)
    unsubscribe.unsubscribe(people_store, now + timedelta(days=1), weekly.token, EndedReason.ALL)
    unsubscribe.undo(people_store, now + timedelta(days=1), weekly.token)
    assert again(people_store, weekly).live
    assert not again(people_store, review).live


def test_undo_of_all_leaves_what_an_earlier_all_had_ended(
    people_store, settings, renderer, now, previous_cut, weekly, review
):
    """Both ended by "all", months apart: only what this one ended comes back with it."""
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.ALL)
    later = now + timedelta(days=90)
    anew = subscribe(people_store, settings, renderer, later, previous_cut)
    unsubscribe.unsubscribe(people_store, later, anew.token, EndedReason.ALL)
    unsubscribe.undo(people_store, later + timedelta(hours=1), anew.token)
    assert again(people_store, anew).live
    assert not again(people_store, review).live
    assert again(people_store, review).ended_at == now


def test_a_goodbye_holds_for_mail_that_waits_already_and_undo_reaches_back(
    people_store, now, weekly
):
    """One-click before the claim: the mail is held back, and coming back misses none of it."""
    cut = now + timedelta(days=7)
    delivery = plan_edition(people_store, weekly, cut, covers_from=now)
    with people_store.write() as connection:
        connection.execute(t.subscription.update().values(covered_to=cut))
    unsubscribe.unsubscribe(people_store, cut, weekly.token, EndedReason.ONE_CLICK)
    with people_store.ledger() as connection:
        claimed = claims.claim(connection, "owner", cut + timedelta(seconds=1), 10)
    assert DeliveryKind.EDITION not in {one.kind for one in claimed.claimed}
    assert state(people_store, delivery) == "suppressed"
    back = unsubscribe.undo(people_store, cut + timedelta(minutes=1), weekly.token)
    assert back.covered_to == now, "what the held-back mail covered is news again"


def test_undo_before_the_queue_came_to_it_moves_no_window(people_store, now, weekly):
    cut = now + timedelta(days=7)
    delivery = plan_edition(people_store, weekly, cut, covers_from=now)
    with people_store.write() as connection:
        connection.execute(t.subscription.update().values(covered_to=cut))
    unsubscribe.unsubscribe(people_store, cut, weekly.token, EndedReason.PAGE)
    back = unsubscribe.undo(people_store, cut, weekly.token)
    assert back.covered_to == cut
    with people_store.ledger() as connection:
        claims.claim(connection, "owner", cut + timedelta(seconds=1), 10)
    assert state(people_store, delivery) == "claimed"


def test_who_comes_back_after_a_long_time_begins_anew(people_store, now, weekly):
    """Without a rule the newsletter sees a beginning: of a review, one with the last cut."""
    with people_store.write() as connection:
        connection.execute(t.subscription.update().values(next_cut_at=now, rule="weekly"))
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.PAGE)
    much_later = now + timedelta(days=200)
    back = unsubscribe.undo(people_store, much_later, weekly.token)
    assert back.id == weekly.id
    assert (back.starts_at, back.covered_to) == (much_later, much_later)
    assert (back.next_cut_at, back.rule) == (None, None)


def test_within_a_week_it_goes_on_and_after_it_begins_anew(people_store, now, weekly):
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.PAGE)
    week = now + timedelta(days=7)
    back = unsubscribe.undo(people_store, week, weekly.token)
    assert (back.starts_at, back.covered_to) == (weekly.starts_at, weekly.covered_to)
    unsubscribe.unsubscribe(people_store, week, weekly.token, EndedReason.PAGE)
    later = week + timedelta(days=7, seconds=1)
    anew = unsubscribe.undo(people_store, later, weekly.token)
    assert (anew.starts_at, anew.covered_to) == (later, later)


def test_who_left_and_was_forgotten_then_does_not_come_back_by_the_old_link(
    people_store, now, weekly, tmp_path
):
    """There is no address any more: a subscription without one would say it goes on."""
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.PAGE)
    forgetting.forget(people_store, now, "minh@example.vn", Outbox(tmp_path))
    found = again(people_store, weekly)
    assert found.ended_reason == EndedReason.FORGOTTEN
    assert not unsubscribe.may_come_back(found)
    assert unsubscribe.undo(people_store, now, weekly.token) is None
    assert not again(people_store, weekly).live


def test_undo_gives_way_to_a_new_sign_up(
    people_store, settings, renderer, now, previous_cut, weekly
):
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.PAGE)
    later = now + timedelta(days=2)
    new = subscribe(people_store, settings, renderer, later, previous_cut)
    assert new.id != weekly.id
    assert not unsubscribe.undo(people_store, later, weekly.token).live
    assert again(people_store, new).live


def test_what_the_admin_ended_stays_ended(people_store, now, weekly, tmp_path):
    forgetting.forget(people_store, now, "minh@example.vn", Outbox(tmp_path))
    assert unsubscribe.undo(people_store, now, weekly.token) is None
    assert not again(people_store, weekly).live


def test_an_unknown_link_acts_on_nobody(people_store, settings, now, weekly):
    for token in ("", "0" * 32, "%00", "é" * 32):
        assert unsubscribe.find(people_store, token) is None
        assert unsubscribe.unsubscribe(people_store, now, token, EndedReason.ONE_CLICK) is None
        assert unsubscribe.undo(people_store, now, token) is None
        assert unsubscribe.pause(people_store, now, token) is None
        assert unsubscribe.monthly_instead(people_store, settings, now, token) is None
    assert again(people_store, weekly) == weekly


def test_monthly_instead_if_the_digest_allows_it(people_store, settings, now, weekly, review):
    assert unsubscribe.may_be_monthly(settings, weekly)
    with people_store.write() as connection:
        connection.execute(t.subscription.update().values(next_cut_at=now, rule="weekly"))
    changed = unsubscribe.monthly_instead(people_store, settings, now, weekly.token)
    # With the old cut and its rule the newsletter sees a change; without them, a beginning.
    assert (changed.cadence, changed.next_cut_at, changed.rule) == ("monthly", now, "weekly")
    assert (changed.covered_to, changed.live) == (weekly.covered_to, True)
    assert not unsubscribe.may_be_monthly(settings, changed)
    assert not unsubscribe.may_be_monthly(settings, review)
    with pytest.raises(UsageError):
        unsubscribe.monthly_instead(people_store, settings, now, review.token)


def test_a_pause_lasts_thirty_days(people_store, now, weekly):
    paused = unsubscribe.pause(people_store, now, weekly.token)
    assert paused.paused_until == now + timedelta(days=30)
    assert history(people_store, weekly)[-1].what == "paused"


def test_what_has_ended_can_be_neither_paused_nor_changed(people_store, settings, now, weekly):
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.PAGE)
    assert unsubscribe.pause(people_store, now, weekly.token) is None
    assert unsubscribe.monthly_instead(people_store, settings, now, weekly.token) is None


def test_who_never_confirmed_can_say_no_and_nothing_else(people_store, settings, renderer, now):
    signup.sign_up(people_store, settings, renderer, now, form())
    asked = newest(people_store)
    assert unsubscribe.pause(people_store, now, asked.token) is None
    assert unsubscribe.monthly_instead(people_store, settings, now, asked.token) is None
    assert again(people_store, asked) == asked
    ended = unsubscribe.unsubscribe(people_store, now, asked.token, EndedReason.ONE_CLICK)
    assert not ended.live


@pytest.mark.both_engines
def test_coming_back_by_undo_and_by_sign_up_at_once_leaves_one(
    people_store, settings, renderer, now, previous_cut, weekly
):
    for day in range(2, 8):
        at = now + timedelta(days=day)
        unsubscribe.unsubscribe(people_store, at, weekly.token, EndedReason.ALL)
        with ThreadPoolExecutor(2) as pool:
            undone = pool.submit(unsubscribe.undo, people_store, at, weekly.token)
            signed = pool.submit(signup.sign_up, people_store, settings, renderer, at, form())
            undone.result(), signed.result()
        with people_store.read() as connection:
            of_person = subscriptions.of_person(connection, weekly.subscriber_id)
        [one] = [found for found in of_person if found.live]
        if one.id != weekly.id:  # the sign-up came first: clear the way for the next round
            unsubscribe.unsubscribe(people_store, at, one.token, EndedReason.PAGE)
            unsubscribe.undo(people_store, at, weekly.token)
