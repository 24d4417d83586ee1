"""What an admin does by hand: add, import, export, forget."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.audience import people, signup
from service.audience.people import Added
from service.errors import UsageError
from service.store.audience import suppressions
from service.store.core import facts
from service.text import mailboxes
from tests.audience.acts import again, form, history, letters, newest


@pytest.fixture
def add(people_store, settings, now, previous_cut):
    def one(typed="lan@example.vn", digest="tuan", **values):
        return people.add(
            people_store, settings, now, typed, digest, previous_cut=previous_cut, **values
        )

    return one


def test_who_is_added_is_active_at_once_and_gets_no_mail(people_store, add, now):
    done = add(
        "Lan@Example.vn", cadence="daily", topics=["y-te"], hour="18:30",
        zone="Europe/Berlin", language="en", evidence="paper form 12",
    )  # fmt: skip
    assert done is Added.ADDED
    found = newest(people_store)
    assert (found.address, found.cadence, found.topics) == ("Lan@example.vn", "daily", ("y-te",))
    assert (found.hour, found.zone, found.language) == ("18:30", "Europe/Berlin", "en")
    assert (found.starts_at, found.covered_to) == (now, now)
    assert (found.evidence, found.welcome_due) == ("paper form 12", False)
    assert letters(people_store) == []
    assert history(people_store, found)[-1].what == "added"


def test_defaults_are_the_digests_own(people_store, add):
    add()
    found = newest(people_store)
    assert (found.cadence, found.topics, found.hour, found.zone) == ("weekly", None, None, None)


def test_whoever_is_active_stays_as_they_are(people_store, add):
    add(cadence="daily")
    assert add(cadence="monthly") is Added.ALREADY
    assert newest(people_store).cadence == "daily"


def test_an_unconfirmed_sign_up_becomes_active(people_store, settings, renderer, now, add):
    signup.sign_up(people_store, settings, renderer, now, form("lan@example.vn"))
    before = newest(people_store)
    assert add(cadence="daily") is Added.ADDED
    found = again(people_store, before)
    assert (found.confirmed, found.cadence) == (True, "daily")


def test_a_review_begins_at_its_last_cut(people_store, add):
    add(digest="so-ket")
    assert newest(people_store).starts_at == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"digest": "khac"}, "tuan"),
        ({"typed": "lan"}, "@"),
        ({"cadence": "hourly"}, "weekly"),
        ({"topics": ["x"]}, "giao-duc"),
        ({"hour": "7h"}, "07:00"),
        ({"zone": "Hà Nội"}, "Asia/Ho_Chi_Minh"),
        ({"language": "tiếng Việt"}, "vi"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(add, values, says):
    with pytest.raises(UsageError, match=says):
        add(**values)


def test_a_suppressed_address_is_refused_with_its_reason(people_store, now, add):
    with people_store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "lan@example.vn")
        suppressions.add(connection, key, "complaint", now, "a report")
    with pytest.raises(UsageError, match="complaint"):
        add()
