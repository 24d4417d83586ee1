"""`bantin deliveries`: what is uncertain is listed and settled by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from service.store import tables as t
from service.store.core.database import Store
from tests.cli.conftest import command, rss


@pytest.fixture(scope="module")
def made(once):
    def make(web):
        command("collect")
        for address in ("lan@example.vn", "minh@example.vn"):
            command("subscribers", "add", address, "--digest", "ngay")
        web.pages["/a.xml"] = rss("Tin cũ", "Cầu mới")
        command("collect", "bao-a")
        command("digest", "send", "ngay", "--at", "2099-01-01")

    return once(make)


@pytest.fixture
def uncertain(made, site, web):
    """Two mails were handed over, and the answer to each was lost. Their keys."""
    made.copy(site, web)
    store = Store(f"sqlite:///{site}/var/bantin.db")
    with store.write() as connection:
        connection.execute(update(t.delivery).values(state="uncertain", settled_at=None))
        ids = connection.execute(select(t.delivery.c.message_id).order_by(t.delivery.c.id))
        keys = [message_id.partition("@")[0] for message_id in ids.scalars()]
    store.close()
    return keys


def test_what_is_held_is_listed(ask, run, uncertain):
    told = ask("deliveries", "list")
    assert [one["key"] for one in told] == uncertain
    assert {one["address"] for one in told} == {"lan@example.vn", "minh@example.vn"}
    assert uncertain[0] in run("deliveries", "list").stdout


def test_what_will_be_sent_again_by_itself_says_when(ask, run, uncertain, site):
    store = Store(f"sqlite:///{site}/var/bantin.db")
    later = datetime(2030, 1, 1, tzinfo=UTC)
    with store.write() as connection:
        one = select(t.delivery.c.id).order_by(t.delivery.c.id).limit(1).scalar_subquery()
        connection.execute(update(t.delivery).where(t.delivery.c.id == one).values(resend_at=later))
    store.close()
    told = ask("deliveries", "list")
    assert [one["next_try_at"] for one in told] == [later.isoformat(), None]
    assert ask("deliveries", "drop", told[0]["key"])["dropped"] == [told[0]["key"]]


def test_deferred_and_rejected_ones_are_listed_with_address_answer_and_next_try(
    ask, run, uncertain, site
):
    store = Store(f"sqlite:///{site}/var/bantin.db")
    later = datetime(2030, 1, 1, tzinfo=UTC)
    with store.write() as connection:
        ids = list(connection.execute(select(t.delivery.c.id).order_by(t.delivery.c.id)).scalars())
        for row, values in zip(
            ids,
            (
                {"state": "deferred", "reply": "450 4.1.2 later", "next_try_at": later},
                {"state": "rejected", "reply": "550 5.1.1 nobody", "settled_at": later},
            ),
            strict=True,
        ):
            connection.execute(update(t.delivery).where(t.delivery.c.id == row).values(**values))
    store.close()
    deferred, rejected = ask("deliveries", "list")
    assert (deferred["state"], deferred["reply"]) == ("deferred", "450 4.1.2 later")
    assert deferred["next_try_at"] == later.isoformat()
    assert (rejected["state"], rejected["reply"]) == ("rejected", "550 5.1.1 nobody")
    assert rejected["next_try_at"] is None
    assert ask("deliveries", "list", "--state", "rejected") == [rejected]
    heads, first, _ = run("deliveries", "list").stdout.splitlines()
    assert heads.split("\t")[:4] == ["state", "address", "last said", "next try"]
    assert first.split("\t")[:4] == [
        "deferred", deferred["address"], "450 4.1.2 later", "2030-01-01 07:00",
    ]  # fmt: skip
    assert ask("deliveries", "drop", "--all")["dropped"] == [], "only uncertain ones are settled"


def test_one_is_planned_again_and_one_dropped(ask, run, uncertain):
    first, second = uncertain
    assert ask("deliveries", "resend", first)["resent"] == [first]
    assert ask("deliveries", "drop", "--all") == {
        "dropped": [second], "not_held": [], "unknown": [],
    }  # fmt: skip
    assert ask("status")["deliveries"] == {"planned": 1, "dropped": 1}
    assert ask("deliveries", "list") == []


def test_what_did_not_arrive_is_dropped_untold_and_its_stories_are_told_again(ask, site, uncertain):
    first, second = uncertain
    assert ask("deliveries", "drop", first, "--untold")["dropped"] == [first]
    assert ask("deliveries", "drop", second)["dropped"] == [second]
    store = Store(f"sqlite:///{site}/var/bantin.db")
    with store.read() as connection:
        told = connection.execute(
            select(t.delivery.c.message_id)
            .join(t.told, t.told.c.delivery_id == t.delivery.c.id)
            .distinct()
        )
        keys = {message_id.partition("@")[0] for message_id in told.scalars()}
        windows = connection.execute(
            select(t.subscriber.c.address, t.subscription.c.covered_to, t.subscription.c.starts_at)
            .join(t.subscription, t.subscription.c.subscriber_id == t.subscriber.c.id)
        ).all()  # fmt: skip
    store.close()
    assert keys == {second}
    reached = {one.address: one.covered_to - one.starts_at for one in windows}
    assert not reached["lan@example.vn"]  # as far back as its window began
    assert reached["minh@example.vn"]


def test_status_says_so_until_the_last_is_settled(ask, run, uncertain):
    def told():
        return [one for one in ask("status")["troubles"] if one["kind"] == "uncertain"]

    [one] = told()
    assert (one["n"], one["stops"]) == (2, False)
    assert one["editions"].startswith("ngay 2")
    run("deliveries", "drop", uncertain[0])
    assert [one["n"] for one in told()] == [1]
    run("deliveries", "drop", "--all", "--untold")
    assert told() == []


def test_a_key_that_does_not_wait_is_a_failed_job_and_stops_no_other(ask, run, uncertain):
    first, second = uncertain
    run("deliveries", "drop", first)
    told = ask("deliveries", "resend", first, second, "khong", code=1)
    assert told == {"resent": [second], "not_held": [first], "unknown": ["khong"]}


def test_neither_keys_nor_all_is_wrong_use(run, uncertain):
    run("deliveries", "drop", code=2)
    run("deliveries", "drop", "--all", uncertain[0], code=2)
