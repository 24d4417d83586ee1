"""What many tests need: a clock that stands still, an empty store on each database, the corpus."""

from __future__ import annotations

import faulthandler
import fcntl
import gc
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests import levels
from tests.databases import (
    HOW_TO_GET_POSTGRES,
    POSTGRES,
    EmptiedPostgres,
    on_server,
    postgres_url,
)
from tests.running import unused_port

for name in [name for name in os.environ if name.startswith("BANTIN_") and "TEST" not in name]:
    del os.environ[name]  # a developer's own settings must not leak into the tests

# A busy machine is not a failing test; what CI tries is the same each time, a developer's runs
# search.
settings.register_profile(
    "bantin", deadline=None, derandomize=bool(os.environ.get("CI")), max_examples=levels.EXAMPLES
)
settings.load_profile("bantin")

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


IN_MEMORY = Path("/dev/shm")


TOO_LONG_S = 900
"""The longest test takes a minute: one that never ends is told, and ends its worker."""

_STDERR = os.dup(2)
"""As it is before pytest takes it for what tests say."""


class Watch:
    """Looks after tests that never end. Set anew with each test it would cost more than most."""

    def __init__(self) -> None:
        self._set_at = float("-inf")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        now = time.monotonic()
        if now - self._set_at > TOO_LONG_S / 10:
            faulthandler.dump_traceback_later(TOO_LONG_S, exit=True, file=_STDERR)
            self._set_at = now

    def pytest_exception_interact(self) -> None:
        self._set_at = float("-inf")  # pytest itself has ended the watch

    def pytest_sessionfinish(self) -> None:
        faulthandler.cancel_dump_traceback_later()


@cache
def _plain() -> list[Any]:
    """Without rich, which takes a second for the traceback of one error."""
    render = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return [*structlog.get_config()["processors"][:-1], render]


def _log_plainly() -> None:
    structlog.reset_defaults()
    structlog.configure(processors=[*_plain()])


def pytest_configure(config: pytest.Config) -> None:
    """Put the files of tests into memory where there is room: no commit waits for a disk."""
    gc.disable()  # what is collected lasts
    _log_plainly()
    config.pluginmanager.register(Watch())
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > 2 * 1024**3:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `make soak` tries, mark what an edit waits for, put them in order."""
    left_out = set(levels.left_to_soak(items))
    for item in left_out:
        item.add_marker(pytest.mark.sampled)
    if left_out and not levels.WHOLE:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if levels.is_quick(item):
            item.add_marker(pytest.mark.quick)
    items[:] = levels.ordered(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, not each time among the tests themselves."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def unused_tcp_port() -> int:
    """Instead of pytest-asyncio's, which an outgoing connection may be given meanwhile."""
    return unused_port()


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """A command that sets up the log of its process must not do so for the tests after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    _log_plainly()


@pytest.fixture(scope="session")
def now() -> datetime:
    """Tuesday 24 November 2026, 08:00 UTC = 15:00 in Viet Nam."""
    return datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def corpus() -> Path:
    """The folder of real feeds, pages and mails that is not part of this project."""
    if not CORPUS.is_dir():
        pytest.skip(f"the corpus is not here ({CORPUS}); it is not shipped with the project")
    return CORPUS


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database to copy: migrating once is enough for all workers of a run."""
    of_all = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        of_all = of_all.parent
    path = of_all / "pattern.db"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            draft = of_all / "draft.db"
            store = Store(f"sqlite:///{draft}")
            migrate(store)
            with store.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            store.close()
            draft.rename(path)
    return path


@pytest.fixture(scope="session")
def _postgres_pattern() -> Iterator[str]:
    """The name of a migrated, empty database to clone."""
    if not POSTGRES:
        pytest.skip(HOW_TO_GET_POSTGRES)
    name = f"bantin_pattern_{uuid.uuid4().hex[:12]}"
    on_server(f"CREATE DATABASE {name}")
    store = Store(postgres_url(name))
    migrate(store)
    store.close()
    yield name
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_pattern: Path) -> str:
    """The address of an empty, migrated SQLite database of this test's own."""
    path = tmp_path / "bantin.db"
    path.write_bytes(sqlite_pattern.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_database(_postgres_pattern: str) -> Iterator[str]:
    """The address of an empty, migrated PostgreSQL database of this test's own."""
    name = f"bantin_test_{uuid.uuid4().hex[:12]}"
    on_server(f"CREATE DATABASE {name} TEMPLATE {_postgres_pattern} STRATEGY file_copy")
    yield postgres_url(name)
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """An empty SQLite store."""
    store = Store(sqlite_url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def _emptied_postgres(_postgres_pattern: str) -> Iterator[EmptiedPostgres]:
    emptied = EmptiedPostgres(_postgres_pattern)
    yield emptied
    emptied.drop()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """The same test on both databases. That on PostgreSQL is emptied for the next test."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
    else:
        with request.getfixturevalue("_emptied_postgres").lent() as store:
            yield store


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests report beside "passed", also with several workers."""
    for outcome in ("passed", "failed"):
        for one in terminalreporter.stats.get(outcome, ()):
            for name, told in getattr(one, "user_properties", ()):
                if name == "report":
                    terminalreporter.section("report")
                    terminalreporter.write_line(str(told))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI all real parts are there: a skipped test fails the run, but for a missing corpus."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("BANTIN_TEST_ALL_PARTS"):
        return
    skipped = [
        one for one in reporter.stats.get("skipped", ()) if "corpus" not in str(one.longrepr)
    ]
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} tests were skipped although every part is here")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
