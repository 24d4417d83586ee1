"""The running service: `bantin up` as a process of its own, beside a publisher and a hub."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from tests.contract.websub.desk import rss
from tests.contract.websub.hub import running_hub
from tests.net.wire import raw_server

ROOT = Path(__file__).parents[3]
MAIN = "from service.cli import main; main()"
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("BANTIN_")}


async def run(*arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MAIN, *arguments, "--json", cwd=ROOT, env=ENVIRON,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    return json.loads(out)


async def until(holds, *, seconds: float = 40.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - it is another process that we wait for
            await asyncio.sleep(0.2)


async def test_news_come_through_the_running_service(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"

    async def publisher(talk):
        await talk.answer(rss("a", hub=hub.url, topic=wire.url("/rss")))

    async with raw_server(publisher) as wire, running_hub() as hub:
        config = tmp_path / "bantin.toml"
        config.write_text(
            f'[site]\ntitle = "Tin"\nbase_url = "http://{address}"\n[web]\nlisten = "{address}"\n'
            '[collect]\nallow_networks = ["127.0.0.0/8"]\nwebsub = true\n'
            f'[source.bao]\nurl = "{wire.url("/rss")}"\n'
        )
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MAIN, "up", "--config", str(config), cwd=ROOT,
            env=ENVIRON, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await until(lambda: asyncio.sleep(0, bool(hub.subscribed)))
            assert await hub.deliver(rss("b")) == 202

            async def told() -> bool:
                source = (await run("status", "--config", str(config)))["sources"][0]
                return source["entries"] == 2 and source["websub"]["deliveries"] == 1

            await until(told)
            listed = await run("sources", "list", "--config", str(config))
            assert listed[0]["websub"]["state"] == "alive"
            # Removed from the TOML, it is given up at the hub.
            config.write_text(config.read_text().partition("[source")[0])
            service.send_signal(signal.SIGHUP)
            await until(lambda: asyncio.sleep(0, not hub.subscribed))
        finally:
            service.send_signal(signal.SIGTERM)
            await service.wait()
