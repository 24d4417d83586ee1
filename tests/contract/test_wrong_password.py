"""A relay that refuses our password: everybody who looks is told, and it is told when it is over.

A real `bantin up` beside a real SMTP server; commands run beside it.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from service.cli.app import cli
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.mail.relays import Sink
from tests.mail.stock import fill
from tests.running import Hasty, ready, run_json

ADDRESSES = ["lan@example.vn", "minh@example.vn", "hoa@example.vn"]

TOML = """
[site]
title = "Tin"
language = "vi"
timezone = "Asia/Ho_Chi_Minh"

[web]
listen = "127.0.0.1:{port}"

[topic.giao-duc]
title = "Giáo dục"
any = ["giáo dục"]

[digest.tuan]
cadence = "weekly"

[mail]
from = "Tin <tin@example.vn>"

[mail.relay.chinh]
host = "127.0.0.1"
port = {relay}
username = "tin"
password = "{password}"
"""


@pytest.fixture
def site(tmp_path, unused_tcp_port):
    """A folder whose store has three mails that are due, and what writes its configuration."""
    (tmp_path / "var").mkdir()
    store = Store(f"sqlite:///{tmp_path / 'var' / 'bantin.db'}")
    migrate(store)
    fill(store, datetime.now(UTC), ADDRESSES)
    store.close()

    def configure(relay: int, password: str) -> None:
        toml = TOML.format(port=unused_tcp_port, relay=relay, password=password)
        (tmp_path / "bantin.toml").write_text(toml, encoding="utf-8")

    return tmp_path, unused_tcp_port, configure


def command(folder, *args: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [*args, "--config", str(folder / "bantin.toml")])
    return done.exit_code, done.stdout


async def test_a_wrong_password_is_named_wherever_an_admin_looks_until_it_is_repaired(site):
    folder, port, configure = site

    async def run(*args: str) -> tuple[int, str]:
        return await asyncio.to_thread(command, folder, *args)

    async def until(status: int, words: str) -> str:
        return await asyncio.to_thread(ready, port, folder / "var", status, words)

    async with Sink(password="đúng") as sink:
        configure(sink.port, "sai")
        up = Hasty(str(folder / "bantin.toml"), cwd=folder)
        try:
            told = await until(503, "chinh")
            assert "535" in told
            assert "Mails that wait: 3" in told

            up.kill()  # it is known after a start, long before the next try
            up = Hasty(str(folder / "bantin.toml"), cwd=folder)
            assert "535" in await until(503, "chinh")

            [relay] = (await run_json(folder / "bantin.toml", "status"))["relays"]
            assert (relay["id"], relay["state"], relay["waiting"]) == ("chinh", "failing", 3)
            assert "535" in relay["answer"]
            assert relay["since"] < relay["next_try"]
            assert "! The relay chinh has taken no mail since" in (await run("status"))[1]

            listed = json.loads((await run("deliveries", "list", "--json"))[1])
            assert sorted(one["address"] for one in listed) == sorted(ADDRESSES)
            for one in listed:
                assert one["state"] == "deferred"
                assert "535" in one["reply"]
                assert one["next_try_at"] is not None
            assert "hoa@example.vn" in (await run("deliveries", "list"))[1]

            code, said = await run("check", "--live")
            assert code == 1
            [line] = [line for line in said.splitlines() if "relay chinh" in line]
            assert line.startswith("FAIL")
            assert "535" in line

            code, said = await run("mail", "test", "admin@example.vn")
            assert code == 1
            assert "535" in said

            configure(sink.port, "đúng")
            code, said = await run("check", "--live")
            assert code == 0
            assert f"ok    relay chinh: 127.0.0.1:{sink.port}" in said
            assert sink.received == [], "checking sends nothing"
            assert (await run("reload"))[0] == 0
            await until(200, "")
            while len(sink.received) < len(ADDRESSES):  # one is the probe, then the others go
                assert not up.process.poll()
                await asyncio.sleep(0.1)
            assert sorted(one.recipient for one in sink.received) == sorted(ADDRESSES)
            for _ in range(100):  # until the last answer is committed
                if (listed := (await run("deliveries", "list", "--json"))[1]) == "[]\n":
                    break
                await asyncio.sleep(0.1)
            assert json.loads(listed) == []
            [relay] = json.loads((await run("status", "--json"))[1])["relays"]
            assert (relay["state"], relay["since"], relay["waiting"]) == ("ok", None, 0)
        finally:
            up.kill()
