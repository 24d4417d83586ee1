"""A dead source beside the running service: what its site has now is suggested, everywhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.collect.outlets import declared, feed, page
from tests.running import readyz, until


def test_the_running_service_suggests_and_an_edit_of_the_toml_takes_it(
    ask, run, site, web, free_port, start
):
    config = site / "bantin.toml"
    config.write_text(f'{config.read_text()}\n[web]\nlisten = "127.0.0.1:{free_port}"\n')
    del web.pages["/a.xml"]
    web.pages |= {
        "/": page("", declared("/moi.rss")).encode(),
        "/moi.rss": feed("Tin ở nơi mới", name="Báo A mới").encode(),
    }
    run("collect")
    with closing(sqlite3.connect(site / "var" / "bantin.db")) as store, store:  # days later
        store.execute(
            "UPDATE source_poll SET failures = 3, dead_since = '2020-01-01 00:00:00.000000' "
            "WHERE source_id = (SELECT id FROM source WHERE name = 'bao-a')"
        )
    up = start("up", cwd=site)
    up.wait_for(f"serving http://127.0.0.1:{free_port}/")
    said = f"its site has {web.base}/moi.rss (Báo A mới, 1 entry)"
    until(lambda: said in readyz(free_port, site / "var")[1])
    told = {one["id"]: one for one in ask("status")["sources"]}
    assert told["bao-a"]["suggestions"][0]["url"] == f"{web.base}/moi.rss"
    assert said in told["bao-a"]["reason"]
    assert said in run("status").stdout
    assert f"; {said}" in run("sources", "list").stderr
    assert said in {one["id"]: one for one in ask("sources", "list")}["bao-a"]["suggestion"]
    assert told["bao-b"]["suggestions"] == []
    config.write_text(config.read_text().replace("/a.xml", "/moi.rss"))
    run("reload")
    until(lambda: ask("status")["sources"][0]["state"] == "ok")
    assert ask("status")["sources"][0]["suggestions"] == []
    assert up.stop() == 0
