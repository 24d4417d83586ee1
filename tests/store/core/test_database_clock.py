"""The database's clock: agreed on whatever this machine's own says, kept while nobody answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text

from service.config.schema import Settings
from service.runtime import machine_clock
from service.runtime.composition import now_of, open_service, system_clock
from service.store.core.database import Store
from service.store.core.database_clock import DRIFT, DatabaseClock

SECOND = timedelta(seconds=1)
NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


class Server:
    """A steady clock, and a database that is asked over a slow line."""

    def __init__(self) -> None:
        self.second = 1000.0
        self.ahead = timedelta()
        self.clock = DatabaseClock(lambda: self.second)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.second) + self.ahead

    def measured(self, there_s: float = 0.001, back_s: float = 0.001) -> None:
        def ask() -> datetime:
            self.second += there_s
            told = self.now
            self.second += back_s
            return told

        self.clock.measure(ask)

    def off_s(self) -> float:
        return (self.clock() - self.now).total_seconds()


def test_nobody_knows_it_before_it_was_asked():
    server = Server()
    assert not server.clock.is_known
    server.measured()
    assert server.clock.is_known
    assert server.off_s() == pytest.approx(0, abs=1e-6)


def test_it_goes_on_while_the_database_is_away():
    server = Server()
    server.measured()
    server.second += 3600
    assert server.off_s() == pytest.approx(0, abs=1e-6)


def test_of_a_round_trip_the_middle_is_taken_and_it_errs_by_half_of_it_at_most():
    server = Server()
    server.measured(0.3, 0.1)
    assert abs(server.off_s()) <= 0.2
    server.measured(0.004, 0.002)
    assert abs(server.off_s()) <= 0.003


def test_a_round_trip_that_took_long_does_not_spoil_what_is_known_better():
    server = Server()
    server.measured()
    server.second += 15
    server.measured(0.0, 2.0)
    assert server.off_s() == pytest.approx(0, abs=1e-6)


def test_a_steady_clock_that_runs_wrong_is_followed():
    server = Server()
    server.measured(0.0, 0.01)
    for _ in range(200):
        server.second += 15
        server.ahead += timedelta(seconds=15 * DRIFT / 2)
        server.measured(0.0, 0.01)
        assert abs(server.off_s()) < 0.02


@pytest.mark.parametrize("hours", [2, -2])
def test_a_database_whose_clock_is_set_is_believed_even_over_a_slow_line(hours):
    server = Server()
    server.measured()
    server.ahead += timedelta(hours=hours)
    server.measured(1.0, 3.0)
    assert abs(server.off_s()) <= 2


def told_by(store: Store) -> datetime:
    with store.read() as connection:
        told: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return told


@pytest.mark.postgres
@pytest.mark.parametrize("seconds", [31, -31])
def test_on_postgres_the_database_decides_and_a_wrong_machine_is_told(
    tmp_path, postgres_database, seconds
):
    config = tmp_path / "bantin.toml"
    config.write_text(f'[site]\ntitle = "Tin"\n[store]\nurl = "{postgres_database}"\n')
    with time_machine.travel(system_clock() + timedelta(seconds=seconds), tick=True):
        service = open_service(config, {})
        try:
            before = told_by(service.store)
            now = service.clock()
            assert before - SECOND <= now <= told_by(service.store) + SECOND
            service.store.measure_clock()
            now = now_of(service.settings)
            assert before - SECOND <= now <= told_by(service.store) + SECOND
            assert machine_clock.ahead_s(service) == pytest.approx(seconds, abs=1)
            [told] = machine_clock.troubles(service)
            assert told.key == ("clock_ahead" if seconds > 0 else "clock_behind")
            assert told.values["seconds"] in {30, 31, 32}
        finally:
            service.close()


@pytest.mark.postgres
def test_a_new_connection_asks_before_all_else(postgres_database):
    store = Store(postgres_database)
    try:
        clock = store.clock
        assert clock is not None
        assert not clock.is_known
        with store.read():
            assert clock.is_known
    finally:
        store.close()


def test_while_the_database_is_away_a_command_goes_by_its_own_clock():
    url = "postgresql://nobody@127.0.0.1:1/none"
    settings = Settings.model_validate({"site": {"title": "Tin"}, "store": {"url": url}})
    with time_machine.travel(NOON, tick=False):
        assert now_of(settings) == NOON


def test_on_sqlite_this_machine_decides(tmp_path):
    config = tmp_path / "bantin.toml"
    config.write_text('[site]\ntitle = "Tin"\n')
    service = open_service(config, {})
    try:
        assert service.store.clock is None
        service.store.measure_clock()
        with time_machine.travel(NOON, tick=False):
            assert service.clock() == now_of(service.settings) == NOON
        assert machine_clock.ahead_s(service) == 0
        assert machine_clock.troubles(service) == []
    finally:
        service.close()
