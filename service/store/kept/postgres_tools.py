"""`pg_dump` and `pg_restore`, run with the password in their environment and nowhere else."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from service.errors import StoreError
from service.store.core.server_address import conninfo, libpq

MAGIC = b"PGDMP"

POLITE = 10
"""The tools' nice level: they compress for minutes, and pages and mails come first."""

_SECRET = ("password", "sslpassword")

_TOO_OLD = re.compile(r"server version mismatch|unsupported version \(")
_VERSIONS = re.compile(r"server version: (\d[\d.]*).*?pg_dump version: (\d[\d.]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ToolTarget:
    """A database as the tools take it. `address` has no password; `environ` has it, if any."""

    address: str
    environ: Mapping[str, str]


def server_of(url: str) -> ToolTarget:
    """The database of `[store] url`."""
    parameters = libpq(url)
    password = parameters.get("password")
    plain = {name: value for name, value in parameters.items() if name not in _SECRET}
    # libpq reads PGPASSFILE and the like by itself where the address brings no password.
    told = {} if password is None else {"PGPASSWORD": str(password)}
    return ToolTarget(conninfo(plain), told)


def run(tool: str, *arguments: str, server: ToolTarget | None = None) -> str:
    """What the tool says on standard output. Raises StoreError with what it says when it fails."""
    command = [tool, *arguments]
    if server is not None:
        command += ["--no-password", f"--dbname={server.address}"]
    environ = {**os.environ, "LC_ALL": "C", **(server.environ if server else {})}
    try:
        process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            command, env=environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise StoreError(
            f"{tool} is not installed: PostgreSQL's own tools are needed "
            "(Debian: apt-get install postgresql-client)"
        ) from error
    with process:
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, POLITE)
        try:
            out, err = process.communicate()
        except BaseException:  # as subprocess.run does
            process.kill()
            raise
    if process.returncode:
        raise StoreError(_failed(tool, err.decode(errors="replace")))
    return out.decode(errors="replace")


def contents(path: Path) -> list[str]:
    """What stands in an archive, a line each, as `pg_restore --use-list` takes it."""
    return run("pg_restore", "--list", str(path)).splitlines()


def read_through(path: Path) -> None:
    """Read all of an archive, so that one which breaks off is noticed. Raises StoreError."""
    run("pg_restore", f"--file={os.devnull}", str(path))


def rows(path: Path, table: str) -> list[list[str]]:
    """The rows of a small table in an archive, each value as `COPY` writes it."""
    script = run("pg_restore", "--data-only", f"--table={table}", "--file=-", str(path))
    found: list[list[str]] = []
    inside = False
    for line in script.splitlines():
        if line.startswith("COPY "):
            inside = True
        elif line == "\\.":
            inside = False
        elif inside:
            found.append(line.split("\t"))
    return found


def _failed(tool: str, said: str) -> str:
    """One sentence of what the tool says, its hints left out."""
    if _TOO_OLD.search(said):
        versions = _VERSIONS.search(said)
        known = f" ({versions[2]}; the server is {versions[1]})" if versions else ""
        return (
            f"{tool} is too old{known}: install the tools of the server's version "
            "(Debian: postgresql-client-NN)"
        )
    lines = [line.removeprefix(f"{tool}: ") for line in said.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("hint:", "detail:", "warning:"))]
    return f"{tool} failed: {' '.join((told or lines)[:2]) or 'it says nothing'}"
