"""Sending beside a reload."""

from __future__ import annotations

from datetime import UTC, datetime

from service.runtime import pipeline
from service.runtime.composition import load, open_service
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.contract.test_wrong_password import TOML
from tests.mail.relays import Sink
from tests.mail.stock import fill


async def test_a_password_that_is_corrected_while_mail_goes_out_counts_at_once(tmp_path):
    config = tmp_path / "bantin.toml"
    (tmp_path / "var").mkdir()
    store = Store(f"sqlite:///{tmp_path / 'var' / 'bantin.db'}")
    migrate(store)
    fill(store, datetime.now(UTC), ["lan@example.vn", "minh@example.vn"])
    store.close()

    def reload(step: str, _who: str) -> None:
        """In the middle of the run that logs in with the old one."""
        if step == "helo" and 'password = "sai"' in config.read_text("utf-8"):
            config.write_text(TOML.format(port=0, relay=sink.port, password="đúng"), "utf-8")
            service.take(load(config, {}), retire=True, reloaded=True)
            pipeline.probe_relays(service)

    async with Sink(reload, password="đúng") as sink:
        config.write_text(TOML.format(port=0, relay=sink.port, password="sai"), "utf-8")
        service = open_service(config, {})
        try:
            await pipeline.send(service)
            assert sink.received == []
            await pipeline.send(service)
            assert len(sink.received) == 2
        finally:
            service.close()
