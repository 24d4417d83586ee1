"""What a process has handed over lately, and remembers."""

from __future__ import annotations

from datetime import timedelta

from service.mail.handed_over import KEPT, Memory

SECOND = timedelta(seconds=1)


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
