"""The running service: `bantin up` as a process of its own, beside a publisher and a hub."""

from __future__ import annotations

import signal

from sqlalchemy import func, select

from service.store import tables as t
from service.store.core.database import Store
from tests.contract.websub.desk import rss
from tests.contract.websub.hub import running_hub
from tests.net.wire import raw_server
from tests.running import eventually, run_json, unused_port, up


def entries(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(t.entry)) or 0


async def test_news_come_through_the_running_service(tmp_path):
    address = f"127.0.0.1:{unused_port()}"

    async def publisher(talk):
        await talk.answer(rss("a", hub=hub.url, topic=wire.url("/rss")))

    async with raw_server(publisher) as wire, running_hub() as hub:
        config = tmp_path / "bantin.toml"
        config.write_text(
            f'[site]\ntitle = "Tin"\nbase_url = "http://{address}"\n[web]\nlisten = "{address}"\n'
            '[collect]\nallow_networks = ["127.0.0.0/8"]\nwebsub = true\n'
            f'[source.bao]\nurl = "{wire.url("/rss")}"\n'
        )
        async with up(config, end=signal.SIGTERM) as service:
            await eventually(lambda: hub.subscribed)
            assert await hub.deliver(rss("b")) == 202
            store = Store(f"sqlite:///{tmp_path}/var/bantin.db")
            await eventually(lambda: entries(store) == 2)
            store.close()
            [source] = (await run_json(config, "status"))["sources"]
            assert (source["entries"], source["websub"]["deliveries"]) == (2, 1)
            [listed] = await run_json(config, "sources", "list")
            assert listed["websub"]["state"] == "alive"
            # Removed from the TOML, it is given up at the hub.
            config.write_text(config.read_text().partition("[source")[0])
            service.send_signal(signal.SIGHUP)
            await eventually(lambda: not hub.subscribed)
