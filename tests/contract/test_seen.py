"""A real Prometheus watches a real `bantin up` while news goes from an outlet to a mail.

Every query of the dashboard is answered, one alert goes off because the relay stops, and one id is
found in the log at every step of the way.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, update

from service.store import tables as t
from service.store.core.database import Store
from tests.contract.way import outlets, parsed, rss, text_of
from tests.curate.stories.test_engine import strangers
from tests.mail.relays import Sink
from tests.prometheus import prometheus
from tests.running import Hasty, eventually, run, unused_port
from tests.runtime.monitoring import deployed

CONFIG = """
[site]
title = "Tin"
language = "vi"
[log]
format = "json"
[web]
listen = "127.0.0.1:{web}"
[metrics]
listen = "127.0.0.1:{metrics}"
key = {{ file = "metrics.key" }}
[collect]
allow_networks = ["127.0.0.0/8"]
interval = {{ min = "1s", max = "1s" }}
[topic.tin]
title = "Tin"
[source.bao]
url = "{outlet}"
topics = ["tin"]
[digest.tin]
cadence = "daily"
[mail]
from = "Tin <tin@example.vn>"
[mail.relay.chinh]
host = "127.0.0.1"
port = {relay}
"""
READER = "lan@example.vn"
OLD, NEW = (title for title, _ in strangers(2))
WAY = ["source", "stories judged", "published", "planned", "mails accepted"]
KEY = "chia-khoa"
SCRAPED_S = 0.5
"""Prometheus knows nothing new between two scrapes."""


def lines(folder):
    """What the service has logged, whole lines alone."""
    text = (folder / "up.err").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def articles(folder, event):
    return [
        one for line in lines(folder) if line["event"] == event for one in line.get("articles", ())
    ]


def a_day_earlier(folder):
    """All that came had come before the last daily cut, which the reader was not served yet."""
    day = timedelta(hours=25)
    store = Store(f"sqlite:///{folder}/var/bantin.db")
    try:
        with store.write() as connection:
            for column in (t.article.c.first_seen_at, t.article_topic.c.entered_at):
                for row in connection.execute(select(column).distinct()).all():
                    moved = update(column.table).where(column == row[0])
                    connection.execute(moved.values({column.name: row[0] - day}))
            now = datetime.now(UTC)
            begun = {"starts_at": now - 3 * day, "covered_to": now - 3 * day}
            connection.execute(update(t.subscription).values(next_cut_at=now, **begun))
    finally:
        store.close()


def scraped(port):
    """Metric -> its labels, as the service gives them to who has the key."""
    bearer = {"Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=bearer)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    assert READER not in text
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set(deployed.TARGET)).update(sample.labels)
    return {**found, "up": deployed.TARGET}


async def test_news_is_watched_on_its_way_and_a_relay_that_stops_is_an_alert(tmp_path):
    web, metrics = unused_port(), unused_port()
    config = tmp_path / "bantin.toml"
    async with outlets() as outlet, Sink() as sink:
        outlet.pages["/bao"] = ("application/rss+xml", rss(OLD))
        told = CONFIG.format(web=web, metrics=metrics, outlet=outlet.url("/bao"), relay=sink.port)
        config.write_text(told, encoding="utf-8")
        (tmp_path / "metrics.key").write_text(KEY)
        (tmp_path / "readers.csv").write_text(f"address,digest,cadence\n{READER},tin,daily\n")
        await run(config, "collect")
        await run(config, "subscribers", "import", str(tmp_path / "readers.csv"))
        up = Hasty(str(config), cwd=tmp_path)
        try:
            await asyncio.to_thread(up.wait_for, "serving")
            outlet.pages["/bao"] = ("application/rss+xml", rss(OLD, NEW))
            await eventually(lambda: articles(tmp_path, "published"))
            with prometheus(
                tmp_path / "prometheus", f"127.0.0.1:{metrics}", deployed.ALERTS, KEY
            ) as asked:
                await watched(tmp_path, config, sink, asked, metrics)
        finally:
            up.kill()


async def watched(folder, config, sink, asked, metrics):
    fails = "BantinSendingPaused"
    assert fails not in await asyncio.to_thread(asked.alerts)

    port = sink.port
    await sink.stop()
    await asyncio.to_thread(a_day_earlier, folder)
    seen = {}
    await eventually(lambda: seen.update(asked.alerts()) or fails in seen, every_s=SCRAPED_S)
    alert = seen[fails]
    assert alert["labels"]["relay"] == "chinh"
    assert alert["annotations"]["summary"] == "The relay chinh takes no mail from us."
    assert "bantin status" in alert["annotations"]["action"]
    known = await asyncio.to_thread(scraped, metrics)
    silent = {expr for _, expr in deployed.expressions()}
    await eventually(lambda: still_silent(asked, silent, "failing_since"), every_s=SCRAPED_S)

    await sink.start(port)
    await run(config, "reload")  # which tries a failing relay at once
    await eventually(lambda: articles(folder, "mails accepted"))
    await eventually(lambda: fails not in asked.alerts(), every_s=SCRAPED_S)
    known |= await asyncio.to_thread(scraped, metrics)
    await eventually(lambda: still_silent(asked, silent, ""), every_s=SCRAPED_S)

    known["bantin_mail_uncertain_since_timestamp_seconds"] = deployed.TARGET  # none is
    for expression in (expr for _, expr in deployed.expressions()):
        assert deployed.unknown(expression, known) == []

    # One id leads from the entry to the mail, and to nothing that is old.
    [article] = set(articles(folder, "source"))
    steps = [line["event"] for line in lines(folder) if article in line.get("articles", ())]
    assert list(dict.fromkeys(steps)) == WAY
    assert set(articles(folder, "mails accepted")) == {article}
    [mail] = sink.received
    assert NEW in " ".join(text_of(parsed(mail.data)).split())


def still_silent(asked, silent, wanted):
    """Ask a real Prometheus what the dashboard asks, until it has answered each with something.

    `silent`: the expressions that it has not answered yet. True: none with this word is left. That
    mails are uncertain nobody brings about here.
    """
    for expression in sorted(silent):
        said = expression.replace("$job", "bantin").replace("$__rate_interval", "30s")
        if asked.query(said):
            silent.discard(expression)
    return not [one for one in silent if wanted in one and "uncertain_since" not in one]
