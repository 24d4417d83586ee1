"""How a source is reached: from the TOML to the wire, and every contradiction with its line."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest

from service.collect.politeness.access import access_of
from service.collect.polling.poll import collect
from service.config.loading import load
from service.net.access import Route
from service.runtime.check import check
from service.store.sources import registry
from tests.collect.polling.test_poll import rss
from tests.levels import table
from tests.net.proxy import forward_proxy
from tests.net.wire import raw_server


@pytest.fixture
def told(tmp_path):
    """What `check` says of a source's lines: faults, else warnings, without the file's name."""

    def ask(lines, collect=""):
        text = f"[source.a]\nurl = 'https://a.vn/rss'\n{dedent(lines).strip()}\n"
        path = tmp_path / "bantin.toml"
        path.write_text(f"{text}[collect]\n{collect}", encoding="utf-8")
        checked = check(path, {"PW": "geheim", "TWO": "a\nb"})
        found = [str(one) for one in checked.faults or checked.warnings]
        assert "geheim" not in repr(found)
        return [line.replace(f"{path}:", "").replace("source.a.", "") for line in found]

    return ask


@table(
    ("lines", "fault"),
    [
        ("headers = { Host = 'x' }",
         "3: headers.Host: belongs to the connection and is written by us; take it out"),
        ("headers = { user-agent = 'Mozilla' }",
         "3: headers.user-agent: says who we are; publishers must find us by it; take it out"),
        ("headers = { If-None-Match = '*' }",
         ("3: headers.If-None-Match: is ours: it asks whether the document has changed; take it "
         "out")),
        ("headers = { Proxy-Authorization = 'x' }",
         "3: headers.Proxy-Authorization: is for a proxy; write proxy_auth"),
        ("headers = { 'X Key' = 'x' }",
         '3: headers."X Key": is not a name of a header; write one such as "X-Key"'),
        ("headers = { X-Key = 'x', x-key = 'y' }",
         '3: headers.x-key: stands as "X-Key" too; keep one of them'),
        ("headers = { X-Key = { env = 'TWO' } }",
         "3: headers.X-Key: has a line break or control character; write it on one line"),
        ("headers = { Authorization = 'Bearer x' }\nauth = { username = 'a', password = 'b' }",
         "3: headers.Authorization: stands beside auth, which says the same; keep one of them"),
        ("auth = { username = 'a:b', password = 'c' }",
         "3: auth.username: has a colon in it; HTTP can carry no such name"),
        ("proxy = 'http://10.0.0.1:3128'",
         ("3: proxy: 10.0.0.1 stands in a private network; open its network: "
         'allow_networks = ["10.0.0.1"], in [collect] or in the source')),
        ("proxy = 'http://localhost:3128'",
         ("3: proxy: localhost is this machine itself; open its network: "
         'allow_networks = ["127.0.0.1", "::1"], in [collect] or in the source')),
        ("proxy_auth = { username = 'a', password = 'b' }",
         ("3: proxy_auth: is a login for a proxy, but there is none; "
         'write proxy = "http://host:port", or take it out')),
        ("ca = '/dev/null'",
         ("3: ca: the file /dev/null holds no certificate in PEM; "
         "write the path of a PEM file that the service can read")),
        ("ca = '/no/such.pem'",
         ("3: ca: the file /no/such.pem cannot be read (No such file or directory); "
         "write the path of a PEM file that the service can read")),
    ],
)  # fmt: skip
def test_what_can_never_work_is_a_fault(told, lines, fault):
    assert told(lines) == [fault]


def test_a_proxy_of_all_is_a_fault_once(told):
    assert told("", "proxy = 'http://10.0.0.1:3128'") == [
        (
            "5: collect.proxy: 10.0.0.1 stands in a private network; open its network: "
            'allow_networks = ["10.0.0.1"], in [collect] or in the source'
        )
    ]
    assert told("", "proxy = 'http://10.0.0.1:3128'\nallow_networks = ['10.0.0.1']") == []


def test_a_password_for_all_to_read_is_a_warning(told):
    login = "auth = { username = 'a', password = { env = 'PW' } }"
    assert told(login) == []
    assert (
        told(f"{login}\n[source.b]\nurl = 'http://127.0.0.1/'", "allow_networks = ['127.0.0.1']")
        == []
    )
    more = f"[source.b]\nurl = 'http://b.vn'\n{login}\nheaders = {{ Cookie = {{ env = 'PW' }} }}"
    assert told(more) == [
        "5: source.b.auth: the password travels for all to read; write https in url",
        "6: source.b.headers.Cookie: travels for all to read; write https in url",
    ]
    assert told("[source.b]\nurl = 'https://u:geheim@b.vn'") == [
        (
            "4: source.b.url: has a login in it; write auth = { username, password }, which no "
            "list of sources shows"
        )
    ]


def settings_of(tmp_path, text):
    path = tmp_path / "bantin.toml"
    path.write_text(dedent(text), encoding="utf-8")
    return load(path, {"PW": "bí-mật"}).settings


def test_a_login_of_a_proxy_is_never_told_to_another(tmp_path):
    settings = settings_of(
        tmp_path,
        """
        [collect]
        proxy = "http://one.example:3128"
        proxy_auth = { username = "a", password = "b" }
        [source.plain]
        url = "https://a.vn"
        [source.own]
        url = "https://b.vn"
        proxy = "http://two.example:3128"
        [source.direct]
        url = "https://c.vn"
        proxy = "none"
        [source.login]
        url = "https://d.vn"
        proxy_auth = { username = "c", password = "d" }
        """,
    )
    found = {name: access_of(one, settings.collect) for name, one in settings.source.items()}
    routes = {name: one and (one.route.proxy, one.route.proxy_auth) for name, one in found.items()}
    assert found["direct"] is None
    assert routes["own"] == ("http://two.example:3128", None)
    assert routes["plain"][0] == routes["login"][0] == "http://one.example:3128"
    logins = [routes[name][1].reveal() for name in ("plain", "login")]
    assert logins == ["Basic YTpi", "Basic Yzpk"]


def test_who_asks_for_nothing_of_its_own_is_asked_as_everybody(tmp_path):
    settings = settings_of(tmp_path, '[source.a]\nurl = "https://a.vn"')
    assert access_of(settings.source["a"], settings.collect) is None
    legacy = replace(settings.source["a"], tls="legacy")
    assert access_of(legacy, settings.collect).route == Route(legacy=True)


async def test_a_pass_tells_each_source_its_own_through_its_proxy(store, now, tmp_path):
    async def script(talk):
        if "/away" in talk.target:
            await talk.answer(b"", f"Location: {far.url('/rss')}", status="301 Moved")
        else:
            await talk.answer(rss(talk.target.strip("/")))

    async with raw_server(script) as near, raw_server(script) as far, forward_proxy() as proxy:
        settings = settings_of(
            tmp_path,
            f"""
            [collect]
            allow_networks = ["127.0.0.0/8"]
            [source.a]
            url = "{near.url("/away")}"
            auth = {{ username = "u", password = {{ env = "PW" }} }}
            headers = {{ "X-Key" = {{ env = "PW" }} }}
            [source.b]
            url = "{near.url("/b")}"
            proxy = "{proxy.url}"
            [source.c]
            url = "{near.url("/c")}"
            """,
        )
        with store.write() as connection:
            registry.register(connection, settings, now, retire=False)
        got = await collect(store, settings, lambda: now, owner="one")
    assert (got.ok, got.entries_new) == (3, 3)
    heads = {"/" + talk.target.rpartition("/")[2]: talk.raw for talk in near.asked}
    assert b"Authorization: Basic " in heads["/away"]
    assert "X-Key: bí-mật".encode() in heads["/away"]
    assert b"Authorization" not in heads["/b"] + heads["/c"] + far.asked[0].raw
    assert b"X-Key" not in heads["/b"] + heads["/c"] + far.asked[0].raw
    assert [head.split()[1].decode() for head in proxy.heads] == [near.url("/b")]
