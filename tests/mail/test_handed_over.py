"""How long mail waits after another database server has become the primary."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from service.mail.handed_over import KEPT, Memory, settled
from service.store.core import facts, failover
from service.store.core.database import Store
from service.store.core.failover import PAUSE
from tests.mail.test_drain import Clock

SECOND = timedelta(seconds=1)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("later", "goes_on"),
    [
        (timedelta(), False),
        (-SECOND, False),  # another machine's clock, a little behind
        (PAUSE - SECOND, False),
        (PAUSE, True),
        (-PAUSE - SECOND, True),  # the one who noticed had a clock that was ahead
    ],
)
def test_mail_waits_for_the_pause_by_whatever_clock(postgres_database, now, later, goes_on):
    with closing(Store(postgres_database)) as store:
        with store.ledger() as connection:
            timeline = failover.timeline(connection)
            facts.put(connection, facts.TIMELINE, f"{timeline} {now.isoformat()}")
        assert settled(store, Memory(), "a", Clock(now + later), again=False) is goes_on
        assert settled(store, Memory(), "b", Clock(now), again=False) is goes_on


def test_what_is_under_way_is_remembered_as_long_as_it_is(now):
    memory = Memory()
    for name in ("slow", "taken", "lost", "refused"):
        memory.begun(name, 0, "chinh", now)
    memory.ended("taken", "250 2.0.0 taken", now)
    memory.ended("lost", None, now)
    memory.refused("refused")
    known = {one.message_id: one.answer for one in memory.known()}
    assert known == {"slow": None, "taken": "250 2.0.0 taken", "lost": None}
    memory.begun("next", 0, "chinh", now + KEPT)
    assert [one.message_id for one in memory.known()] == ["slow", "next"]
    memory.ended("slow", "250 2.0.0 taken", now + KEPT)
    memory.begun("another", 0, "chinh", now + KEPT + SECOND)
    assert "slow" in {one.message_id for one in memory.known()}
