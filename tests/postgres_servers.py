"""PostgreSQL servers of a test's own, on loopback: killed, restarted, followed by a standby."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from tests.running import unused_port

HOW_TO_GET = "needs PostgreSQL's own programs (initdb, pg_ctl): apt-get install postgresql"


def _binaries() -> Path | None:
    """Where the programs of the newest version are."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    found = shutil.which("pg_ctl")
    places = [*reversed(debian), *([Path(found).resolve().parent] if found else [])]
    return next((one for one in places if (one / "initdb").exists()), None)


BINARIES = _binaries()

needs_servers = pytest.mark.skipif(BINARIES is None, reason=HOW_TO_GET)


class Server:
    """A server whose data lie in `folder`. As root it runs as the user `postgres`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = unused_port()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """Its folder is a copy of one that is made once: to make one takes a second."""
        self._do("cp", "-a", str(_pattern()), str(self.folder))

    def make_anew(self) -> None:
        self._run(
            "initdb", "-D", str(self.folder), "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8"
        )

    def follow(self, primary: Server) -> None:
        """Become its standby, which lags behind by what is on the way."""
        self._run(
            "pg_basebackup", "-D", str(self.folder), "-R", "-X", "stream", "-c", "fast",
            "-d", f"host=127.0.0.1 port={primary.port} user=postgres",
        )  # fmt: skip

    def start(self) -> None:
        settings = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c max_connections=60 "
            "-c shared_buffers=16MB -c wal_level=replica -c max_wal_senders=4 -c fsync=off"
        )
        log = str(self.folder) + ".log"
        self._run("pg_ctl", "-D", str(self.folder), "-l", log, "-w", "-o", settings, "start")

    def kill(self) -> None:
        """It dies as a process that is killed does: its connections break."""
        self._run("pg_ctl", "-D", str(self.folder), "-m", "immediate", "-w", "stop")

    def promote(self) -> None:
        """From now on this is the primary."""
        self._run("pg_ctl", "-D", str(self.folder), "-w", "promote")

    def loses_sight(self) -> None:
        """What the primary commits from now on never arrives here."""
        self.ask("ALTER SYSTEM SET primary_conninfo = ''")
        self.ask("SELECT pg_reload_conf()")
        while self.ask("SELECT count(*) FROM pg_stat_wal_receiver") != 0:
            time.sleep(0.01)

    def has_all_of(self, primary: Server) -> None:
        """Wait until what is committed there by now has arrived here."""
        written = primary.ask("SELECT pg_current_wal_flush_lsn()::text")
        while not self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"):
            time.sleep(0.01)

    def ask(self, statement: str):
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchone()[0] if found.description else None

    def _run(self, tool: str, *arguments: str) -> None:
        assert BINARIES is not None
        self._do(str(BINARIES / tool), *arguments)

    def _do(self, *command: str) -> None:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        # pg_ctl's server keeps what it was given open, so nothing may wait for its end.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [*(as_user if os.geteuid() == 0 else []), *command],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False,
                cwd=self.folder.parent, env={**os.environ, "LC_ALL": "C"}, timeout=120,
            )  # fmt: skip
            said.seek(0)
            assert done.returncode == 0, (command, said.read().decode())


def _own(place: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(place, "postgres")


@cache
def _pattern() -> Path:
    """The data of a server that never ran."""
    place = Path(tempfile.mkdtemp(prefix="bantin-pg-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    _own(place)
    server = Server(place / "pattern")
    server.make_anew()
    return server.folder


@contextmanager
def servers(number: int = 1) -> Iterator[list[Server]]:
    """So many servers, of which the first one runs; what runs at the end is ended."""
    with tempfile.TemporaryDirectory(prefix="bantin-pg-") as name:
        place = Path(name)
        _own(place)
        every = [Server(place / f"server-{one}") for one in range(number)]
        every[0].make()
        try:
            every[0].start()
            yield every
        finally:
            for one in every:
                if (one.folder / "postmaster.pid").exists():
                    one.kill()
