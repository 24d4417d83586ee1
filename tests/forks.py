"""Starts commands as processes that are forked from one which has loaded the program already.

To load it takes `bantin` a second of the processor, more than most commands have to do. All else is
as where a shell starts it: its script runs as the main module, with its arguments, folder,
environment, standard files and signals, and ends as the interpreter ends, but for what that would
take apart: memory that is shared up to then would be copied first. What looks at the start
itself, at memory, or at another environment of Python takes `subprocess` instead.

    a test ──command──> the server ──forks──> a watcher, which tells how it ended
                                                └─forks─> the command
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

MESSAGE_BYTES = 128 * 1024


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
            socket.send_fds(_server(), [json.dumps(asked).encode()], [*given, telling])
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


@cache
def _server() -> socket.socket:
    """Started by the first who wants it; it ends with these tests."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-u", __file__, str(its.fileno())]
    process = subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
    its.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _load() -> None:
    """All that a command loads when it begins; none has begun a thread then."""
    from service.cli.app import COMMANDS  # noqa: PLC0415 - only the server does
    from service.config.schema import Settings  # noqa: PLC0415
    from service.render.engine import Renderer  # noqa: PLC0415
    from service.render.site_facts import site_view  # noqa: PLC0415

    gc.disable()
    for place, _ in COMMANDS.values():
        importlib.import_module(place.partition(":")[0])
    templates = Renderer(site_view(Settings(site={"title": "Tin"})))._environment
    for name in templates.list_templates(extensions=["j2"]):
        templates.get_template(name)
    gc.freeze()
    gc.enable()


def _next_command(asked: socket.socket) -> list[str]:
    """Fork for whoever asks. Returns in the forked process, with what that is to run."""
    while True:
        message, files, _, _ = socket.recv_fds(asked, MESSAGE_BYTES, 4)
        if not message:
            os._exit(0)  # the tests have ended
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
    asked.close()
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
    command: list[str] = wanted["command"]
    return command


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
    _load()
    sys.argv[:] = _next_command(socket.socket(fileno=int(sys.argv[1])))
    _run_as_main(sys.argv[0])
