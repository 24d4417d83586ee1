"""Whoever left themselves is left alone by older lists, until they or an admin say again."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from service.audience import confirm, forgetting, lists, people, signup, unsubscribe
from service.audience.lists import Imported
from service.audience.people import Added
from service.errors import UsageError
from service.mail.outbox import Outbox
from service.model import EndedReason
from service.store import tables as t
from service.store.audience import subscriptions
from tests.audience.acts import again, form, newest, press, subscribe

MINH = "minh@example.vn"
DAY = timedelta(days=1)
LIST = "address,digest\nminh@example.vn,tuan\n"


@pytest.fixture
def left(people_store, settings, renderer, now, previous_cut):
    """Subscribe, and leave a day later in the way that is given. Returns the subscription."""

    def leave(how=EndedReason.PAGE):
        found = subscribe(people_store, settings, renderer, now - DAY, previous_cut)
        if how is EndedReason.UNDONE:
            confirm.take_back(people_store, now, found.token)
        else:
            unsubscribe.unsubscribe(people_store, now, found.token, how)
        return found

    return leave


@pytest.fixture
def run_import(people_store, settings, now, previous_cut):
    """Import ten days after the goodbye. Returns the counts and what was named."""

    def run(text=LIST, **options):
        faults = []
        done = lists.import_csv(
            people_store, settings, now + 10 * DAY, io.StringIO(text, newline=""), previous_cut,
            faults.append, **options,
        )  # fmt: skip
        return done, faults

    return run


@pytest.fixture
def add(people_store, settings, now, previous_cut):
    def one(**options):
        return people.add(
            people_store, settings, now + 10 * DAY, MINH, "tuan", previous_cut=previous_cut,
            **options,
        )  # fmt: skip

    return one


def live(store):
    with store.read() as connection:
        return {(one.address, one.digest): one.confirmed for one in subscriptions.live(connection)}


BY_THEMSELVES = [EndedReason.ONE_CLICK, EndedReason.PAGE, EndedReason.ALL, EndedReason.UNDONE]


@pytest.mark.parametrize("how", BY_THEMSELVES)
def test_an_older_list_brings_nobody_back(people_store, run_import, add, left, how):
    left(how)
    done, faults = run_import(LIST + "lan@example.vn,tuan\n")
    assert done == Imported(added=1, left_out=1)
    assert [(one.line, one.address, one.problem) for one in faults] == [
        (2, MINH, "unsubscribed on 2026-11-24, left out")
    ]
    with pytest.raises(UsageError, match=f"{MINH} unsubscribed on 2026-11-24.*--again"):
        add()
    assert live(people_store) == {("lan@example.vn", "tuan"): True}


def test_nor_whoever_was_forgotten(people_store, run_import, add, left, now, tmp_path):
    """Not even the address comes back into the store."""
    left(EndedReason.PAGE)
    subscriber = newest(people_store).subscriber_id
    with people_store.write() as connection:
        connection.execute(update(t.subscription).values(ended_at=None, ended_reason=None))
    forgetting.forget(people_store, now, MINH, Outbox(tmp_path))
    done, faults = run_import("address,digest\nminh@example.vn,tuan\nminh@example.vn,so-ket\n")
    assert done == Imported(left_out=2)
    assert {one.problem for one in faults} == {"was forgotten on 2026-11-24, left out"}
    with pytest.raises(UsageError, match="was forgotten on 2026-11-24"):
        add()
    assert newest(people_store).subscriber_id == subscriber
    assert newest(people_store).address is None


@pytest.mark.parametrize("way", ["list", "by hand"])
def test_an_admin_may_say_again(people_store, run_import, add, left, way):
    before = left()
    if way == "list":
        assert run_import(again=True) == (Imported(added=1), [])
    else:
        assert add(again=True) is Added.ADDED
    assert live(people_store) == {(MINH, "tuan"): True}
    assert not again(people_store, before).live, "the old one keeps its end"


@pytest.mark.parametrize(
    "reason", [EndedReason.NOT_CONFIRMED, EndedReason.DIGEST_REMOVED, EndedReason.ADMIN]
)
def test_what_ended_without_the_person_may_go_on(people_store, run_import, left, reason):
    left()
    with people_store.write() as connection:
        connection.execute(update(t.subscription).values(ended_reason=reason))
    assert run_import() == (Imported(added=1), [])


def test_a_goodbye_to_one_digest_is_none_to_another_but_that_to_all_is(
    people_store, run_import, left
):
    review = "address,digest\nminh@example.vn,so-ket\n"
    left(EndedReason.ALL)
    assert run_import(review)[0] == Imported(left_out=1)
    with people_store.write() as connection:
        connection.execute(update(t.subscription).values(ended_reason=EndedReason.PAGE))
    assert run_import(review)[0] == Imported(added=1)


def test_who_signs_up_again_is_back_and_that_yes_counts_from_then_on(
    people_store, settings, renderer, now, previous_cut, run_import, left
):
    left(EndedReason.ALL)
    signup.sign_up(people_store, settings, renderer, now + DAY, form())
    assert run_import()[0] == Imported(left_out=1), "anybody may have typed the address"
    assert live(people_store) == {(MINH, "tuan"): False}
    assert press(people_store, settings, now + DAY, previous_cut).fresh
    assert run_import() == (Imported(already=1), [])
    with people_store.write() as connection:
        mine = newest(people_store)
        connection.execute(
            update(t.subscription)
            .where(t.subscription.c.id == mine.id)
            .values(ended_at=now + 2 * DAY, ended_reason=EndedReason.DIGEST_REMOVED)
        )
    assert run_import() == (Imported(added=1), [])


def test_who_takes_the_goodbye_back_is_there(people_store, now, run_import, left):
    unsubscribe.undo(people_store, now + DAY, left().token)
    assert run_import() == (Imported(already=1), [])


@pytest.mark.parametrize(
    ("head", "when", "counts"),
    [
        ("email,subscribed_at", "2026-11-25T10:00:00Z", True),
        ("email,subscribed_at", "2026-11-26", True),
        ("Email Address,OPTIN_TIME", "2026-11-25 23:00:00", True),
        ("email,subscribed_at", "2026-11-24T08:01:00Z", True),
        ("email,subscribed_at", "2026-11-24T08:00:00Z", False),
        ("email,subscribed_at", "2026-11-24 21:59:00", False),  # 07:59 UTC where days begin first
        ("email,subscribed_at", "2026-11-24", False),
        ("email,subscribed_at", "2027-11-24T00:00:00Z", False),  # not yet
        ("email,subscribed_at", "last week", False),
        ("email,subscribed_at", "", False),
        ("email,created_at", "2026-11-25T10:00:00Z", False),  # when it came into that table
        ("Email Address,CONFIRM_TIME", "2026-11-25 23:00:00", False),  # or into Mailchimp
    ],
)
def test_a_line_that_says_when_they_subscribed_is_a_sign_up_of_its_own(
    people_store, run_import, left, head, when, counts
):
    """The goodbye was on 24 November at 08:00 UTC."""
    left()
    done, faults = run_import(f"{head}\n{MINH},{when}\n", digest="tuan")
    assert done == (Imported(added=1) if counts else Imported(left_out=1))
    assert len(faults) == done.left_out


def test_who_is_left_out_costs_no_statement_of_their_own(people_store, now, run_import):
    asked = []

    @event.listens_for(people_store.engine, "before_cursor_execute")
    def _see(_connection, _cursor, statement, _parameters, _context, _many):
        asked.append(statement)

    def cost(first, number):
        text = "address,digest\n" + "".join(f"a{first + n}@a.vn,tuan\n" for n in range(number))
        assert run_import(text)[0].added == number
        with people_store.write() as connection:
            connection.execute(
                update(t.subscription).values(ended_at=now, ended_reason=EndedReason.ONE_CLICK)
            )
        asked.clear()
        assert run_import(text)[0] == Imported(left_out=number)
        return len(asked)

    one_batch = cost(0, 1000)
    assert one_batch < 30
    assert cost(10_000, 2000) <= 2 * one_batch + 2
