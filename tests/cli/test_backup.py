"""`bantin backup` and `restore`, from a running service to a second one that lets mail go."""

from __future__ import annotations

import shutil

import pytest

from service.cli.app import cli
from tests.cli.conftest import rss
from tests.contract.test_full_disk import _can_mount
from tests.running import CONFINED, PATIENCE_S, ready, started, unused_port


def served(folder, port):
    """The site of this folder on that port."""
    config = folder / "bantin.toml"
    text = config.read_text(encoding="utf-8")
    if "[web]" not in text:
        text += f'[web]\nlisten = "127.0.0.1:{port}"\n'
    config.write_text(text, encoding="utf-8")


def test_a_running_site_is_restored_in_another_folder(run, ask, site, web, start, monkeypatch):
    port = unused_port()
    served(site, port)
    (site / "templates").mkdir()
    run("subscribers", "add", "an@example.vn", "--digest", "ngay")
    up = start("up", cwd=site)
    up.wait_for("serving")
    made = ask("backup", "b.backup")
    assert made["file"] == str(site / "b.backup")
    assert made["beside"] == [str(site / "bantin.toml"), str(site / "templates")]
    assert "the service is running" in run("restore", "b.backup", code=2).stderr
    assert up.stop() == 0

    new = site.parent / "new"
    new.mkdir()
    shutil.copy(site / "bantin.toml", new)
    monkeypatch.chdir(new)
    done = ask("restore", str(site / "b.backup"))
    assert (done["made_at"], done["held"], done["uncertain"]) == (made["made_at"], True, 0)
    assert "is not empty" in run("restore", str(site / "b.backup"), code=1).stderr
    assert "held" in [one["kind"] for one in ask("status")["troubles"]]
    sent = ask("digest", "send", "ngay", code=1)
    assert (sent["complete"], list(sent["paused"])) == (False, ["(outbox)"])

    up = start("up", cwd=new)
    assert "`bantin up --release`" in up.wait_for("serving")
    ready(port, new / "var", 503, "restored from a backup")
    assert up.stop() == 0
    web.pages["/a.xml"] = rss("Tin cũ", "Tin mới")
    up = start("up", "--release", cwd=new)
    up.wait_for("serving")
    ready(port, new / "var", 200, "")
    assert up.stop() == 0
    assert ask("digest", "send", "ngay")["complete"]


def test_a_restore_says_what_comes_next(run, site):
    run("backup", "b")
    for path in (site / "var").glob("bantin.db*"):
        path.unlink()
    said = run("restore", "b").stdout
    assert "restored from b of 20" in said
    assert "bantin up --release" in said
    assert "Who has signed up or left since is not known" in said


def test_a_backup_put_into_place_by_hand_is_refused(run, site):
    run("collect")
    run("backup", "b.backup")
    (site / "var" / "bantin.db").unlink()
    shutil.copy(site / "b.backup", site / "var" / "bantin.db")
    assert (
        "bring it back with `bantin restore FILE`" in run("digest", "send", "ngay", code=1).stderr
    )


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_pipe_is_refused(run, site, command):
    assert "not -" in run(command, "-", code=2).stderr


def test_what_cannot_be_restored_is_named(run, site):
    assert "bantin.toml is no backup" in run("restore", "bantin.toml", code=1).stderr
    assert "none: No such file" in run("restore", "none", code=1).stderr


def test_nothing_is_backed_up_where_nothing_is_stored(run, bare_site):
    assert "nothing is stored yet" in run("backup", "b", code=1).stderr
    assert not (bare_site / "var").exists()


@pytest.mark.processes
@pytest.mark.skipif(
    not _can_mount(),
    reason="needs user namespaces: sysctl kernel.unprivileged_userns_clone=1, or run as root",
)
def test_a_full_disk_leaves_no_half_file(site):
    (site / "small").mkdir()
    command = [str(CONFINED), "small", "200k", "backup", "small/b"]
    with (site / "out").open("wb") as out, (site / "err").open("wb") as err:
        process = started(command, cwd=site, out=out.fileno(), err=err.fileno())
    assert process.wait(PATIENCE_S) == 1
    assert (site / "out").read_text() == "left in it: []\n"
    said = (site / "err").read_text()
    assert "small/b: " in said
    assert "full" in said or "space" in said


def test_both_are_in_the_first_help():
    assert {"backup", "restore"} <= set(cli.list_commands(None))
