"""The program of yesterday goes on while the tables of today, and of tomorrow, come under it.

It is taken from this repository's history: the last commit whose migrations are a part of today's.
Where there is none (no git, no history, none since the migrations were frozen) it is the program
of today. What comes then is all that a migration may add: to each table columns and an index, and
a table that refers to others.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text, update

from service.cli.app import cli
from service.model import CadenceRule
from service.newsletter.cadence import next_cut
from service.newsletter.rules import Schedule
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.store.core.revisions import VERSIONS
from tests.cli.conftest import rss, server, web
from tests.contract.test_clock import TOML
from tests.databases import HOW_TO_GET_POSTGRES, POSTGRES, on_server, postgres_url
from tests.running import ROOT, Running, until, unused_port

__all__ = ["server", "web"]

PLACE = str(VERSIONS.relative_to(ROOT))
PROGRAM = ("service", "templates", "feeds", "tests/__init__.py", "tests/hasty.py")
AT_ONCE = CadenceRule("immediate")
MOMENT, DAY = timedelta(seconds=5), timedelta(days=1)
WRONG = re.compile(r'Traceback|"level": "(error|critical)"|"error": "')


class Old(Running):
    """`bantin up` with short ticks, by the program that lies in `root`."""

    def __init__(self, root: Path, config: Path) -> None:
        self.root = root
        environ = {"PYTHONPATH": str(root)}
        super().__init__(str(config), cwd=config.parent, environ=environ, own=True)

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-P", str(self.root / "tests" / "hasty.py"), *args]


def wrong(up: Running) -> str:
    """Its log from the first line that tells of a failure on; nothing where none does."""
    lines = up.err.read_text().splitlines()
    first = next((number for number, line in enumerate(lines) if WRONG.search(line)), len(lines))
    return "\n".join(lines[max(0, first - 3) : first + 60] if first < len(lines) else [])


def git(*args: str) -> bytes:
    """What git says; nothing where there is no git or no history."""
    try:
        return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""


def migrations(commit: str) -> set[str]:
    """Its migrations, each with the hash of its bytes."""
    return set(git("ls-tree", commit, f"{PLACE}/").decode().splitlines())


def yesterday() -> str:
    """The last commit whose program knows fewer migrations, all of them as they are; else ""."""
    now = migrations("HEAD")
    for commit in git("log", "--format=%H^", "-20", "--", PLACE).decode().split():
        known = migrations(commit)
        if known and known < now:
            return commit
    return ""


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    commit = yesterday()
    if not commit:
        return ROOT
    folder = tmp_path_factory.mktemp("yesterday")
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, *PROGRAM))) as tree:
        tree.extractall(folder, filter="data")
    return folder


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request, tmp_path):
    """The address of a database without any table."""
    if request.param == "sqlite":
        (tmp_path / "var").mkdir()
        yield f"sqlite:///{tmp_path}/var/bantin.db"
        return
    if not POSTGRES:
        pytest.skip(HOW_TO_GET_POSTGRES)
    name = f"bantin_yesterday_{tmp_path.parent.name[-4:].strip('-')}_{unused_port()}"
    on_server(f"CREATE DATABASE {name}")
    yield postgres_url(name)
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


def expand(store: Store) -> None:
    """What the rule for migrations lets tomorrow's do, to all tables at once."""
    for name in t.metadata.tables:
        with store.write() as connection:
            for statement in (
                f"ALTER TABLE {name} ADD COLUMN later TEXT",
                f"ALTER TABLE {name} ADD COLUMN later_number INTEGER DEFAULT 7 NOT NULL",
                f"CREATE INDEX ix_{name}_later_number ON {name} (later_number)",
            ):
                connection.execute(text(statement))
    with store.write() as connection:
        column = "later_id BIGINT PRIMARY KEY, article_id BIGINT REFERENCES article (id)"
        connection.execute(text(f"CREATE TABLE later_table ({column})"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))


def put_off(store: Store) -> None:
    """No cut comes before `cut` says so."""
    with store.ledger() as connection:
        values = {"rule": Schedule(AT_ONCE, "UTC").text, "next_cut_at": datetime.now(UTC) + DAY}
        connection.execute(update(t.subscription).values(values))


def cut(store: Store) -> None:
    """The next cut of an immediate digest is past, and what came since the last one belongs to it.

    Whichever clock the program goes by, its machine's or the database's.
    """
    now = datetime.now(UTC)
    before, long_ago = now - timedelta(minutes=6), now - timedelta(minutes=20)
    entered = t.article_topic.c.entered_at
    due = {"next_cut_at": now - timedelta(seconds=1), "starts_at": long_ago, "covered_to": long_ago}
    with store.ledger() as connection:
        late = update(t.article_topic).where(entered > before)
        connection.execute(late.values(entered_at=before))
        connection.execute(update(t.subscription).values(due))


def test_it_collects_publishes_and_mails_on_tables_that_gained(
    program, empty, tmp_path, unused_tcp_port, web, record_property
):
    record_property("report", f"yesterday's program: {yesterday()[:12] or 'today’s own'}")
    web.pages["/rss"] = rss("Tin-mot")
    config = tmp_path / "bantin.toml"
    toml = TOML.format(port=unused_tcp_port, web=web.base) + f'\n[store]\nurl = "{empty}"\n'
    config.write_text(toml, encoding="utf-8")

    def mailed(words: str) -> bool:
        return any(words in file.read_text() for file in tmp_path.glob("var/outbox/new/*"))

    def published(words: str) -> bool:
        address = f"http://127.0.0.1:{unused_tcp_port}/feeds/tin.atom"
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return words in answer.read().decode()
        except OSError:  # not there yet
            return False

    store = None
    up = Old(program, config)
    try:
        up.wait_for("serving ")
        until(lambda: published("Tin-mot"))
        store = Store(empty)
        known = set((program / PLACE).glob("[0-9]*.py"))
        with store.read() as connection:
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        assert found == max(path.stem for path in known)
        migrate(store)
        # What is frozen at a mark between subscribing and the cut below would be another edition.
        until(lambda: next_cut(AT_ONCE, "UTC", now := datetime.now(UTC)) > now + 3 * MOMENT)
        add = ["subscribers", "add", "lan@example.vn", "--digest", "ngay", "--config", str(config)]
        added = CliRunner().invoke(cli, add)
        assert added.exit_code == 0, added.output
        put_off(store)
        expand(store)

        web.pages["/rss"] = rss("Tin-mot", "Tin-hai")
        until(lambda: published("Tin-hai"))
        cut(store)
        until(lambda: mailed("Tin-hai"))
        if "oldest_program" in (program / "service/store/core/migrate.py").read_text():
            assert up.stop() == 0
            assert not wrong(up), wrong(up)
            up = Old(program, config)
            up.wait_for("serving ")
            web.pages["/rss"] = rss("Tin-mot", "Tin-hai", "Tin-ba")
            until(lambda: published("Tin-ba"))
        assert up.stop() == 0
        assert not wrong(up), wrong(up)
    finally:
        up.kill()
        if store is not None:
            store.close()
