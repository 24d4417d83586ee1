"""People who are forgotten are gone from rows, from the bytes of the database and the outbox."""

from __future__ import annotations

import resource
import secrets
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text
from structlog.testing import capture_logs

from service.audience import forgetting, housekeeping, people, signup
from service.errors import StoreError
from service.mail.outbox import Outbox
from service.model import DeliveryState
from service.runtime import pipeline
from service.runtime.composition import open_service
from service.store import tables as t
from service.store.audience import subscribers, suppressions
from service.store.core import facts
from service.store.core.database import Store
from service.store.core.file_search import stands_in
from service.store.core.secure_delete import erase
from service.store.mailing import claims, deliveries, outcomes
from service.store.mailing.outcomes import DeliveryOutcome
from service.text import mailboxes
from tests.audience.acts import again, form, letters, newest, press, subscribe
from tests.audience.conftest import register
from tests.levels import some

ZONE = "Asia/Ho_Chi_Minh"

ADDRESS = "Minh.Nguyen+tin@example.vn"

OTHERS = some(400, 60)
"""So many that rows have moved from page to page."""


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


@pytest.fixture
def forget(people_store, outbox):
    def one(now, address="minh@example.vn"):
        return forgetting.forget(people_store, now, address, outbox)

    return one


def lived_with(store, settings, renderer, now, previous_cut, outbox):
    """Somebody who was mailed, answered for, suppressed and moved about among many others."""
    for number in range(OTHERS):
        typed = f"{secrets.token_hex(12)}{number}@example.vn"
        people.add(store, settings, now, typed, "tuan", previous_cut=previous_cut)
    signup.sign_up(store, settings, renderer, now, form(ADDRESS))
    with store.ledger() as connection:
        [claimed] = claims.claim(connection, "owner", now, 10).claimed
        claims.mark_sending(connection, "owner", now, {claimed.id: "relay"})
        answer = f"550 5.1.1 <{ADDRESS.upper()}>: user {ADDRESS.lower()} unknown"
        outcome = DeliveryOutcome(
            claimed.id, DeliveryState.REJECTED, "relay", answer, suppress=True
        )
        assert outcomes.settle(connection, "owner", now, [outcome]) == {claimed.id}
        outbox.put(claimed.message_id.partition("@")[0], f"To: {ADDRESS}\r\n\r\n".encode())
    assert press(store, settings, now, previous_cut).fresh
    with store.ledger() as connection:
        # What an older program left: rows that grew until their page was split.
        connection.execute(
            t.subscription.update().values(evidence=t.subscription.c.token + " " * 400)
        )
        connection.execute(t.subscription.update().values(evidence="paper, " + ADDRESS))
        mine = select(t.subscriber.c.id).where(t.subscriber.c.address == ADDRESS)
        others = t.subscription.c.subscriber_id.not_in(mine)
        connection.execute(t.subscription.update().where(others).values(evidence="paper"))


def files_with(folder, words):
    """The files in which one of the words stands, in whatever case."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(w.lower().encode() in path.read_bytes().lower() for w in words)
    )


@pytest.mark.large
@pytest.mark.sampled
def test_no_byte_of_the_address_is_left_under_the_folder(
    tmp_path, sqlite_url, settings, renderer, now, previous_cut, outbox, request
):
    store = Store(sqlite_url)
    request.addfinalizer(store.close)
    register(store, settings)
    lived_with(store, settings, renderer, now, previous_cut, outbox)
    words = [ADDRESS, ADDRESS.partition("@")[0]]
    before = files_with(tmp_path, words)
    assert any(name.startswith("bantin.db") for name in before)
    assert any(name.startswith("outbox/") for name in before)
    done = forgetting.forget(store, now + timedelta(days=1), ADDRESS.swapcase(), outbox)
    assert done == forgetting.Forgotten(known=True, erased=True)
    assert files_with(tmp_path, words) == []


def test_an_address_that_ends_alike_stays_and_is_no_reason_to_say_busy(
    tmp_path, sqlite_url, settings, now, previous_cut, outbox, request
):
    store = Store(sqlite_url)
    request.addfinalizer(store.close)
    register(store, settings)
    short, long = "an@example.vn", "lan@example.vn"
    for one in (short, long):
        people.add(store, settings, now, one, "tuan", previous_cut=previous_cut)
    done = forgetting.forget(store, now, short, outbox)
    assert done == forgetting.Forgotten(known=True, erased=True)
    assert noted(store) is None, "nothing is left to the night's job"
    with store.ledger() as connection:  # the log is carried over
        facts.put(connection, "x", "y")
    found = b"".join(path.read_bytes() for path in tmp_path.rglob("bantin.db*")).lower()
    assert found.count(long.encode()) == found.count(short.encode()) > 0


def left_in_freed_pages(store, settings, now):
    """Somebody is known whose address stands in pages that an older program freed as they were."""
    register(store, settings)
    with store.ledger() as connection:
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        connection.execute(insert(t.fact).values(name="note", value=f"{ADDRESS} " * 2000))
    with store.ledger() as connection:
        connection.execute(t.fact.delete().where(t.fact.c.name == "note"))
        key = mailboxes.key(facts.secret(connection), ADDRESS)
        box = mailboxes.mailbox_key(facts.secret(connection), ADDRESS)
        subscribers.put(connection, key, box, ADDRESS, now)


def test_what_an_older_program_left_in_freed_pages_goes_as_well(
    tmp_path, sqlite_url, settings, now, outbox, request
):
    """Once written, never shown again, and in no row any more: only the file still had it."""
    store = Store(sqlite_url)
    request.addfinalizer(store.close)
    left_in_freed_pages(store, settings, now)
    assert files_with(tmp_path, [ADDRESS])
    assert forgetting.forget(store, now, ADDRESS, outbox).erased
    assert files_with(tmp_path, [ADDRESS]) == []


def test_asked_on_a_page_the_file_is_written_anew_by_a_job_which_knows_no_address(
    tmp_path, sqlite_url, settings, now, outbox, request
):
    store = Store(sqlite_url)
    request.addfinalizer(store.close)
    left_in_freed_pages(store, settings, now)
    tonight = now.replace(hour=18) + timedelta(minutes=30)  # 01:30 in Viet Nam
    assert forgetting.erase_freed_pages(store, tonight, ZONE)  # nobody was forgotten
    assert files_with(tmp_path, [ADDRESS])
    assert forgetting.take_out(store, now, ADDRESS, outbox).known
    with store.read() as connection:
        assert connection.scalar(select(t.subscriber.c.address)) is None
    assert files_with(tmp_path, [ADDRESS]), "the request has not searched it"
    assert noted(store) is not None
    assert forgetting.erase_freed_pages(store, now + timedelta(hours=1), ZONE)
    assert files_with(tmp_path, [ADDRESS]), "by day all that writes would wait"
    assert forgetting.erase_freed_pages(store, tonight, ZONE)
    assert files_with(tmp_path, [ADDRESS]) == []
    assert noted(store) is None


def noted(store):
    """What says that freed pages may still tell who was forgotten."""
    with store.read() as connection:
        return facts.get(connection, facts.FREED_PAGES)


def test_once_a_night_and_by_day_only_what_nobody_came_for_at_night(
    store, settings, now, previous_cut, outbox
):
    register(store, settings)
    night = now.replace(hour=18)  # 01:00 in Viet Nam

    def forgotten(at, name):
        people.add(store, settings, at, name, "tuan", previous_cut=previous_cut)
        assert forgetting.take_out(store, at, name, outbox).noted is not None

    def is_left(at):
        assert forgetting.erase_freed_pages(store, at, ZONE)
        return noted(store) is not None

    forgotten(now, "a@example.vn")
    assert not is_left(night)
    forgotten(night + timedelta(minutes=30), "b@example.vn")
    assert is_left(night + timedelta(hours=1)), "a second time in one night"
    assert is_left(night + timedelta(hours=14)), "by day"
    assert not is_left(night + timedelta(hours=24))
    forgotten(now + timedelta(days=5), "c@example.vn")
    assert is_left(now + timedelta(days=5, hours=23))
    assert not is_left(now + timedelta(days=6)), "nothing runs there at night"


def test_who_was_forgotten_before_is_left_to_the_job_by_who_is_forgotten_now(
    store, settings, now, previous_cut, outbox
):
    """The command searches for one address alone."""
    register(store, settings)
    for name in (ADDRESS, "lan@example.vn", "an@example.vn"):
        people.add(store, settings, now, name, "tuan", previous_cut=previous_cut)
    assert forgetting.forget(store, now, ADDRESS, outbox).erased
    assert noted(store) is None
    forgetting.take_out(store, now, "lan@example.vn", outbox)
    assert forgetting.forget(store, now, "an@example.vn", outbox).erased
    assert noted(store) is not None


def test_a_search_that_fails_has_found_nothing_and_says_why(store, tmp_path):
    """Python makes exit 1 of any error of the child."""
    with pytest.raises(
        StoreError, match=r"bantin\.db cannot be searched: .*surrogates not allowed"
    ):
        erase(store, ["\udcff"])
    with pytest.raises(OSError, match="Is a directory"):
        stands_in(tmp_path, ["x"])


@contextmanager
def no_larger_than(size):
    """A disk without room: no file of this process grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


TOML = """
[site]
title = "Tin"
timezone = "Asia/Ho_Chi_Minh"
[source.a]
url = "https://a.vn/rss"
[topic.giao-duc]
any = ["giáo dục"]
[digest.tuan]
title = "Điểm tin tuần"
[mail]
from = "Tin <tin@example.vn>"
"""


@pytest.mark.parametrize("trouble", ["no room", "busy"])
async def test_a_file_that_cannot_be_written_anew_keeps_nothing_else_from_its_work(
    tmp_path, sqlite_url, now, outbox, request, trouble
):
    (tmp_path / "bantin.toml").write_text(TOML + f'[store]\nurl = "{sqlite_url}"\n', "utf-8")
    at = now.replace(hour=18)  # 01:00 in Viet Nam
    service = open_service(tmp_path / "bantin.toml", {}, lambda: at, retire=True)
    request.addfinalizer(service.close)
    store, week_ago = service.store, at - timedelta(days=8)
    forgotten = form(ADDRESS, cadence="weekly", topics=None)
    signup.sign_up(store, service.settings, service.renderer, week_ago, forgotten)
    forgetting.take_out(store, week_ago, ADDRESS, outbox)
    lapses = form("lan@example.vn", cadence="weekly", topics=None)
    signup.sign_up(store, service.settings, service.renderer, week_ago, lapses)
    with store.alone() as driver:
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        driver.execute("PRAGMA busy_timeout=10")
    with capture_logs() as logged, ExitStack() as stack:
        if trouble == "no room":
            stack.enter_context(no_larger_than(store.path.stat().st_size))
        else:
            reader = stack.enter_context(closing(sqlite3.connect(store.path)))
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM subscriber").fetchall()
            request.getfixturevalue("monkeypatch").setattr(
                "service.store.core.secure_delete.PATIENCE_S", 0.1
            )
        await pipeline.keep_house(service)
    said = [one["error"] for one in logged if "not written over" in one["event"]]
    assert said == ["it was busy"] if trouble == "busy" else "cannot be used" in said[0]
    assert noted(store) is not None
    assert newest(store).ended_reason == "not_confirmed"
    await pipeline.keep_house(service)
    assert noted(store) is not None, "once a night"


def test_beside_a_reader_the_log_waits_and_the_answer_says_so(
    tmp_path, sqlite_url, settings, renderer, now, previous_cut, outbox, monkeypatch, request
):
    store, service = Store(sqlite_url), Store(sqlite_url)
    request.addfinalizer(store.close)
    request.addfinalizer(service.close)
    register(store, settings)
    people.add(store, settings, now, ADDRESS, "tuan", previous_cut=previous_cut)
    monkeypatch.setattr("service.store.core.secure_delete.PATIENCE_S", 0.2)
    with service.read() as connection:
        connection.execute(text("SELECT * FROM subscriber")).all()
        assert forgetting.forget(store, now, ADDRESS, outbox) == forgetting.Forgotten(True, False)
    assert noted(store) is not None, "who does not say it again leaves it to the job"
    assert forgetting.forget(store, now, ADDRESS, outbox) == forgetting.Forgotten(False, True)
    assert files_with(tmp_path, [ADDRESS]) == []


def test_who_is_forgotten_leaves_the_running_service_its_log(
    sqlite_url, settings, now, previous_cut, outbox, request
):
    """A reader says "forget me" to the service, then an admin's command ends: SQLite deletes the
    log of a database which nobody seems to have open, and the service would write into nowhere."""
    store = Store(sqlite_url)
    request.addfinalizer(store.close)
    register(store, settings)
    people.add(store, settings, now, ADDRESS, "tuan", previous_cut=previous_cut)
    assert forgetting.forget(store, now, ADDRESS, outbox).erased
    Store(sqlite_url).close()
    assert a_command(store.path, "SELECT count(*) FROM subscription WHERE ended_at IS NULL") == 0
    people.add(store, settings, now, "lan@example.vn", "tuan", previous_cut=previous_cut)
    assert a_command(store.path, "SELECT count(*) FROM subscription WHERE ended_at IS NULL") == 1


def a_command(path, query):
    """What another process reads, which then closes the database."""
    program = (
        "import sqlite3, sys; opened = sqlite3.connect(sys.argv[1]); "
        "print(opened.execute(sys.argv[2]).fetchone()[0]); opened.close()"
    )
    command = [sys.executable, "-c", program, str(path), query]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.large
@pytest.mark.sampled
def test_rows_say_nothing_of_who_is_forgotten(
    people_store, settings, renderer, now, previous_cut, outbox, forget
):
    lived_with(people_store, settings, renderer, now, previous_cut, outbox)
    assert forget(now, ADDRESS) == forgetting.Forgotten(True, True)
    with people_store.read() as connection:
        secret = facts.known_secret(connection)
        key = mailboxes.key(secret, ADDRESS)
        assert suppressions.reason(connection, key) is not None, "it is not written to again"
        person = subscribers.by_key(connection, key)
        mine = t.subscription.c.subscriber_id == person.id
        told = [
            *connection.execute(select(t.subscriber).where(t.subscriber.c.id == person.id)),
            *connection.execute(select(t.subscription).where(mine)),
            *connection.execute(select(t.delivery).join(t.subscription).where(mine)),
            *connection.execute(select(t.attempt)),
            *connection.execute(select(t.suppression)),
            *connection.execute(select(t.subscription_event)),
        ]
        assert len(told) > 5
    assert not any("minh.nguyen" in str(row).lower() for row in told)
    assert "550 5.1.1 <[address]>: user [address] unknown" in str(told), "why it came back stays"
    assert outbox.listed() == []


def test_a_sign_up_that_lapsed_leaves_no_answer_behind(people_store, settings, renderer, now):
    signup.sign_up(people_store, settings, renderer, now, form(ADDRESS))
    with people_store.ledger() as connection:
        connection.execute(t.delivery.update().values(reply=f"450 4.2.1 <{ADDRESS}> busy"))
    assert housekeeping.run(people_store, now + timedelta(days=8)) == 1
    assert letters(people_store)[0].reply == "450 4.2.1 <[address]> busy"
    assert newest(people_store).address is None


def test_forgetting_leaves_the_key_alone(
    people_store, settings, renderer, now, previous_cut, forget
):
    found = subscribe(people_store, settings, renderer, now, previous_cut)
    later = now + timedelta(days=3)
    signup.sign_up(people_store, settings, renderer, later, form())  # a letter waits
    assert forget(later, "MINH@example.vn").known
    assert not forget(later).known
    assert not forget(later, "nobody@example.vn").known
    gone = again(people_store, found)
    assert (gone.address, gone.evidence, gone.ended_reason) == (None, None, "forgotten")
    with people_store.ledger() as connection:
        deliveries.expire(connection, later)  # the first confirmation is not worth sending now
        assert claims.claim(connection, "owner", later, 10).claimed == []
        states = connection.execute(select(t.delivery.c.state)).scalars().all()
        key = mailboxes.key(facts.secret(connection), "minh@example.vn")
        assert subscribers.by_key(connection, key).id == found.subscriber_id
        rows = [
            str(row)
            for table in (t.subscriber, t.subscription, t.subscription_event)
            for row in connection.execute(select(table))
        ]
    assert sorted(states) == ["expired", "suppressed"]
    assert not any("minh@example" in row.lower() for row in rows)


def test_who_was_forgotten_and_comes_back_is_the_same_person(
    people_store, settings, renderer, now, previous_cut, forget
):
    found = subscribe(people_store, settings, renderer, now, previous_cut)
    forget(now)
    back = subscribe(people_store, settings, renderer, now + timedelta(days=2), previous_cut)
    assert back.subscriber_id == found.subscriber_id, "so nothing is told twice"
    assert back.address == "minh@example.vn"
