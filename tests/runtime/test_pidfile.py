"""The pid file: who holds it is running, whatever number stands in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from service.errors import UsageError
from service.runtime import pidfile


def test_it_tells_the_process_while_it_runs_and_nobody_afterwards(tmp_path):
    assert pidfile.running(tmp_path) is None
    with pidfile.held(tmp_path):
        assert pidfile.running(tmp_path) == os.getpid()
        with pytest.raises(UsageError, match=f"as process {os.getpid()}"):  # noqa: SIM117
            with pidfile.held(tmp_path):
                raise AssertionError
    assert pidfile.running(tmp_path) is None
    assert not (tmp_path / pidfile.NAME).exists()


def test_a_killed_process_holds_nothing(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from service.runtime import pidfile\n"
        "with pidfile.held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert pidfile.running(tmp_path) == other.pid
        other.kill()
        other.wait()
    assert (tmp_path / pidfile.NAME).read_text() == f"{other.pid}\n"
    assert pidfile.running(tmp_path) is None
    with pidfile.held(tmp_path):
        assert pidfile.running(tmp_path) == os.getpid()
