"""Who needs another cut is found without going through all readers at each tick."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from service.audience.lists import _BATCH
from service.audience.preferences import Preferences, save
from service.config.schema import Settings
from service.newsletter.cut_check import EVERY, CutCheck
from service.newsletter.scheduling import reschedule
from service.store import tables as t
from service.store.sources import registry
from tests.builders import add_subscription
from tests.newsletter.newsroom import DAY, configuration

ZONE = "Asia/Ho_Chi_Minh"


@pytest.fixture
def settings():
    offered = {"cadence": "weekly", "cadences": ["daily", "weekly"]}
    return Settings.model_validate(configuration({"tuan": offered}))


@pytest.fixture
def readers(any_store, settings, now):
    """Two, who wait for their weekly cut."""
    with any_store.write() as connection:
        registry.register(connection, settings, now, retire=True)
        digest = connection.scalar(select(t.digest.c.id))
        return [
            add_subscription(connection, digest=digest, starts_at=now - DAY, address=f"{one}@a.vn")
            for one in "ab"
        ]


def _rules(store):
    with store.read() as connection:
        rows = connection.execute(select(t.subscription.c.id, t.subscription.c.rule))
        return {row.id: (row.rule or "").partition("|")[0] for row in rows}


def test_who_chooses_another_rhythm_is_found_at_the_next_tick(any_store, settings, readers, now):
    check = CutCheck()
    assert reschedule(any_store, settings, ZONE, now, check=check) == 2
    with any_store.read() as connection:
        token = connection.scalar(
            select(t.subscription.c.token).where(t.subscription.c.id == readers[0])
        )
    save(any_store, settings, now, token, {"tuan": Preferences("daily", None, None, None)})
    assert reschedule(any_store, settings, ZONE, now, check=check) == 1
    assert _rules(any_store) == {readers[0]: "daily", readers[1]: "weekly"}


@pytest.mark.both_engines
def test_all_get_their_cut_however_few_are_read_at_once(any_store, settings, readers, now):
    with any_store.write() as connection:
        digest = connection.scalar(select(t.digest.c.id))
        for number, cadence in enumerate(("daily", "weekly", "daily", "weekly", "daily")):
            add_subscription(
                connection, digest=digest, starts_at=now - DAY, address=f"{number}@b.vn",
                cadence=cadence,
            )  # fmt: skip
    assert reschedule(any_store, settings, ZONE, now, lot=2) == 7
    assert sorted(_rules(any_store).values()) == ["daily"] * 3 + ["weekly"] * 4
    assert reschedule(any_store, settings, ZONE, now, lot=2) == 0


def test_nobody_else_is_looked_at_until_an_hour_is_over(any_store, settings, readers, now):
    """Their rows are made wrong without a line of history, which nothing of ours does."""
    check = CutCheck()
    reschedule(any_store, settings, ZONE, now, check=check)
    with any_store.write() as connection:
        connection.execute(update(t.subscription).values(rule="x|||UTC"))
    soon = now + EVERY / 2
    assert reschedule(any_store, settings, ZONE, soon, check=check) == 0
    assert reschedule(any_store, settings, ZONE, soon, "tuan", check=check) == 2, "asked by hand"
    with any_store.write() as connection:
        connection.execute(update(t.subscription).values(rule="x|||UTC"))
    assert reschedule(any_store, settings, ZONE, now + EVERY, check=check) == 2


def test_a_line_that_several_imports_after_it_overtook_is_not_missed(
    any_store, settings, readers, now
):
    """Numbers are taken before the commit: three batches of others may be seen before this one."""
    check = CutCheck()
    reschedule(any_store, settings, ZONE, now, check=check)
    line = {"happened_at": now, "what": "imported", "detail": {}}
    with any_store.write() as connection:
        last = {**line, "id": 50_000, "subscription_id": readers[0]}
        connection.execute(insert(t.subscription_event).values(**last))
    assert reschedule(any_store, settings, ZONE, now, check=check) == 0
    with any_store.write() as connection:
        late = {**line, "id": 50_000 - 3 * _BATCH, "subscription_id": readers[1]}
        connection.execute(insert(t.subscription_event).values(**late))
        connection.execute(
            update(t.subscription).where(t.subscription.c.id == readers[1]).values(rule="x|||UTC")
        )
    assert reschedule(any_store, settings, ZONE, now, check=check) == 1
    assert _rules(any_store)[readers[1]] == "weekly"


@pytest.mark.parametrize("back", [timedelta(), timedelta(minutes=5)])
def test_another_configuration_or_a_clock_set_back_is_looked_at_whole(
    any_store, settings, readers, now, back
):
    check = CutCheck()
    reschedule(any_store, settings, ZONE, now, check=check)
    with any_store.write() as connection:
        connection.execute(update(t.subscription).values(rule="x|||UTC"))
    other = settings if back else settings.model_copy()
    assert reschedule(any_store, other, ZONE, now - back, check=check) == len(readers)
