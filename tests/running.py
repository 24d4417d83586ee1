"""The service as a process of its own: started, waited for, asked, and ended with the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from service.web.admin import admin_key
from tests.forks import Forked

ROOT = Path(__file__).parents[1]

BANTIN = Path(sys.prefix) / "bin" / "bantin"
"""The command as it is installed."""

HASTY = ROOT / "tests" / "hasty.py"
"""`bantin up` with short ticks, as a command that takes the configuration's path."""

SAY_WHERE = signal.SIGUSR1
"""Upon this HASTY says in its log what each of its threads does."""

COLLECTOR = ROOT / "tests" / "contract" / "collector.py"
"""One pass, as a command."""

LIMITED = ROOT / "tests" / "contract" / "limited.py"
"""HASTY with so many descriptors."""

MORTAL = ROOT / "tests" / "contract" / "mortal.py"
"""One of many processes, which kills itself at a given moment."""

WATCHING = ROOT / "tests" / "contract" / "watching.py"
"""BANTIN that says which statements it made on an event loop."""

CONFINED = ROOT / "tests" / "contract" / "confined.py"
"""BANTIN where a folder is a file system of that size."""

KILLED_COPY = ROOT / "tests" / "store" / "kept" / "killed_copy.py"
"""A copy of a store that kills itself behind a given table."""

SCRIPTS = {
    str(one) for one in (BANTIN, HASTY, COLLECTOR, LIMITED, MORTAL, WATCHING, CONFINED, KILLED_COPY)
}

ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("BANTIN_")}

PATIENCE_S = 300.0
"""For what another process does soon, on a machine that has much else to do."""


def unused_port() -> int:
    """A port of loopback that nobody has, and that no outgoing connection is given meanwhile.

    The system gives those ports from 32768 on, and a standby is begun seconds after its port.
    """
    for port in random.SystemRandom().sample(range(12_000, 32_000), 100):
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports are taken")


Process = Forked | subprocess.Popen[bytes]


def started(
    command: Sequence[str],
    *,
    cwd: Path,
    stdin: int = subprocess.DEVNULL,
    out: int = subprocess.DEVNULL,
    err: int = subprocess.DEVNULL,
    environ: Mapping[str, str] | None = None,
    own: bool = False,
) -> Process:
    """A process that does this. A script of ours is forked from one that has loaded the program.

    `environ`: variables beside those of the tests. `own`: it loads all by itself, as it must where
    `environ` says something to Python or the loader, and where a test is about the start.
    """
    env = {**ENVIRON, "PYTHONUNBUFFERED": "1", **(environ or {})}
    if command[0] in SCRIPTS:
        if not own:
            return Forked(command, cwd=cwd, env=env, files=(stdin, out, err))
        if command[0] != str(BANTIN):  # which says itself what runs it
            command = [sys.executable, "-P", *command]
    return subprocess.Popen(command, cwd=cwd, stdin=stdin, stdout=out, stderr=err, env=env)


def finished(
    *args: str, cwd: Path, environ: Mapping[str, str] | None = None, own: bool = False
) -> subprocess.CompletedProcess[str]:
    """What BANTIN with these arguments has said, and its exit code."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = started(
            [str(BANTIN), *args], cwd=cwd, out=out.fileno(), err=err.fileno(),
            environ=environ, own=own,
        )  # fmt: skip
        code = process.wait(PATIENCE_S)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
        return subprocess.CompletedProcess(args, code, *said)


class Running:
    """A long-running command. What it says stands in `out` and `err`, files in its folder."""

    def __init__(
        self, *args: str, cwd: Path, environ: Mapping[str, str] | None = None, own: bool = False
    ) -> None:
        """`environ` and `own` as `started` has them."""
        self.out, self.err = cwd / "up.out", cwd / "up.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = started(
                self.command(*args), cwd=cwd, out=out.fileno(), err=err.fileno(),
                environ=environ, own=own,
            )  # fmt: skip

    def command(self, *args: str) -> list[str]:
        return [str(BANTIN), *args]

    def wait_for(self, words: str, within_s: float = PATIENCE_S) -> str:
        """Waits until the words stand in its output; returns all of that."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            said = self.out.read_text() + self.err.read_text()
            if words in said:
                return said
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{words!r} was not said:\n{said}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it at once, if it has not ended by itself."""
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)


class Hasty(Running):
    """`bantin up` with short ticks; it takes the configuration's path."""

    def command(self, *args: str) -> list[str]:
        return [str(HASTY), *args]


@contextlib.asynccontextmanager
async def up(
    config: Path, *, end: int = signal.SIGKILL, hasty: bool = False
) -> AsyncIterator[Process]:
    """`bantin up` until the block ends, then the signal `end`; it may be dead by then.

    `hasty`: with short ticks.
    """
    command = [str(HASTY), str(config)] if hasty else [str(BANTIN), "up", "--config", str(config)]
    service = started(command, cwd=config.parent)
    try:
        yield service
    finally:
        if service.poll() is None:
            service.send_signal(end)
        await asyncio.to_thread(service.wait)


async def run(config: Path, *args: str) -> str:
    """A command beside it, which must end well; what it prints."""
    done = await asyncio.to_thread(finished, *args, "--config", str(config), cwd=config.parent)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


async def run_json(config: Path, *args: str) -> Any:
    return json.loads(await run(config, *args, "--json"))


def until(holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Wait for another process to make it so."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"it did not come within {within_s:.0f} s"
        time.sleep(0.1)


async def eventually(
    holds: Callable[[], object], within_s: float = PATIENCE_S, *, every_s: float = 0.1
) -> None:
    """`until` in a test that has an event loop. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - it is another process that we wait for
            await asyncio.sleep(every_s)


def readyz(port: int, var: Path) -> tuple[int, str]:
    """The status and all that is told to who has the key of the service with this `var`.

    0 where nobody answers.
    """
    bearer = {"Authorization": f"Bearer {admin_key.read(var)}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/readyz", headers=bearer)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, " ".join(json.load(answer).get("late", ()))
    except urllib.error.HTTPError as error:
        return error.code, " ".join(json.load(error).get("late", ()))
    except OSError:
        return 0, ""


def ready(port: int, var: Path, status: int, words: str, within_s: float = PATIENCE_S) -> str:
    """Wait until `readyz` has this status and says these words; all that it says."""
    end = time.monotonic() + within_s
    while True:
        found = readyz(port, var)
        if found[0] == status and words in found[1]:
            return found[1]
        assert time.monotonic() < end, found
        time.sleep(0.1)
