"""Promise 8: hostile input stays outside. Private addresses, scripts, headers, escapes, marks."""

from __future__ import annotations

import io
import json
import re
import socket
from email.message import EmailMessage
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import lxml.html
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from click.testing import CliRunner
from lxml import etree
from sqlalchemy import select

from service.cli.app import cli
from service.errors import ConfigError
from service.net.client import Client
from service.runtime.composition import open_service
from service.store import tables as t
from tests.contract.way import (
    AFTER_THE_CUT,
    LOOPBACK,
    SITE,
    TODAY,
    Way,
    outlets,
    parsed,
    rss,
    text_of,
)
from tests.net.wire import raw_server

# -- private addresses ------------------------------------------------------------------------


class Names(AbstractResolver):
    """DNS in which every name leads to loopback."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET,
             "proto": 0, "flags": socket.AI_NUMERICHOST}
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is open."""


SPELLINGS = ("127.0.0.2", "127.2", "2130706434", "0x7f.0.0.2", "0177.0.0.2", "[::ffff:127.0.0.2]")


def test_a_private_address_in_the_configuration_is_a_fault_with_its_line(tmp_path):
    """Whoever means it opens the network; nothing is started before."""
    hosts = (*SPELLINGS, "localhost", "10.0.0.1", "[::1]", "169.254.169.254")
    sources = [f'[source.s{number}]\nurl = "http://{host}/"' for number, host in enumerate(hosts)]
    toml = tmp_path / "bantin.toml"
    toml.write_text("\n".join(sources))
    with pytest.raises(ConfigError) as caught:
        open_service(toml, {})
    assert [(fault.line, fault.key) for fault in caught.value.faults] == [
        (2 * number + 2, f"source.s{number}.url") for number in range(len(hosts))
    ]
    assert all("allow_networks" in fault.remedy for fault in caught.value.faults)
    assert not (tmp_path / "var").exists()


async def test_a_private_address_behind_a_name_or_a_redirect_is_refused_and_told(tmp_path):
    """At the socket, after DNS and after every redirect, for feeds and for pages."""

    async def send_on(talk):
        host = SPELLINGS[int(talk.target.strip("/"))]
        await talk.answer(b"", f"Location: http://{host}:{inside.port}/", status="302 Found")

    async with (
        raw_server(lambda talk: talk.answer(rss("Bí mật"))) as inside,
        raw_server(send_on) as door,
        Client("test", resolver=Names()) as client,
    ):
        sources = "".join(
            f"""
[source.door-{number}]
url = "{door.url(f"/{number}")}"
topics = ["tin"]
allow_networks = ["127.0.0.1/32"]
"""
            for number in range(len(SPELLINGS))
        )
        sources += f"""
[source.name]
url = "http://tin.example.com:{inside.port}/"
topics = ["tin"]
[source.page]
url = "http://www.example.com:{inside.port}/"
kind = "page"
page = {{ entry = "p" }}
[source.honest]
url = "{inside.url()}"
topics = ["tin"]
allow_networks = ["127.0.0.0/8"]
"""
        way = Way(tmp_path, f'{SITE}{sources}\n[topic.tin]\ntitle = "Tin"\n')
        got = await way.collect(client=client)
        assert (got.tried, got.ok, got.entries_new) == (len(SPELLINGS) + 3, 1, 1)
        assert len(inside.asked) == 1, "somebody was let in"
        assert len(door.asked) == len(SPELLINGS)
    said = way.status()["sources"]
    for name in got.failed:
        assert said[name]["state"] == "failing"
        assert "this machine itself" in said[name]["error"], (name, said[name]["error"])
        assert said[name]["entries"] == 0
    assert said["honest"]["state"] == "ok"
    way.close()


# -- hostile words ----------------------------------------------------------------------------

EVIL = "evil@example.com"
SCRIPT = "<script>alert(1)</script>"
MARKS = "\ufdd0unsubscribe_url\ufdd1 \ufdd0address\ufdd1"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x00"
HEADERS = f"\r\nBcc: {EVIL}\r\nContent-Type: text/html\r\n\r\n<b>{EVIL}</b>"
MARKUP = (
    f"{SCRIPT}<img src=x onerror=alert(1)><a href='javascript:alert(1)'>x</a>"
    "<iframe src='https://evil.example'></iframe><style>*{display:none}</style>"
    "<meta http-equiv=refresh content='0;url=https://evil.example'><base href='https://evil.example'>"
    "<form action='https://evil.example'><input name=p></form><svg onload=alert(1)></svg>"
    "<object data=x></object><embed src=x><link rel=stylesheet href='https://evil.example/x.css'>"
    "<math><mtext></mtext></math><!-- --><p style='position:fixed' onclick='alert(1)'>Sapo.</p>"
)
BREAKOUTS = "\"' onmouseover='alert(1)' --></title></textarea></style>]]>&lt;script&gt;alert(1)"
TEMPLATE = "{{ 7*7 }}{% raw %}${7*7}<%= 7*7 %>"
HOSTILE = (SCRIPT, MARKS, ESCAPES, HEADERS, MARKUP, BREAKOUTS, TEMPLATE)

FORBIDDEN_TAGS = {"iframe", "object", "embed", "form", "base", "input", "svg", "math", "style",
                  "link", "meta", "script"}  # fmt: skip
"""In what an outlet wrote. Pages of ours have some of them around it."""


def json_feed(evil: bool) -> bytes:
    """Seven entries; the honest ones have the same shape as the hostile ones."""
    items = [
        {
            "id": f"j{number}",
            "url": "javascript:alert(1)" if evil and number == 3 else f"https://j.example/{number}",
            "title": f"Tin số {number}" + (f" {words} hết" if evil else ""),
            "summary": f"Sapo {number}" + (words if evil else ""),
            "content_html": f"<p>Bài {number}</p>" + (words + MARKUP if evil else ""),
            "authors": [{"name": "Hà" + (words if evil else "")}],
            "tags": ["Tin" + (words if evil else "")],
            "image": "javascript:alert(1)" if evil else "https://j.example/a.jpg",
            "date_published": "2026-11-23T20:00:00Z",
        }
        for number, words in enumerate(HOSTILE)
    ]
    title = "Báo J" + ("".join(HOSTILE) if evil else "")
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": title, "items": items}
    return json.dumps(feed).encode()


def xml_feed(evil: bool) -> bytes:
    """The same for what XML can carry."""
    items = "".join(
        f"<item><guid>x{number}</guid><title>{_xml(f'Tin XML {number}', words, evil)}</title>"
        f"<link>https://x.example/{number}</link><author>{_xml('Hà', words, evil)}</author>"
        f"<description>{_xml(f'Sapo {number}', words, evil)}</description>"
        f"<category>{_xml('Tin', words, evil)}</category></item>"
        for number, words in enumerate(HOSTILE)
    )
    title = _xml("Báo X", "".join(HOSTILE), evil)
    return f"<rss version='2.0'><channel><title>{title}</title>{items}</channel></rss>".encode()


def _xml(honest: str, words: str, evil: bool) -> str:
    legal = re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "", words)
    return honest + (escape(f" {legal} ").replace("\r", "&#13;").replace("\n", "&#10;") * evil)


async def walk(folder: Path, *, evil: bool) -> Way:
    """The whole way of both feeds, `full` so that as much of them as possible is shown."""
    async with outlets() as served:
        empty = {"version": "https://jsonfeed.org/version/1.1", "title": "Báo J", "items": []}
        served.pages["/j"] = ("application/feed+json", json.dumps(empty).encode())
        served.pages["/x"] = ("application/rss+xml", rss())
        toml = f"""{SITE}{LOOPBACK}
[publish]
content = "full"
[stories]  # its outlets say the same, and each must be seen
enabled = false
[source.j]
url = "{served.url("/j")}"
topics = ["tin"]
[source.x]
url = "{served.url("/x")}"
topics = ["tin"]
[topic.tin]
title = "Tin"
[topic.khac]
title = "Khác"
any = ["tin"]
[digest.ngay]
title = "Điểm tin"
cadence = "daily"
"""
        way = Way(folder, toml)
        await way.collect()
        way.subscribe("minh@example.vn", "ngay")
        served.pages["/j"] = ("application/feed+json", json_feed(evil))
        served.pages["/x"] = ("application/rss+xml", xml_feed(evil))
        way.now = TODAY
        got = await way.collect()
        assert (got.failed, got.entries_new) == ({}, 2 * len(HOSTILE))
    way.now = AFTER_THE_CUT
    assert dict((await way.publish()).failed) == {}
    _, sent = await way.mail()
    assert dict(sent.counts) == {"accepted": 1}
    assert way.write_site().failed == {}
    return way


@pytest.fixture
async def ways(tmp_path):
    """The same site with honest and with hostile outlets."""
    honest = await walk(tmp_path / "honest", evil=False)
    hostile = await walk(tmp_path / "hostile", evil=True)
    yield honest, hostile
    honest.close()
    hostile.close()


async def test_hostile_words_come_out_harmless_everywhere(ways):
    honest, hostile = ways
    _assert_stored_text_is_clean(hostile)
    _assert_feeds_are_harmless(hostile)
    _assert_pages_are_harmless(honest, hostile)
    _assert_mail_is_harmless(honest, hostile)
    _assert_terminal_is_left_alone(hostile)


def _assert_stored_text_is_clean(way: Way) -> None:
    stored = way.rows(select(t.article))
    assert len(stored) > 3
    for row in stored:
        lines = (row.title, *row.authors, *row.categories)
        for text in lines:
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef]", text), text
        for text in (row.lead, row.content):
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef]", text), text
        assert row.link is None or urlsplit(row.link).scheme in ("http", "https")
        assert row.image is None or urlsplit(row.image["url"]).scheme in ("http", "https")


def _assert_feeds_are_harmless(way: Way) -> None:
    for feed in ("tin", "all"):
        for format_ in ("atom", "rss"):
            body = way.feed(feed, format_)
            etree.fromstring(body, etree.XMLParser(resolve_entities=False))
            read = feedparser.parse(io.BytesIO(body), sanitize_html=False)
            assert len(read.entries) == 2 * len(HOSTILE)
            for entry in read.entries:
                assert _control(entry.title) is None
                assert urlsplit(entry.link).scheme == "http" or entry.link.startswith("https:")
                for part in (entry.summary_detail, *entry.get("content", ())):
                    # Atom says which part is plain text; in RSS readers take every part as HTML.
                    if part.type != "text/plain" or format_ == "rss":
                        _assert_fragment_is_harmless(part.value)
        for item in json.loads(way.feed(feed, "json"))["items"]:
            _assert_fragment_is_harmless(item["content_html"])
            assert _control(item["title"]) is None
            assert urlsplit(item.get("image", "https:")).scheme in ("http", "https")


def _assert_fragment_is_harmless(html: str) -> None:
    """As a feed reader shows it that cleans nothing itself."""
    assert _control(html) is None
    if not html.strip():
        return
    root = lxml.html.fragment_fromstring(html, create_parent="div")
    assert {element.tag for element in root.iter()} & FORBIDDEN_TAGS == set()
    _assert_no_handler(root)


def _assert_no_handler(root) -> None:
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        for name, value in element.attrib.items():
            assert not name.startswith("on"), (element.tag, name, value)
            if name in ("href", "src", "action", "data", "poster", "srcset"):
                assert not re.match(r"(?i)\s*(javascript|data|vbscript):", value), value
                assert "evil.example" not in value


def _assert_pages_are_harmless(honest: Way, hostile: Way) -> None:
    """No page has an element that the honest page does not have as well."""
    pages = sorted(hostile.site_folder.rglob("*.html"))
    assert len(pages) > 2 * len(HOSTILE)
    kinds = {path.parent.parent.name or "home" for path in pages}
    assert {"topics", "stories", "digests"} <= kinds
    roots = [lxml.html.parse(str(path)).getroot() for path in honest.site_folder.rglob("*.html")]
    known = {one.tag for root in roots for one in root.iter()} | {"b", "i", "p", "img", "a"}
    ours = {lxml.html.tostring(one) for root in roots for one in root.iter("script", "style")}
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert _control(text) is None, path
        root = lxml.html.fromstring(path.read_bytes())
        assert {one.tag for one in root.iter()} <= known, path
        assert {lxml.html.tostring(one) for one in root.iter("script", "style")} <= ours, path
        assert not root.xpath("//meta[@http-equiv]"), path
        _assert_no_handler(root)
    home = (hostile.site_folder / "index.html").read_text(encoding="utf-8")
    assert "{{ 7*7 }}" in home, "words that look like a template are only words"


def _assert_mail_is_harmless(honest: Way, hostile: Way) -> None:
    (good,), (bad,) = honest.outbox_files().values(), hostile.outbox_files().values()
    mail, pattern = parsed(bad), parsed(good)
    assert mail.keys() == pattern.keys(), "a headline made a header"
    assert [mail["To"], len(mail.get_all("Subject"))] == ["minh@example.vn", 1]
    head = bad.split(b"\r\n\r\n", 1)[0]
    assert b"\r\nBcc" not in head
    assert b"\x1b" not in bad
    assert _control(str(mail["Subject"])) is None
    assert mail.defects == []
    assert [part.get_content_type() for part in mail.walk()] == [
        part.get_content_type() for part in pattern.walk()
    ]
    text, html = text_of(mail), text_of(mail, "html")
    assert _control(text) is None
    assert _control(html) is None
    root = lxml.html.fromstring(html)
    _assert_no_handler(root)
    known = {one.tag for one in lxml.html.fromstring(text_of(pattern, "html")).iter()}
    assert {one.tag for one in root.iter()} <= known
    # A mark that an outlet writes is not filled in: the link to stop stands where it always stood.
    for kind in ("plain", "html"):
        for word in (_token(mail), "minh@example.vn"):
            honest_word = _token(pattern) if word == _token(mail) else word
            assert text_of(mail, kind).count(word) == text_of(pattern, kind).count(honest_word)
    assert "{{ 7*7 }}" in text, "words that look like a template are only words"


def _token(mail: EmailMessage) -> str:
    return urlsplit(str(mail["List-Unsubscribe"]).strip("<>")).path.rpartition("/")[2]


def _assert_terminal_is_left_alone(way: Way) -> None:
    for command in (
        ("status",),
        ("articles", "--topic", "tin"),
        ("explain", "https://j.example/2"),
        ("sources", "list"),
    ):
        done = CliRunner().invoke(cli, [*command, "--config", str(way.config)])
        assert done.exit_code == 0, done.output
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.output), command


def _control(text: str) -> re.Match[str] | None:
    """A character that no text of ours may carry."""
    return re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]", text)


async def test_what_a_failing_server_says_leaves_the_terminal_alone(tmp_path):
    """Reason phrases, addresses of redirects and the beginning of a document end in `status`."""
    answers = {
        "/reason": b"HTTP/1.1 599 \x1b[2J<b>owned</b>\x07\r\nContent-Length: 0\r\n\r\n",
        "/packed": b"HTTP/1.1 200 OK\r\nContent-Encoding: \x1b[2Jx\r\nContent-Length: 1\r\n\r\nx",
        "/away": b"HTTP/1.1 302 Found\r\nLocation: gopher://\x1b[2J/\r\nContent-Length: 0\r\n\r\n",
        "/start": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n\x1b[2J\x1b]0;owned\x07\x9b31m",
        "/kind": b"HTTP/1.1 200 OK\r\nContent-Type: a/\x1b[2J\r\nContent-Length: 2\r\n\r\nxx",
    }
    async with raw_server(lambda talk: talk.send(answers[talk.target])) as wire:
        sources = [f'[source.{path[1:]}]\nurl = "{wire.url(path)}"\n' for path in answers]
        way = Way(tmp_path, SITE + LOOPBACK + "".join(sources))
        got = await way.collect()
        assert len(got.failed) == len(answers)
    shown = CliRunner().invoke(cli, ["status", "--config", str(way.config)]).output
    assert "599" in shown
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown) is None
    way.close()
