"""Starts commands as processes that are forked from one which has loaded the program already.

To load it takes `bantin` a second of the processor, more than most commands have to do. All else is
as where a shell starts it: its script runs as the main module, with its arguments, folder,
environment, standard files and signals, and ends as the interpreter ends, but for what that would
take apart: memory that is shared up to then would be copied first. What looks at the start
itself, at memory, or at another environment of Python takes `subprocess` instead.

    a test ──command──> the server ──forks──> a watcher, which tells how it ended
                                                └─forks─> the command
                                                            └─forks─> what it forks workers from
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import multiprocessing.util
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

MESSAGE_BYTES = 128 * 1024
PATIENCE_S = 300
"""How long a worker waits for the server, which loads for some seconds."""

CLOCK = "FAKETIME_TIMESTAMP_FILE"
"""Where libfaketime finds the time of day. It looks once a second: a forked process waits."""

CLOCK_S = 2.5

READERS = {"up", "serve", "collect", "demo"}
"""Commands that read documents, in processes of multiprocessing's fork server."""


LATER = (
    "apscheduler.executors.asyncio",
    "apscheduler.triggers.interval",
    "service.collect.discovery.dead_sources",
    "uvicorn.lifespan.off",
)
"""What only a service that runs loads."""

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # a Tuesday
LONG_AGO = NOW - timedelta(days=30)

SITE = """
[site]
title = "Tin"
base_url = "https://tin.example.vn"
[source.bao]
url = "http://127.0.0.1:9/"  # nobody answers
allow_networks = ["127.0.0.1"]
[topic.tin]
title = "Tin"
any = ["tin"]
[digest.tuan]
title = "Tuần"
"""


class Forked:
    """A running command, as far as subprocess.Popen says the same."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], files: Sequence[int]
    ) -> None:
        """`command`: a Python script and its arguments. `files`: its first three, or DEVNULL."""
        asked = {"command": list(command), "cwd": str(cwd), "env": dict(env)}
        told, telling = os.pipe()
        self._told = os.fdopen(told, "rb", buffering=0)
        nothing = os.open(os.devnull, os.O_RDWR)
        given = [nothing if file == subprocess.DEVNULL else file for file in files]
        try:
            server = _server(_of_loading(env))
            socket.send_fds(server, [json.dumps(asked).encode()], [*given, telling])
        finally:
            os.close(telling)
            os.close(nothing)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal. None: it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked command", timeout or 0)
            with self._told:
                self.returncode = int(self._told.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


Variables = tuple[tuple[str, str], ...]


def _of_loading(env: Mapping[str, str]) -> Variables:
    """What a library says to the loader that a process is to have, and what it reads once then."""
    if "LD_PRELOAD" not in env:
        return ()
    once = ("LD_PRELOAD", "DONT_FAKE", "FAKETIME_")
    return tuple(sorted(one for one in env.items() if one[0].startswith(once) and one[0] != CLOCK))


@cache
def _server(loading: Variables) -> socket.socket:
    """A line to the server of all workers of this run. It ends with the last of them.

    `loading`: variables of its own, which its commands have too; there is a server for each.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    # In no folder: the system forgets it with the server.
    where = f"\0bantin-tests-{run}-{crc32(repr(loading).encode())}"
    begun = time.monotonic()
    process = None
    while time.monotonic() - begun < PATIENCE_S:
        if process is None or process.poll() == 0:
            with contextlib.suppress(OSError):  # another worker has it
                process = _start(where, loading)
        elif process.returncode:
            raise RuntimeError(f"the server of forked commands ended with {process.returncode}")
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.suppress(ConnectionError, TimeoutError):
            ours.connect(where)
            ours.settimeout(PATIENCE_S)
            if ours.recv(1):
                ours.settimeout(None)
                atexit.register(ours.close)
                return ours
        ours.close()  # it was just about to listen, or to end
        time.sleep(0.01)
    raise TimeoutError("the server of forked commands is not there")


def _start(where: str, loading: Variables) -> subprocess.Popen[bytes]:
    """Start the server. Raises OSError where there is one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(where)
        listening.listen()
        command = [sys.executable, "-u", __file__, str(listening.fileno())]
        process = subprocess.Popen(
            command, pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL,
            # Else numpy has a thread at once.
            env={**os.environ, **dict(loading), "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip

    def end() -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)  # other workers may need it for longer

    atexit.register(end)
    return process


def _load() -> None:
    """All that a command loads when it begins; none has begun a thread then."""
    from service.cli.app import COMMANDS  # noqa: PLC0415 - only the server does
    from service.config.schema import Settings  # noqa: PLC0415
    from service.render.engine import Renderer  # noqa: PLC0415
    from service.render.site_facts import site_view  # noqa: PLC0415

    gc.disable()
    for place, _ in COMMANDS.values():
        importlib.import_module(place.partition(":")[0])
    for name in ("parse_task", "article_page_task"):
        importlib.import_module(f"service.collect.workers.{name}")
    for name in LATER:
        importlib.import_module(name)
    templates = Renderer(site_view(Settings(site={"title": "Tin"})))._environment
    for name in templates.list_templates(extensions=["j2"]):
        templates.get_template(name)
    _live_once()
    gc.freeze()
    gc.enable()


def _live_once() -> None:
    """What a service does with its first news and reader, so that no command compiles its SQL.

    A process keeps SQL for all the files that it opens; to compile it took each command a third of
    what it did. Threads that this begins have ended when it returns.
    """
    import asyncio  # noqa: PLC0415 - only the server does
    import tempfile  # noqa: PLC0415

    import structlog  # noqa: PLC0415

    from service.collect.politeness.rate_limit import Sites  # noqa: PLC0415
    from service.runtime import pipeline  # noqa: PLC0415
    from service.runtime.composition import open_service  # noqa: PLC0415

    async def live() -> None:
        sites = Sites()
        await pipeline.repair_instants(service)
        await pipeline.keep_house(service)
        await pipeline.read_references(service)
        await pipeline.index_articles(service)
        await pipeline.collect(service, sites=sites)
        await pipeline.subscribe(service, sites=sites)
        await pipeline.publish_stale(service)
        await pipeline.plan(service)
        await pipeline.send(service)
        await pipeline.match_again(service)
        await pipeline.place(service)

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "bantin.toml"
        config.write_text(SITE)
        open_service(config, {}, lambda: LONG_AGO, retire=True).close()
        service = open_service(config, {}, lambda: NOW, retire=True)
        with service.store.write() as connection:
            _tell(connection)
        asyncio.run(live())
        service.close()
    structlog.reset_defaults()
    assert threading.active_count() == 1


def _tell(connection: Any) -> None:
    """News of a source, for a reader of the digest, before its last cut."""
    rows = runpy.run_path(str(Path(__file__).with_name("builders.py")))
    source = rows["add_source"](connection, LONG_AGO)
    before = NOW - timedelta(days=3)
    rows["add_story"](connection, source=source, topics=[1], title="Tin", entered_at=before)
    since, cut = NOW - timedelta(days=10), NOW.replace(day=23, hour=7)
    rows["add_subscription"](connection, digest=1, starts_at=since, next_cut_at=cut)


def _asked(listening: socket.socket) -> tuple[bytes, list[int]]:
    """The next command, for which this process was forked, and its files."""
    workers: list[socket.socket] = []
    while True:
        for ready in select.select([listening, *workers], [], [])[0]:
            if ready is listening:
                worker, _ = listening.accept()
                workers.append(worker)
                with contextlib.suppress(ConnectionError):
                    worker.send(b"!")
                continue
            message, files, _, _ = socket.recv_fds(ready, MESSAGE_BYTES, 4)
            if message and os.fork() == 0:
                for one in (listening, *workers):
                    one.close()
                return message, files
            for file in files:
                os.close(file)
            if not message:
                workers.remove(ready)
                ready.close()
                if not workers:
                    os._exit(0)  # the tests have ended


def _next_command(listening: socket.socket) -> list[str]:
    """Fork for whoever asks. Returns in the forked process, with what that is to run."""
    message, files = _asked(listening)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *standard, telling = files
    pid = os.fork()
    if pid:
        os.write(telling, b"%d\n" % pid)
        for file in (0, 1, 2, *standard):
            os.close(file)
        os.write(telling, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    for place, file in enumerate(standard):
        os.dup2(file, place)
    os.closerange(3, max(files) + 1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = json.loads(message)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    if CLOCK in os.environ:
        time.sleep(CLOCK_S)
    command: list[str] = wanted["command"]
    if command[0].endswith(".py") or READERS & set(command):
        _have_a_fork_server_at_hand()
    return command


def _have_a_fork_server_at_hand() -> None:
    """The one that the command will start, once, is forked now, when it has no thread yet.

    It would be a Python of its own, which loads again for a third of a second what is loaded here.
    """
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _wait_to_be_the_fork_server(its)
    its.close()
    at_hand, spawn = [pid], multiprocessing.util.spawnv_passfds

    def start(path: bytes, args: Sequence[Any], passed: Sequence[int]) -> int:
        code = str(args[-1])
        if not at_hand or "multiprocessing.forkserver" not in code or len(passed) != 2:
            return spawn(path, args, passed)
        listens, lives = passed
        code = code.replace(f"main({listens}, {lives}, ", "main(%d, %d, ", 1)
        with ours:
            socket.send_fds(ours, [code.encode()], [listens, lives])
        return at_hand.pop()

    multiprocessing.util.spawnv_passfds = start


def _wait_to_be_the_fork_server(asked: socket.socket) -> None:
    """Does not return. It ends when the command ends without having wanted it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    code, files, _, _ = socket.recv_fds(asked, MESSAGE_BYTES, 2)
    asked.close()
    with contextlib.suppress(SystemExit):
        if code:
            begin, place, rest = code.decode().partition("main(%d, %d, ")
            exec(begin + place % tuple(files) + rest, {})  # multiprocessing’s own
    os._exit(0)


def _run_as_main(script: str) -> None:
    """As `python SCRIPT`; it does not return. What was raised, or said in vain, is Python's."""
    code: str | int | None = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        code = 0 if error.code is None else error.code
    threading._shutdown()
    atexit._run_exitfuncs()
    if isinstance(code, int):
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code & 0xFF)
    sys.exit(code)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: none of its names is meant by an import
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # watchers leave by themselves
    importlib.import_module("service.curate.stories.engine")  # a service does with its first news
    _load()
    sys.argv[:] = _next_command(socket.socket(fileno=int(sys.argv[1])))
    _run_as_main(sys.argv[0])
