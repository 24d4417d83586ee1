"""A PostgreSQL server of the bench's own: on loopback, on the disk, with settings as in earnest."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

BINARIES = Path("/usr/lib/postgresql")

SETTINGS = {"shared_buffers": "2GB", "effective_cache_size": "12GB", "max_wal_size": "4GB"}
"""What an operator would set on a machine of 24 GB; all else is PostgreSQL's own."""

LOADING = {
    **SETTINGS, "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "20GB",
    "checkpoint_timeout": "1h", "autovacuum": "off",
}  # fmt: skip
"""What is lost while it is filled is filled again."""


class OwnServer:
    """Keeps its data in a folder, which must be no other user's."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._data = folder / "data"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def has(self, database: str) -> bool:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            found = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(found, (database,)).fetchone() is not None

    def make(self, database: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}".encode())

    @contextmanager
    def running(self, *, loading: bool = False) -> Iterator[None]:
        """Made at its first start; stopped after the block, and on the disk."""
        if not self._data.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                shutil.chown(self._folder, "postgres")
            self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres",
                      "--locale=C.UTF-8", "-E", "UTF8")  # fmt: skip
        settings = {
            **(LOADING if loading else SETTINGS), "listen_addresses": "127.0.0.1",
            "port": str(self._port), "unix_socket_directories": str(self._folder),
        }  # fmt: skip
        told = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._ctl("start", "-l", str(self._folder / "log"), "-o", told)
        try:
            yield
        finally:
            self._ctl("stop", "-m", "fast")
            os.sync()

    def _ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-t", "600", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        newest = max(BINARIES.iterdir(), key=lambda folder: int(folder.name))
        as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*as_postgres, str(newest / "bin" / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
