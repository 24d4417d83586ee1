"""A backup is one checked moment of the store; what is damaged or foreign restores nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import func, make_url, select, text

from service.errors import SchemaError, StoreError, UsageError
from service.store import tables as t
from service.store.core import facts, hold, processes
from service.store.core.database import Store
from service.store.core.job_queue import bring_up
from service.store.core.kicks import Kick, has_queue, kick
from service.store.core.migrate import is_current, migrate
from service.store.core.processes import ServiceProcess
from service.store.core.revisions import newest
from service.store.core.upgrade import upgrade
from service.store.kept import postgres_tools, sqlite_files
from service.store.kept.backup import backup
from service.store.kept.restore import examine, restore
from tests import builders, levels
from tests.databases import on_server, postgres_url

HERE = "0.1.0"


@pytest.fixture
def filled(any_store, now):
    """A store with something in it, on each database."""
    with any_store.write() as connection:
        source = builders.add_source(connection, now)
        titles = [f"Tin {number}" for number in range(20)]
        builders.add_stories(connection, source=source, entered_at=now, titles=titles)
    return any_store


@pytest.fixture
def url(filled):
    return address(filled)


@pytest.fixture
def elsewhere(filled, tmp_path, empty_postgres):
    """The address of a place of the same kind where there is nothing."""
    if filled.is_sqlite:
        return f"sqlite:///{tmp_path}/elsewhere/bantin.db"
    return empty_postgres()


@pytest.fixture
def empty_postgres():
    """Makes empty PostgreSQL databases and gives their addresses."""
    made: list[str] = []

    def make() -> str:
        made.append(f"bantin_test_{uuid.uuid4().hex[:12]}")
        on_server(f"CREATE DATABASE {made[-1]}")
        return postgres_url(made[-1])

    yield make
    for name in made:
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


def address(store):
    """As `[store] url` would name it."""
    kind = "sqlite" if store.is_sqlite else "postgresql"
    return store.engine.url.set(drivername=kind).render_as_string(hide_password=False)


def articles(url):
    with closing(Store(url)) as store, store.read() as connection:
        assert is_current(store)
        return connection.scalar(select(func.count()).select_from(t.article))


def test_a_backup_is_private_and_says_what_made_it(url, tmp_path, now, filled):
    file = tmp_path / "b"
    made = backup(url, file, now, HERE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("b.*"))
    found = examine(file, sqlite=filled.is_sqlite)
    assert (found.made_at, found.version, found.revision) == (now, HERE, made.revision)
    with filled.read() as connection:
        assert facts.get(connection, "backup") is None, "a store in use is no backup"


def test_it_is_restored_into_an_empty_place_alone(url, elsewhere, tmp_path, now):
    file = tmp_path / "b"
    backup(url, file, now, HERE)
    left = tmp_path / "elsewhere" / "bantin.db.restoring"
    if elsewhere.startswith("sqlite"):
        left.parent.mkdir()
        left.write_bytes(b"of one that was killed")
    restore(elsewhere, file, now)
    assert articles(elsewhere) == 20
    assert not left.exists()
    with pytest.raises(StoreError, match="not empty"):
        restore(elsewhere, file, now)
    with pytest.raises(StoreError, match="not empty"):
        restore(url, file, now)
    assert articles(url) == 20


def test_a_store_that_was_only_looked_at_is_empty(url, elsewhere, tmp_path, now):
    """`bantin status` in the new folder has made one, with the names of the TOML."""
    file = tmp_path / "b"
    backup(url, file, now, HERE)
    with closing(Store(elsewhere)) as store:
        migrate(store)
        with store.write() as connection:
            builders.add_source(connection, now)
            facts.secret(connection)
    restore(elsewhere, file, now)
    assert articles(elsewhere) == 20


def test_a_store_that_a_service_has_open_is_not_replaced(url, elsewhere, tmp_path, now, filled):
    file = tmp_path / "b"
    backup(url, file, now, HERE)
    with closing(Store(elsewhere)) as store:
        migrate(store)
        with store.read() as connection:
            connection.execute(select(t.article)).all()
        with pytest.raises(StoreError, match="stop the service first"):
            restore(elsewhere, file, now)


DAMAGES = ["cut", "changed", "foreign", "empty"]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("any_store", "damage"),
    [
        *(("sqlite", damage) for damage in DAMAGES),
        *(
            pytest.param("postgres", damage, marks=pytest.mark.postgres)
            for damage in levels.each(DAMAGES, "postgres")
        ),
    ],
    indirect=["any_store"],
)
def test_what_is_damaged_is_named_and_touches_nothing(url, elsewhere, tmp_path, now, damage):
    file = tmp_path / "site.backup"
    backup(url, file, now, HERE)
    data = file.read_bytes()
    middle = len(data) // 2
    file.write_bytes(
        {
            "cut": data[:middle],
            "changed": data[: middle - 4096] + b"\xff" * 8192 + data[middle + 4096 :],
            "foreign": b"[site]\ntitle = 'Tin'\n",
            "empty": b"",
        }[damage]
    )
    with pytest.raises(StoreError, match=r"site\.backup is (damaged|no backup)"):
        restore(elsewhere, file, now)
    with closing(Store(elsewhere)) as store, store.read() as connection:
        assert not is_current(store), connection


def test_one_of_a_newer_version_is_refused_by_name(elsewhere, tmp_path, now, filled):
    file = tmp_path / "b"
    is_version = text("UPDATE alembic_version SET version_num = :named")
    with filled.write() as connection:
        connection.execute(is_version, {"named": "9999_later"})
    try:
        if filled.is_sqlite:
            sqlite_files.copy(filled.path, file)
        else:
            server = postgres_tools.server_of(address(filled))
            postgres_tools.run("pg_dump", "-Fc", f"--file={file}", server=server)
        with pytest.raises(SchemaError, match=r"b is of a newer version .*9999_later"):
            restore(elsewhere, file, now)
        with pytest.raises(StoreError, match="another version"):
            backup(address(filled), tmp_path / "c", now, HERE)
    finally:
        with filled.write() as connection:
            connection.execute(is_version, {"named": newest()})


def test_an_older_one_is_brought_up_to_date(filled, tmp_path, now, elsewhere, empty_postgres):
    """What is settled then are the tables of today."""
    old = f"sqlite:///{tmp_path}/old.db" if filled.is_sqlite else empty_postgres()
    with closing(Store(old)) as store:
        upgrade(store, "0004_standing")
        file = store.path or tmp_path / "old"
        if store.path is None:
            server = postgres_tools.server_of(old)
            postgres_tools.run("pg_dump", "-Fc", f"--file={file}", server=server)
    restore(elsewhere, file, now)
    assert articles(elsewhere) == 0
    with closing(Store(elsewhere)) as store, store.read() as connection:
        assert hold.held_since(connection) == now


def test_the_other_databases_backup_says_where_it_belongs(url, tmp_path, now, filled):
    file = tmp_path / "b"
    backup(url, file, now, HERE)
    with pytest.raises(StoreError, match="bantin store copy"):
        examine(file, sqlite=not filled.is_sqlite)


def test_only_a_backup_is_written_over(url, tmp_path, now):
    file = tmp_path / "b"
    backup(url, file, now, HERE)
    backup(url, file, now + timedelta(days=1), HERE)
    toml = tmp_path / "bantin.toml"
    toml.write_text("[site]")
    with pytest.raises(UsageError, match="is no backup"):
        backup(url, toml, now, HERE)
    assert toml.read_text() == "[site]"
    with pytest.raises(UsageError, match="no folder"):
        backup(url, tmp_path / "none" / "b", now, HERE)


def test_the_store_itself_is_not_written_over(sqlite_url, tmp_path, now):
    for name in ("bantin.db", "bantin.db-wal"):
        with pytest.raises(UsageError, match="the store itself"):
            backup(sqlite_url, tmp_path / name, now, HERE)


def test_what_a_killed_one_has_left_is_in_nobodys_way(url, tmp_path, now):
    (tmp_path / "b.part").write_bytes(b"half" * 10_000)
    backup(url, tmp_path / "b", now, HERE)
    assert not (tmp_path / "b.part").exists()


def test_writers_go_on_while_it_is_made(sqlite_url, tmp_path, now):
    """It is one moment, however many commits come in between; none of them waits for its end."""
    with closing(Store(sqlite_url)) as store:
        with store.write() as connection:
            facts.put(connection, "much", "x" * 40_000_000)
        commits: list[int] = []
        rests: list[int] = []

        def rest(left: int, _pages: int) -> None:
            """Between two steps a writer of another connection comes to its turn."""
            rests.append(left)
            with store.write() as connection:
                facts.put(connection, "commits", str(len(rests)))
            commits.append(len(rests))

        backup(sqlite_url, tmp_path / "b", now, HERE, rest)
    assert len(commits) == len(rests) > 10
    assert rests == sorted(rests, reverse=True), "it never began anew"
    with closing(sqlite3.connect(tmp_path / "b")) as copied:
        assert not copied.execute("SELECT 1 FROM fact WHERE name = 'commits'").fetchone()
        assert copied.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_password_is_on_no_command_line(postgres_database, tmp_path, now, monkeypatch):
    """What the tools get is written down on the way, as `ps` would show it."""
    seen = tmp_path / "seen"
    for tool in ("pg_dump", "pg_restore"):
        path = tmp_path / "bin" / tool
        path.parent.mkdir(exist_ok=True)
        real = shutil.which(tool)
        path.write_text(f'#!/bin/sh\necho "$0 $@" >> {seen}\nexec {real} "$@"\n')
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    # The first connection to a new database may take longer than our 5 s on a busy machine.
    patient = make_url(postgres_database).update_query_dict({"connect_timeout": "60"})
    secret = patient.set(password="bí-mật@/").render_as_string(hide_password=False)
    backup(secret, tmp_path / "b", now, HERE)
    said = seen.read_text()
    assert "pg_dump --format=custom" in said
    assert "%C3%AD-m" not in said
    assert "bí" not in said
    assert postgres_tools.server_of(secret).environ == {"PGPASSWORD": "bí-mật@/"}
    query = f"{postgres_database}?password=abc&connect_timeout=5"
    server = postgres_tools.server_of(query)
    assert ("abc" in server.address, server.environ) == (False, {"PGPASSWORD": "abc"})
    assert "connect_timeout=5" in server.address


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("", "pg_dump is not installed"),
        (
            "echo 'server version mismatch: server version: 17.2; pg_dump version: 15' >&2; exit 1",
            r"pg_dump is too old \(15; the server is 17.2\)",
        ),
        ("echo 'pg_dump: error: the wheel came off' >&2; exit 1", "the wheel came off"),
    ],
)
def test_a_tool_that_is_missing_or_old_is_said(
    postgres_database, tmp_path, now, monkeypatch, tool, words
):
    path = tmp_path / "bin" / "pg_dump"
    path.parent.mkdir()
    if tool:
        path.write_text(f"#!/bin/sh\n{tool}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/bin" if tool else str(path.parent))
    with pytest.raises(StoreError, match=words):
        backup(postgres_database, tmp_path / "b", now, HERE)
    assert [one.name for one in tmp_path.iterdir()] == ["bin"]


def test_a_restore_that_was_broken_off_is_no_store(
    postgres_database, tmp_path, now, empty_postgres
):
    """Killed between its two transactions: whatever opens it is told so, and it can begin anew."""
    file, elsewhere = tmp_path / "b", empty_postgres()
    backup(postgres_database, file, now, HERE)
    path = tmp_path / "bin" / "pg_restore"
    path.parent.mkdir()
    real = shutil.which("pg_restore")
    path.write_text(
        f'#!/bin/sh\n{real} "$@" || exit 1\n'
        'case "$*" in *--dbname*) echo killed >&2; exit 1; esac\n'
    )
    path.chmod(0o755)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
        with pytest.raises(StoreError, match="killed"):
            restore(elsewhere, file, now)
    with closing(Store(elsewhere)) as store, pytest.raises(SchemaError, match="was broken off"):
        migrate(store)
    restore(elsewhere, file, now)
    assert articles(elsewhere) == 0


@pytest.mark.sampled
@pytest.mark.parametrize("queue_there", [False, True] if levels.WHOLE else [True])
def test_the_engines_queue_is_made_anew(
    postgres_database, empty_postgres, tmp_path, now, queue_there
):
    """Its types and functions must not be in the way of the first start with a role."""
    file, elsewhere = tmp_path / "b", empty_postgres()
    process = ServiceProcess("x", "old-machine", "web", "web", 1, HERE, now, now)
    with closing(Store(postgres_database)) as store:
        bring_up(store, "0")
        with store.write() as connection:
            processes.show(connection, process)
            facts.admin_key(connection, "old key", replaces=False)
    backup(postgres_database, file, now, HERE)
    if queue_there:
        with closing(Store(elsewhere)) as store:
            migrate(store)
            bring_up(store, "0")
    restore(elsewhere, file, now)
    with closing(Store(elsewhere)) as store:
        bring_up(store, "0")
        with store.write() as connection:
            assert has_queue(connection)
            assert not processes.seen(connection)
            assert facts.admin_key(connection, "new key", replaces=False) == "new key"
            processes.show(connection, process)
            kick(connection, Kick.MAIL)
