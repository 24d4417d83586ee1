"""The disk is full under a running `bantin up`: it is said, and said to be over.

A file system of a few megabytes in memory, in a mount namespace of the process's own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from service.runtime.vitals import FILE
from tests.cli.conftest import publisher, rss
from tests.running import CONFINED, Running, finished, ready, until, unused_port

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


def _can_mount() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    trial = [unshare, "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not _can_mount(),
    reason="needs user namespaces: sysctl kernel.unprivileged_userns_clone=1, or run as root",
)


class Up(Running):
    """`bantin up` whose `var` is a small file system of its own."""

    def __init__(self, folder: Path, port: int, size: str) -> None:
        self.folder, self.port, self.size = folder, port, size
        (folder / "var").mkdir()
        super().__init__("up", cwd=folder)

    def command(self, *args: str) -> list[str]:
        return [str(CONFINED), "var", self.size, *args]

    def ready(self, status: int, words: str) -> str:
        return ready(self.port, self.var, status, words)

    @property
    def var(self) -> Path:
        """The process's own `var`, from outside of its namespace."""
        return Path(f"/proc/{self.process.pid}/root{self.folder}/var")

    def run(self, *args: str) -> str:
        """A command beside it, in a folder that has the same `var`."""
        beside = self.folder / "beside"
        if not beside.exists():
            beside.mkdir()
            (beside / "var").symlink_to(self.var)
            shutil.copy(self.folder / "bantin.toml", beside)
        done = finished(*args, cwd=beside)
        assert done.returncode == 0, done.stderr
        return done.stdout

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


@pytest.fixture(scope="module")
def web():
    yield from publisher()


@pytest.fixture(scope="module")
def up(tmp_path_factory, web):
    """One for both tests: it takes longer to start than to find either out. The last breaks it."""
    folder, port = tmp_path_factory.mktemp("full"), unused_port()
    web.pages["/rss"] = rss("Tin cũ")
    toml = TOML.format(port=port, web=web.base)
    (folder / "bantin.toml").write_text(toml, encoding="utf-8")
    running = Up(folder, port, "6m")
    yield running
    running.kill()


def test_a_full_disk_is_said_by_readyz_and_status_until_there_is_room(up, web):
    up.ready(200, "nearly full")
    up.fill()
    web.pages["/rss"] = rss("Tin cũ", *(f"Tin {n} " + "x" * 500 for n in range(200)))
    said = up.ready(503, "The disk is full")
    assert str(up.folder / "var") in said
    up.ready(503, "The database cannot be written since")
    told = json.loads(up.run("status", "--json"))["troubles"]
    assert {"disk_full", "store_write"} <= {one["kind"] for one in told}
    assert any("The disk is full" in one["text"] for one in told)

    up.make_room()
    up.ready(200, "")
    # `status` reads what the service writes down of itself every few seconds.
    until(lambda: "store_write" not in (up.var / FILE).read_text())
    assert "store_write" not in up.run("status", "--json")


def test_a_store_that_cannot_be_read_is_a_503_with_a_sentence(up):
    up.ready(200, "")
    for file in (up.var / "bantin.db", up.var / "bantin.db-wal"):
        with file.open("r+b") as broken:  # in place: it is mapped into the process
            broken.write(b"\xff" * file.stat().st_size)
    said = up.ready(503, "The database cannot be")
    assert "cannot be read" in said or "cannot be written" in said
