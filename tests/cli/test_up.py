"""`up` and `reload` as processes: serving, stopping, taking or refusing another configuration."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import stat
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import pytest

from service.runtime import pidfile
from service.web.admin import admin_key
from tests.cli.conftest import rss
from tests.running import until


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.fixture
def base(site, free_port):
    """The site with an address to serve on."""
    config = site / "bantin.toml"
    config.write_text(f'{config.read_text()}\n[web]\nlisten = "127.0.0.1:{free_port}"\n')
    return f"http://127.0.0.1:{free_port}"


def test_a_site_from_init_is_served_collected_and_stopped_by_sigterm(
    run, folder, web, free_port, start
):
    web.pages["/rss"] = rss("Tin một", "Tin hai")
    run("init", ".", "--title", "Tin Trung Du", "--language", "vi", "--url", f"{web.base}/rss")
    run("check")
    with (folder / "bantin.toml").open("a") as file:
        file.write(f'[web]\nlisten = "127.0.0.1:{free_port}"\n')
    up = start("up", cwd=folder, own=True)
    up.wait_for(f"serving http://127.0.0.1:{free_port}/")
    base = f"http://127.0.0.1:{free_port}"
    assert get(f"{base}/healthz") == (200, "ok\n")
    until(lambda: "Tin hai" in get(f"{base}/feeds/tin-moi.atom")[1])
    assert "Tin Trung Du" in get(f"{base}/")[1]
    assert (folder / "var" / "bantin.pid").read_text() == f"{up.process.pid}\n"
    assert up.stop(signal.SIGTERM) == 0
    assert '"event": "stopped"' in up.err.read_text()
    assert not (folder / "var" / "bantin.pid").exists()


def test_a_key_that_others_could_read_is_replaced_at_the_start(site, base, start):
    admin_key.ensure(site / "var")
    key = site / "var" / "admin.key"
    seen = [key.read_text()]
    for mode in (0o600, 0o644):
        key.chmod(mode)
        up = start("up", cwd=site)
        up.wait_for("serving")
        seen.append(key.read_text())
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert up.stop(signal.SIGTERM) == 0
    assert seen[0] == seen[1] != seen[2]


def test_serve_is_another_name_for_it_and_ctrl_c_is_quiet(site, base, start):
    up = start("serve", cwd=site)
    up.wait_for("serving")
    assert up.stop(signal.SIGINT) == 0
    assert "Traceback" not in up.err.read_text()


def test_a_reload_takes_a_sound_configuration_and_refuses_a_faulty_one(run, ask, site, base, start):
    up = start("up", cwd=site)
    up.wait_for("serving")
    config = site / "bantin.toml"
    sound = config.read_text().replace('title = "Tin Trung Du"', 'title = "Tin mới"')
    config.write_text(sound)
    assert ask("reload") == {"pid": up.process.pid, "pids": [up.process.pid]}
    until(lambda: "Tin mới" in get(f"{base}/")[1])

    config.write_text(f"{sound}\nkhong = 1\n")
    assert "web.khong" in run("reload", code=2).stderr
    assert "not reloaded" not in up.err.read_text(), "faults are told before anybody is"
    up.process.send_signal(signal.SIGHUP)
    up.wait_for("not reloaded: the old configuration stays")
    assert "web.khong" in up.err.read_text()
    assert "Tin mới" in get(f"{base}/")[1]

    config.write_text(sound.replace("[source.bao-b]", "[source.bao-c]"))
    run("reload")
    until(lambda: '"event": "reloaded"' in up.err.read_text().split("not reloaded")[1])
    assert [one["id"] for one in ask("status")["sources"]] == ["bao-a", "bao-c"]
    assert up.stop() == 0


def test_nobody_to_reload_is_a_failed_job(run, site):
    assert "no service is running here" in run("reload", code=1).stderr


def test_a_number_that_a_dead_service_left_is_nobody(run, bare_site):
    """The system may have given it to another process, which a SIGHUP would kill."""
    (bare_site / "var").mkdir()
    (bare_site / "var" / "bantin.pid").write_text(f"{os.getpid()}\n")
    assert pidfile.running(bare_site / "var") is None
    run("reload", code=1)


def test_a_port_that_is_taken_starts_nothing(run, site, base):
    shutil.rmtree(site / "var")
    with socket.create_server(("127.0.0.1", int(base.rpartition(":")[2]))):
        result = run("up", code=2)
    assert result.stderr.startswith(f"bantin: cannot listen on {base.removeprefix('http://')}: ")
    assert not (site / "var").exists()


def test_a_start_that_is_killed_while_it_migrates_leaves_the_port_to_the_next_one(
    site, base, start
):
    shutil.rmtree(site / "var")
    (site / "var").mkdir()
    store = site / "var" / "bantin.db"
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")  # what migrates waits
        up = start("up", cwd=site)
        until(lambda: any(store in opened(child) for child in children(up.process.pid)))
        up.stop(signal.SIGKILL)
        with socket.create_server(("127.0.0.1", int(base.rpartition(":")[2]))):
            pass


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def opened(pid: int) -> set[Path]:
    found = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            found.add(one.readlink())
    return found


def test_commands_work_beside_the_running_service_but_a_second_one_is_refused(
    run, ask, site, base, web, start
):
    up = start("up", cwd=site)
    up.wait_for("serving")
    second = run("up", code=2)
    assert f"is already running, as process {up.process.pid}" in second.stderr
    until(lambda: all(one["state"] == "ok" for one in ask("status")["sources"]))
    run("subscribers", "add", "minh@example.vn", "--digest", "ngay")
    web.pages["/a.xml"] = rss("Tin cũ", "Cầu mới")
    assert ask("collect", "bao-a")["entries_new"] == 1
    run("publish")
    assert ask("digest", "send", "ngay", "--at", "2099-01-01")["deliveries"] == {"accepted": 1}
    assert "Cầu mới" in get(f"{base}/topics/tin/")[1]
    assert up.stop() == 0
    assert "Traceback" not in up.err.read_text()


def test_faults_start_nothing(run, site):
    (site / "bantin.toml").write_text("[site]\ntitle = 5\n")
    done = run("up", code=2)
    assert done.stderr.startswith("bantin.toml:2: site.title: ")
    assert done.stdout == ""


def test_who_asks_for_another_protocol_is_answered_in_http_and_not_written_down(site, base, start):
    up = start("up", cwd=site)
    up.wait_for(f"serving {base}/")
    asks = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    request = urllib.request.Request(f"{base}/healthz", headers=asks)
    with urllib.request.build_opener().open(request, timeout=60) as answer:
        assert (answer.status, answer.read()) == (200, b"ok\n")
    with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2]))) as raw:
        raw.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGVzdA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 200 ")
    assert up.stop(signal.SIGTERM) == 0
    assert "upgrade" not in up.err.read_text().lower()
    assert "WebSocket" not in up.err.read_text()
