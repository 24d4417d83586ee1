"""Strangers at `/readyz` of a running `bantin up`: straight, and behind a bare proxy.

A monitor without a key must learn which part does not work, how much waits and since when; who
asks for names, addresses and answers must bring the key of this machine.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.web.admin import admin_key
from tests.contract.test_admin_key import BARE_PROXY, FORGED, Answer, ask
from tests.mail.relays import Sink
from tests.mail.stock import fill
from tests.nginx import nginx
from tests.running import Running, until, unused_port

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")

TOML = """
[site]
title = "Tin"
language = "vi"
[web]
listen = "127.0.0.1:{port}"
[collect]
allow_networks = ["127.0.0.0/8"]
[source.bao-kin]
url = "http://127.0.0.1:{nobody}/rss"
topics = ["tin"]
[topic.tin]
title = "Tin"
[digest.tuan]
cadence = "weekly"
[mail]
from = "Tin <tin@example.vn>"
[mail.relay.may-chu-thu]
host = "127.0.0.1"
port = {relay}
username = "tai-khoan"
password = "sai"
"""


@contextmanager
def running(folder: Path, port: int, relay: int, nobody: int) -> Iterator[Running]:
    """A service whose relay refuses its password, with three mails that are due."""
    (folder / "var").mkdir(parents=True)
    store = Store(f"sqlite:///{folder / 'var' / 'bantin.db'}")
    migrate(store)
    fill(store, datetime.now(UTC), [f"{name}@example.vn" for name in ("lan", "minh", "hoa")])
    store.close()
    toml = TOML.format(port=port, relay=relay, nobody=nobody)
    (folder / "bantin.toml").write_text(toml, encoding="utf-8")
    up = Running("up", cwd=folder)
    try:
        up.wait_for("serving ")
        yield up
    finally:
        up.kill()


def lines(answer: Answer, name: str) -> list[str]:
    """Without what a busy machine adds: how late the loop was just now."""
    told = json.loads(answer.body).get(name, [])
    return [one for one in told if not one.startswith(("loop: ", "The service was busy"))]


def with_key(port: int, key: str) -> tuple[Answer, list[str]]:
    answer = ask(port, "/readyz", Authorization=f"Bearer {key}")
    return answer, lines(answer, "late")


def all_is_told(port: int, key: str) -> bool:
    said = " ".join(with_key(port, key)[1])
    return "535" in said and "bao-kin" in said


def attack(folder: Path, relay: int) -> None:
    port, proxy, nobody = unused_port(), unused_port(), unused_port()
    site = folder / "tin"
    block = BARE_PROXY.format(port=proxy, behind=f"http://127.0.0.1:{port}")
    with running(site, port, relay, nobody) as up, nginx(folder / "nginx", proxy, block):
        key = admin_key.read(site / "var")
        assert key is not None
        until(lambda: all_is_told(port, key))
        told = with_key(port, key)[1]
        assert told[0].startswith("The relay may-chu-thu has taken no mail since ")
        secrets = ("may-chu-thu", "535", "tai-khoan", "bao-kin", "tuan", "example",
                   "127.0.0.1", str(relay), str(nobody))  # fmt: skip

        other = "f" * 64
        now = datetime.now(UTC)
        almost = {
            "another key": {"Authorization": f"Bearer {other}"},
            "half the key": {"Authorization": f"Bearer {key[:32]}"},
            "another scheme": {"Authorization": f"Basic {key}"},
            "a link's token": {"Authorization": f"Bearer {admin_key.token(key, 'link', now)}"},
            "no text": {"Authorization": "Bearer \xff\x80"},
            "the key as a cookie": {"Cookie": f"{admin_key.cookie_name(key)}={key}"},
        }
        for way in (port, proxy):
            for what, headers in (FORGED | almost).items():
                answer = ask(way, "/readyz", **headers)
                said = json.loads(answer.body)
                assert answer.status == 503
                assert set(said) == {"ready", "reasons"}, what
                assert said["ready"] is False
                mail, *sources = lines(answer, "reasons")
                assert mail.startswith("mail: a relay has taken none since 20")
                assert mail.endswith("; mails that wait: 3")
                assert sources == ["sources: 1 failing"]
                for secret in secrets:
                    assert secret not in answer.body.decode(), (way, what, secret)
            assert with_key(way, key)[0].status == 503
            assert with_key(way, key)[1] == told
            entered = ask(way, admin_key.link("", "/admin/", key, now))
            cookie = entered.headers["set-cookie"].partition(";")[0]
            assert lines(ask(way, "/readyz", Cookie=cookie), "late") == told

        # As docs/operating.md says it: the key stands in no list of processes and in no log.
        [line] = [line for line in PAGE.splitlines() if "curl" in line and "/readyz" in line]
        command = line.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        done = subprocess.run(
            ["sh", "-c", command], cwd=site, capture_output=True, text=True, check=True, timeout=300
        )
        assert set(told) <= set(json.loads(done.stdout)["late"])
        assert key not in command
        assert key not in up.err.read_text()


async def test_only_who_brings_the_key_is_told_names_and_answers(tmp_path):
    async with Sink(password="đúng") as sink:
        await asyncio.to_thread(attack, tmp_path, sink.port)
