"""A person's pause: it binds everybody, ends at its hour, and no reload forgets it."""

from __future__ import annotations

from datetime import timedelta

from service.config.schema import Settings, Source
from service.store import status_counts
from service.store.sources import pauses, polling_queue, registry


def test_a_pause_binds_every_process_until_its_hour(any_store, now):
    settings = Settings(source={name: Source(url=f"https://{name}.vn/rss") for name in "abc"})
    later = now + timedelta(days=7)

    def due(at):
        with any_store.read() as connection:
            return sorted(one.name for one in polling_queue.due(connection, at))

    with any_store.write() as connection:
        registry.register(connection, settings, now, retire=True)
        seen_before = polling_queue.due(connection, now)
        pauses.pause(connection, ["a"], now, None)
        pauses.pause(connection, ["b", "khong"], now, later)
    with any_store.write() as connection:  # a pass that had listed them before the pause
        lease = now + timedelta(minutes=5)
        claimed = polling_queue.claim(connection, seen_before, "one", now, lease)
        assert [one.name for one in claimed] == ["c"]
        polling_queue.LEASE.release(connection, "one", [one.id for one in claimed])
        registry.register(connection, settings, later, retire=True)  # a restart, a reload
    assert due(now) == due(later - timedelta(seconds=1)) == ["c"]
    assert due(later) == ["b", "c"]
    with any_store.write() as connection:
        paused = {one.name: one.is_paused(now) for one in status_counts.sources(connection)}
        assert paused == {"a": True, "b": True, "c": False}
        pauses.resume(connection, ["a", "b", "c"])
    assert due(now) == ["a", "b", "c"]
