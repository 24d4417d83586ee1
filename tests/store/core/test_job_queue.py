"""The tables of procrastinate are brought up beside processes of an earlier version."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import text

from service.errors import StoreBusyError
from service.store.core import facts, job_queue, processes
from service.store.core.database import Store
from service.store.core.job_queue import bring_up
from service.store.core.kicks import Kick, kick
from service.store.core.processes import ServiceProcess

pytestmark = pytest.mark.postgres

BEFORE = "03.03.00_01_pre_priority_lock_fetch_job"
NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
OLD = ServiceProcess("one", "vm", "mail", "mail", 1, "0.2.0", started_at=NOW, seen_at=NOW)

IS_COMPLETE = """
    SELECT position('retried' IN pg_get_functiondef(oid)) > 0 FROM pg_proc
    WHERE proname = 'procrastinate_trigger_function_status_events_update_v1'
"""
"""Whether the last "post" step of procrastinate 3.4 was taken."""


@pytest.fixture
def earlier(postgres_database):
    """A store whose queue is that of procrastinate 3.3."""
    scripts = Path(str(resources.files("procrastinate.sql"))) / "migrations"
    store = Store(postgres_database)
    for script in sorted(scripts.glob("*.sql")):
        if script.stem <= BEFORE:
            with store.write() as connection:
                connection.connection.driver_connection.execute(script.read_text("utf-8"))
    with store.write() as connection:
        facts.put(connection, facts.ENGINE_SCHEMA, BEFORE)
    yield store
    store.close()


def known(store: Store) -> tuple[str | None, bool]:
    with store.read() as connection:
        complete = connection.execute(text(IS_COMPLETE)).scalar_one()
        return facts.get(connection, facts.ENGINE_SCHEMA), complete


def test_what_an_earlier_version_still_calls_is_taken_away_after_it_has_ended(earlier):
    with earlier.write() as connection:
        processes.show(connection, OLD)
    for _ in range(2):
        bring_up(earlier, "0.3.0")
        assert known(earlier) == ("03.04.00_01_pre_add_retry_failed_job_procedure", False)
    with earlier.write() as connection:
        processes.ended(connection, OLD.id)
    bring_up(earlier, "0.3.0")
    assert known(earlier) == ("03.04.00_50_post_add_retry_failed_job_procedure", True)


def test_all_is_applied_where_every_process_has_this_version(earlier):
    with earlier.write() as connection:
        processes.show(connection, OLD)
    bring_up(earlier, OLD.version)
    assert known(earlier) == ("03.04.00_50_post_add_retry_failed_job_procedure", True)


def test_steps_of_versions_before_the_last_are_not_left_out():
    names = ["3.0_50_post_a", "3.1_01_pre_b", "3.1_50_post_b", "3.2_01_pre_c", "3.2_50_post_c"]
    left = job_queue._without_last_posts([Path(f"{name}.sql") for name in names])
    assert [path.stem for path in left] == names[:4]
    assert job_queue._without_last_posts([Path("3.2_50_post_c.sql")]) == []


def test_nobody_waits_behind_a_step_for_long(earlier):
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with earlier.write() as connection:
            connection.execute(text("LOCK procrastinate_jobs IN ACCESS SHARE MODE"))
            held.set()
            over.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(30)
    try:
        with pytest.raises(StoreBusyError, match=r"03\.04\.00_50_post"):
            bring_up(earlier, "0.3.0", table_wait_ms=200)
        assert known(earlier) == ("03.04.00_01_pre_add_retry_failed_job_procedure", False)
    finally:
        over.set()
        other.join()
    bring_up(earlier, "0.3.0")
    assert known(earlier)[1]


def test_a_process_that_was_there_before_the_queue_kicks_the_others_through_it(postgres_database):
    store = Store(postgres_database)
    now = datetime.now(UTC)
    with store.write() as connection:
        processes.show(connection, replace(OLD, seen_at=now))
        kick(connection, Kick.MAIL)  # as the first start does when it stores its sources
    bring_up(store, OLD.version)
    with store.write() as connection:
        kick(connection, Kick.MAIL)
    with store.read() as connection:
        jobs = connection.execute(text("SELECT task_name FROM procrastinate_jobs")).scalars().all()
    store.close()
    assert jobs == ["mail"]
