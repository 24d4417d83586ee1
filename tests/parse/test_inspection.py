"""What `bantin parse` prints, and the faults of sources that `check` finds."""

from __future__ import annotations

import gzip
import json

from service.cli.parse import look_at
from service.collect.faults import faults
from service.config.schema import Settings
from service.model import SourceKind
from service.net.client import Client
from service.parse.inspection import as_kind, look
from service.parse.options import ParseOptions, Selectors
from tests.net.wire import raw_server

FEED = """<rss version="2.0"><channel><title>Báo</title><link>https://bao.example/</link>
<language>vi</language><item><guid isPermaLink="false">1</guid><title>Sở KH&ĐT họp</title>
<link>/tin/1</link><pubDate>Tue, 24 Nov 2026 08:00:00 +0700</pubDate>
<description>&lt;p&gt;Sapo &lt;script&gt;x&lt;/script&gt;&lt;/p&gt;</description>
<enclosure url="https://bao.example/a.mp3" type="audio/mpeg" length="99999"/></item>
</channel></rss>""".encode()


def test_a_feed_in_the_shape_of_the_command_line(now):
    seen = look("bao.xml", FEED, {}, "https://bao.example/rss", now)
    assert json.loads(json.dumps(seen)) == {
        "input": "bao.xml",
        "ok": True,
        "error": None,
        "feed": {"title": "Báo", "link": "https://bao.example/", "language": "vi"},
        "entries": [
            {
                "id": "1",
                "link": "https://bao.example/tin/1",
                "title": "Sở KH&ĐT họp",
                "published": "2026-11-24T01:00:00Z",
                "updated": None,
                "summary": "Sapo",
                "content": "",
                "authors": [],
                "categories": [],
                "enclosures": [
                    {"url": "https://bao.example/a.mp3", "type": "audio/mpeg", "length": 99999}
                ],
                "image": None,
                "language": None,
            }
        ],
        "repairs": ["bare-ampersands"],
    }


def test_a_feed_that_is_packed_as_a_file_is_seen_as_it_is_read(now):
    packed = gzip.compress(FEED)
    assert look("bao.xml", packed, {}, None, now) == look("bao.xml", FEED, {}, None, now)
    assert "gzip is broken" in look("bao.xml", b"\x1f\x8b" + b"x" * 50, {}, None, now)["error"]


def test_without_an_address_relative_links_stay_as_they_are_written(now):
    (entry,) = look("bao.xml", FEED, {}, None, now)["entries"]
    assert entry["link"] == "/tin/1"


def test_what_cannot_be_read_has_the_same_shape(now):
    seen = look("x", b"<html>", {}, None, now)
    assert (seen["ok"], seen["feed"], seen["entries"]) == (False, None, [])
    assert "HTML page" in seen["error"]
    seen = look("x", b"<html>", {}, None, now, as_kind(ParseOptions(), "page"))
    assert "no list of news" in seen["error"]


def test_a_page_with_selectors_gives_its_list(now):
    reading = ParseOptions(SourceKind.PAGE, Selectors(entry="li"))
    body = b"<html lang=vi><title>Trang</title><li><a href='/1'>Tin</a></li>"
    seen = look("x", body, {}, "https://tinh.example/", now, reading)
    assert seen["page"]["title"] == "Trang"
    assert [entry["link"] for entry in seen["entries"]] == ["https://tinh.example/1"]


async def test_an_address_is_fetched_and_a_private_one_refused(now):
    async def script(talk):
        await talk.answer(FEED, "Content-Type: text/xml")

    async with raw_server(script) as wire:
        async with Client("test", ["127.0.0.0/8"]) as client:
            seen = await look_at(client, wire.url("/rss"), now)
            assert seen["ok"]
            assert seen["entries"][0]["link"] == wire.url("/tin/1")
        async with Client("test") as client:
            seen = await look_at(client, wire.url("/rss"), now)
            assert (seen["ok"], seen["input"]) == (False, wire.url("/rss"))
            assert "this machine" in seen["error"]


def _settings(url, *, collect=(), source=None):
    return Settings(
        collect={"allow_networks": collect},
        source={"a": {"url": url, **({"allow_networks": source} if source is not None else {})}},
    )


def test_addresses_that_can_never_be_entered_are_faults():
    for url in (
        "http://10.0.0.5/rss",
        "http://localhost:8000/rss",
        "http://[::1]/",
        "http://127.1",
    ):
        ((path, problem, remedy),) = faults(_settings(url))
        assert path == ("source", "a", "url")
        assert problem
        assert "allow_networks" in remedy


def test_what_is_open_or_must_be_looked_up_is_no_fault():
    assert faults(_settings("https://tuoitre.vn/rss")) == []
    assert faults(_settings("http://10.0.0.5/rss", collect=["10.0.0.0/8"])) == []
    assert faults(_settings("http://localhost/rss", source=["127.0.0.0/8"])) == []
    assert faults(_settings("http://10.0.0.5/rss", collect=["10.0.0.0/8"], source=[])) != []
