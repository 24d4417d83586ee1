"""`sources discover`, and `add` with a site's address: what is pasted works as it was shown."""

from __future__ import annotations

import socket
import tomllib

import pytest

from tests.cli.conftest import rss
from tests.collect import outlets
from tests.collect.outlets import declared, feed, page
from tests.parse import portals


def at(web, answers):
    web.pages |= {
        path: body.encode() for path, body in answers.items() if isinstance(body, str)
    }  # fmt: skip


def names(entries):
    return [(one["title"], one["link"]) for one in entries]


@pytest.fixture
def portal(web):
    """A portal without a feed, at /tin-tuc of the test's server."""
    made = portals.liferay()
    web.pages["/tin-tuc"] = outlets.moved(made, web.base).encode()
    return made


def test_what_is_shown_is_toml_that_gives_the_same_entries(ask, run, site, web, portal):
    shown = run("sources", "discover", f"{web.base}/tin-tuc")
    assert "1 page found" in shown.stderr
    assert tomllib.loads(shown.stdout)["source"].keys() == {"127-0-0-1"}
    (site / "feeds").mkdir()
    (site / "feeds" / "portal.toml").write_text(shown.stdout)
    run("check")
    run("collect", "127-0-0-1")
    stored = ask("articles", "--source", "127-0-0-1")
    assert {one["title"] for one in stored} == set(portal.titles)
    found = ask("sources", "discover", f"{web.base}/tin-tuc")["found"]
    assert [(one["kind"], one["entries"]) for one in found] == [("page", 8)]
    assert found[0]["selectors"] == tomllib.loads(shown.stdout)["source"]["127-0-0-1"]["page"]


def test_feeds_are_shown_as_tables_of_their_own_and_in_json(ask, run, site, web):
    at(web, outlets.newspaper().answers)
    shown = run("sources", "discover", web.base)
    told = tomllib.loads(shown.stdout)["source"]
    assert {name: one["url"] for name, one in told.items()} == {
        f"127-0-0-1-{name}": f"{web.base}/rss/{name}.rss"
        for name in ("giao-duc", "suc-khoe", "the-thao")
    }
    assert shown.stderr.splitlines()[-1] == "3 feeds found, 7 addresses asked"
    found = ask("sources", "discover", web.base)
    assert found["site"] == ""
    first = found["found"][0]
    assert (first["title"], first["entries"], first["comments"]) == ("Giáo dục - Báo C", 1, False)
    assert first["newest"] == "2026-11-20T01:00:00+00:00"
    assert first["toml"].startswith("[source.127-0-0-1-giao-duc]\n")
    assert found["refused"] == [
        {"url": f"{web.base}/rss/loi.rss", "reason": "the server answered 404 (Not Found)"}
    ]


def test_nothing_found_says_what_was_asked(ask, run, site, web):
    web.pages["/"] = page("<p>Xin chào</p>").encode()
    shown = run("sources", "discover", web.base, code=1)
    assert shown.stdout == ""
    assert f"{web.base}: found nothing to collect" in shown.stderr
    assert f"  {web.base}/feed/: the server answered 404" in shown.stderr
    told = ask("sources", "discover", web.base, code=1)
    assert told["found"] == []
    assert len(told["refused"]) == told["asked"] - 2  # but the page itself, and robots.txt


def test_a_site_that_does_not_answer_is_named(run, site):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        shown = run("sources", "discover", url, code=1)
    assert shown.stderr.startswith(f"{url}: no connection")


def test_a_host_alone_is_asked_over_https_and_then_over_http(ask, site, web):
    at(web, outlets.wordpress().answers)
    host = web.base.removeprefix("http://")
    assert next(one["url"] for one in ask("sources", "discover", host)["found"]) == (
        f"{web.base}/feed/"
    )


def test_without_a_configuration_private_addresses_stay_closed(run, folder, web):
    shown = run("sources", "discover", web.base, code=1)
    assert shown.stderr == (
        f"{web.base}: 127.0.0.1 is this machine itself; open its network: "
        'allow_networks = ["127.0.0.1"], in [collect] or in the source\n'
    )
    run("sources", "discover", web.base, "--config", "mine.toml", code=2)
    assert "is not a web address" in run("sources", "discover", "ftp://x.example", code=2).stderr


def added(site):
    return tomllib.loads((site / "feeds" / "added.toml").read_text())["source"]


def test_a_sites_address_adds_the_feed_that_it_declares(ask, run, site, web):
    at(web, outlets.wordpress().answers)
    said = run("sources", "add", f"{web.base}/", "--topic", "tin").stdout.splitlines()
    assert said[0] == f"{web.base}/ leads to {web.base}/feed/ (the page declares it)"
    assert said[1].startswith("added [source.127-0-0-1] to ")
    assert said[1].endswith("feeds/added.toml: 8 entries, newest 2026-11-22 08:00")
    assert added(site) == {"127-0-0-1": {"url": f"{web.base}/feed/", "topics": ["tin"]}}
    told = ask("sources", "add", f"{web.base}/chuyen-muc/giao-duc/")
    assert told["url"] == f"{web.base}/chuyen-muc/giao-duc/feed/"
    assert (told["kind"], told["entries"], told["why"]) == ("feed", 2, "the page declares it")


def test_where_several_are_meant_nothing_is_added(ask, run, site, web):
    at(web, outlets.newspaper().answers)
    said = run("sources", "add", web.base, code=1)
    assert f"{web.base} does not say which feed is meant; nothing was added" in said.stderr
    assert f"  bantin sources add {web.base}/rss/the-thao.rss\n" in said.stderr
    assert not (site / "feeds" / "added.toml").exists()
    told = ask("sources", "add", web.base, code=1)
    assert (told["id"], len(told["found"])) == (None, 3)
    run("sources", "add", f"{web.base}/rss/the-thao.rss")
    assert [one["url"] for one in added(site).values()] == [f"{web.base}/rss/the-thao.rss"]


def test_a_page_without_a_feed_is_added_when_it_is_asked_for(ask, run, site, web, portal):
    said = run("sources", "add", f"{web.base}/tin-tuc", code=1)
    assert "has no feed; nothing was added" in said.stderr
    assert f"  bantin sources add {web.base}/tin-tuc --kind page\n" in said.stderr
    told = ask("sources", "add", f"{web.base}/tin-tuc", "--kind", "page")
    assert (told["kind"], told["entries"]) == ("page", None)
    assert added(site) == {"127-0-0-1": {"kind": "page", "url": f"{web.base}/tin-tuc"}}
    assert "8 new entries" in run("collect", "127-0-0-1").stdout


def test_an_address_that_is_gone_is_not_replaced_silently(run, site, web):
    web.pages |= {
        "/": page("", declared("/moi.rss")).encode(), "/moi.rss": feed("Tin một").encode(),
    }  # fmt: skip
    said = run("sources", "add", f"{web.base}/cu.rss", code=1)
    assert f"{web.base}/cu.rss: the server answered 404" in said.stderr
    assert f"  bantin sources add {web.base}/moi.rss\n" in said.stderr
    assert not (site / "feeds" / "added.toml").exists()
    run("sources", "add", f"{web.base}/cu.rss", "--kind", "feed")
    assert list(added(site)) == ["127-0-0-1"]


def test_what_cannot_be_had_just_now_is_added_as_it_is(run, site):
    said = run("sources", "add", "https://bao-c.example/rss")
    assert said.stderr.startswith("not tried: ")
    assert "added as it is" in said.stderr
    assert "added [source.bao-c-example]" in said.stdout


def test_a_feed_is_added_with_what_it_gives(ask, run, site, web):
    web.pages["/c.xml"] = rss("Một", "Hai")
    said = run("sources", "add", f"{web.base}/c.xml").stdout
    assert "feeds/added.toml: 2 entries, without dates\n" in said


def test_a_site_with_a_source_is_reached_as_that_source_is(ask, run, site, web):
    """The address would stay closed without the source's own networks."""
    config = site / "bantin.toml"
    whole = config.read_text()
    opened = 'allow_networks = ["127.0.0.0/8"]'
    web.pages["/c.xml"] = rss("Một")
    config.write_text(whole.replace(opened, 'allow_networks = ["127.0.0.9/32"]'))
    run("sources", "discover", f"{web.base}/c.xml", code=2)  # its own sources are closed too
    own = whole.replace(opened, "").replace('.xml"', f'.xml"\n{opened}')
    config.write_text(own)
    (found,) = ask("sources", "discover", f"{web.base}/c.xml")["found"]
    assert found["entries"] == 1
    # What is pasted stands in no other source's network: it needs its own.
    pasted = tomllib.loads(found["toml"])["source"]
    assert pasted["127-0-0-1"]["allow_networks"] == ["127.0.0.0/8"]
    config.write_text(f"{own}\n{found['toml']}")
    run("check")
