"""The disk is full under a running `bantin up`: it is said, and said to be over.

A file system of a few megabytes in memory, in a mount namespace of the process's own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import BANTIN, rss, web
from tests.contract.test_wrong_password import readyz

__all__ = ["web"]

TOML = """
[site]
title = "Tin"
language = "vi"

[web]
listen = "127.0.0.1:{port}"

[collect]
allow_networks = ["127.0.0.0/8"]
interval = {{ min = "1s", max = "1s" }}

[source.bao]
url = "{web}/rss"
topics = ["tin"]

[topic.tin]
title = "Tin"
"""

START = """
mount -t tmpfs -o size={size} tmpfs var && exec {bantin} up
"""


def _can_mount() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("nsenter") is None:
        return False
    trial = [unshare, "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not _can_mount(),
    reason="needs user namespaces: sysctl kernel.unprivileged_userns_clone=1, or run as root",
)


class Up:
    """`bantin up` whose `var` is a small file system of its own."""

    def __init__(self, folder: Path, port: int, size: str) -> None:
        self.folder, self.port = folder, port
        (folder / "var").mkdir()
        script = START.format(size=size, bantin=BANTIN)
        with (folder / "up.err").open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "-rm", "sh", "-c", script], cwd=folder, stdout=log, stderr=log
            )

    @property
    def var(self) -> Path:
        """The process's own `var`, from outside of its namespace."""
        return Path(f"/proc/{self.process.pid}/root{self.folder}/var")

    def run(self, *args: str) -> str:
        inside = ["nsenter", "-t", str(self.process.pid), "-U", "-m", "--preserve-credentials"]
        return subprocess.check_output(
            [*inside, f"--wdns={self.folder}", BANTIN, *args], text=True, timeout=60
        )

    def fill(self) -> None:
        with (self.var / "ballast").open("ab", buffering=0) as file:
            for piece in (64 * 1024, 4096):
                try:
                    while True:
                        file.write(b"x" * piece)
                except OSError:
                    continue

    def make_room(self) -> None:
        (self.var / "ballast").unlink()


@pytest.fixture
def up(tmp_path, unused_tcp_port, web):
    web.pages["/rss"] = rss("Tin cũ")
    toml = TOML.format(port=unused_tcp_port, web=web.base)
    (tmp_path / "bantin.toml").write_text(toml, encoding="utf-8")
    running = Up(tmp_path, unused_tcp_port, "6m")
    yield running
    running.process.kill()
    running.process.wait()


def until(up: Up, status: int, words: str, within_s: float = 60.0) -> str:
    end = time.monotonic() + within_s
    while True:
        found = readyz(up.port, up.var)
        if found[0] == status and words in found[1]:
            return found[1]
        assert time.monotonic() < end, found
        time.sleep(0.2)


def test_a_full_disk_is_said_by_readyz_and_status_until_there_is_room(up, web):
    until(up, 200, "nearly full")
    up.fill()
    web.pages["/rss"] = rss("Tin cũ", *(f"Tin {n} " + "x" * 500 for n in range(200)))
    said = until(up, 503, "The disk is full")
    assert str(up.folder / "var") in said
    until(up, 503, "The database cannot be written since")
    told = json.loads(up.run("status", "--json"))["troubles"]
    assert {"disk_full", "store_write"} <= {one["kind"] for one in told}
    assert any("The disk is full" in one["text"] for one in told)

    up.make_room()
    until(up, 200, "")
    assert "store_write" not in up.run("status", "--json")


def test_a_store_that_cannot_be_read_is_a_503_with_a_sentence(up):
    until(up, 200, "")
    for file in (up.var / "bantin.db", up.var / "bantin.db-wal"):
        with file.open("r+b") as broken:  # in place: it is mapped into the process
            broken.write(b"\xff" * file.stat().st_size)
    said = until(up, 503, "The database cannot be")
    assert "cannot be read" in said or "cannot be written" in said
