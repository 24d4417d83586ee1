"""Strangers at the admin pages of a running `bantin up`: straight, and behind a bare proxy.

Behind nginx's default `proxy_pass` everybody comes from loopback and the service's own address is
the Host, so neither peer nor Host proves anything: the pages need a key that this machine alone can
read.
"""

from __future__ import annotations

import contextlib
import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from service.web.admin import admin_key
from tests.nginx import nginx
from tests.running import Running, finished, unused_port

PATHS = ("/admin/", "/admin", "/outbox/", "/outbox", "/outbox/abc", "/outbox/abc/html")

CONFIG = """\
[site]
title = "Tin Trung Du"
language = "vi"
{site}
[web]
listen = "127.0.0.1:{port}"
{web}
[topic.tin]
title = "Tin"
any = ["giáo dục"]
[digest.tuan]
cadence = "weekly"
"""

BARE_PROXY = "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {behind}; }} }}"
"""nginx with its default `proxy_pass`: Host of the service, and no word of the visitor."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(port: int, path: str, **headers: str) -> Answer:
    """One GET with these headers; Host is one of them if it is to be forged."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, said, answer.read())


@dataclass(frozen=True)
class Site:
    """A running service, and the port of the proxy in front of it."""

    folder: Path
    port: int
    proxy: int
    running: Running

    @property
    def key(self) -> str:
        return (self.folder / "var" / admin_key.NAME).read_text().strip()

    @property
    def up_link(self) -> str:
        return below(self.running.out.read_text())

    def link(self, *args: str) -> str:
        """What `bantin admin link` prints, without scheme and host."""
        return below(finished("admin", "link", *args, cwd=self.folder).stdout)


def below(said: str) -> str:
    """The path and query of the first admin address in what was said."""
    found = re.search(r"https?://[^/\s]+(/admin/\?key=\S+)", said)
    assert found is not None, said
    return found[1]


@contextlib.contextmanager
def serving(
    folder: Path, port: int, proxy: int, *, site: str = "", web: str = ""
) -> Iterator[Site]:
    folder.mkdir()
    config = CONFIG.format(port=port, site=site, web=web)
    (folder / "bantin.toml").write_text(config, encoding="utf-8")
    running = Running("up", cwd=folder)
    try:
        running.wait_for("serving ")
        yield Site(folder, port, proxy, running)
    finally:
        running.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Without base_url, as after `bantin init`."""
    port, proxy = unused_port(), unused_port()
    with serving(tmp_path_factory.mktemp("key") / "tin", port, proxy) as found:
        yield found


@pytest.fixture(scope="module")
def ways(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, ...]]:
    """The ports by which it is reached: its own, and nginx's."""
    block = BARE_PROXY.format(port=site.proxy, behind=f"http://127.0.0.1:{site.port}")
    with nginx(tmp_path_factory.mktemp("nginx"), site.proxy, block):
        yield (site.port, site.proxy)


FORGED: dict[str, dict[str, str]] = {
    "plain": {},
    "localhost": {"Host": "localhost"},
    "loopback with a port": {"Host": "127.0.0.1:8000"},
    "IPv6": {"Host": "[::1]"},
    "forwarded for loopback": {"X_Forwarded_For": "127.0.0.1", "X_Real_IP": "127.0.0.1"},
    "forwarded host": {"X_Forwarded_Host": "localhost", "X_Forwarded_Proto": "https"},
    "RFC 7239": {"Forwarded": 'for="[::1]";host=localhost;proto=https'},
    "same origin": {"Origin": "http://localhost", "Sec_Fetch_Site": "same-origin"},
    "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
}


def is_unknown(answer: Answer, page_of_nothing: Answer) -> bool:
    """Told as any page that is not there: nothing gives away that somebody else would see more."""
    return (answer.status, answer.body) == (404, page_of_nothing.body) and not {
        "set-cookie",
        "www-authenticate",
        "location",
    } & set(answer.headers)


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_without_the_key_the_pages_are_not_there(ways, forged):
    for port in ways:
        nothing = ask(port, "/nothing-of-the-kind")
        assert nothing.status == 404
        for path in PATHS:
            assert is_unknown(ask(port, path, **forged), nothing), (port, path)


def wrong(site: Site) -> dict[str, str]:
    """Everything that is almost the token of a link."""
    now = datetime.now(UTC)
    [good] = parse_qs(urlsplit(site.up_link).query)["key"]
    other = admin_key.token("f" * 64, "link", now)
    past = admin_key.token(site.key, "link", now - timedelta(days=2))
    assert admin_key.opens(site.key, "link", good, now), "what is cut up below opens as it is"
    return {
        "nothing": "",
        "half": good[: len(good) // 2],
        "the other half": good[len(good) // 2 :],
        "one less": good[:-1],
        "one more": good + "0",
        "in capitals": good.upper(),
        "twice": good + good,
        "with a space": good + "%20",
        "one changed": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "valid for longer": f"{int(good[:8], 16) + 86400:08x}{good[8:]}",
        "made with another key": other,
        "expired": past,
        "a cookie's": admin_key.token(site.key, "cookie", now),
        "the key itself": site.key,
        "half the key": site.key[:32],
        "not even text": "%ff%00",
    }


def test_what_is_almost_the_key_opens_nothing(site, ways):
    for port in ways:
        nothing = ask(port, "/nothing-of-the-kind")
        for what, token in wrong(site).items():
            for path in ("/admin/", "/outbox/"):
                assert is_unknown(ask(port, f"{path}?key={token}"), nothing), (port, what)


def test_what_is_almost_the_cookie_opens_nothing(site, ways):
    now = datetime.now(UTC)
    name = admin_key.cookie_name(site.key)
    good = admin_key.token(site.key, "cookie", now)
    almost = {
        "nothing": "",
        "half": good[: len(good) // 2],
        "in capitals": good.upper(),
        "quoted badly": f'"{good}',
        "expired": admin_key.token(site.key, "cookie", now - timedelta(days=40)),
        "kept for longer": f"{int(good[:8], 16) + 86400:08x}{good[8:]}",
        "a link's": admin_key.token(site.key, "link", now),
        "made with another key": admin_key.token("f" * 64, "cookie", now),
        "the key itself": site.key,
    }
    for port in ways:
        nothing = ask(port, "/nothing-of-the-kind")
        assert ask(port, "/admin/", Cookie=f"{name}={good}").status == 200
        assert is_unknown(ask(port, "/admin/", Cookie=f"{name.upper()}={good}"), nothing)
        assert is_unknown(ask(port, "/admin/", Cookie=f"other={good}"), nothing)
        for what, value in almost.items():
            answer = ask(port, "/admin/", Cookie=f"{name}={value}")
            assert is_unknown(answer, nothing), (port, what)


@pytest.mark.parametrize("printed", ["by up", "by admin link"])
def test_the_printed_link_opens_them_and_stands_nowhere_afterwards(site, ways, printed):
    link = site.up_link if printed == "by up" else site.link()
    [token] = parse_qs(urlsplit(link).query)["key"]
    for port in ways:
        entered = ask(port, link)
        assert (entered.status, entered.headers["location"]) == (303, "/admin/")
        assert token not in str(entered.headers)
        assert entered.headers["referrer-policy"] == "no-referrer"
        assert entered.headers["cache-control"] == "no-store"
        attributes = {part.strip().lower() for part in entered.headers["set-cookie"].split(";")}
        assert {"httponly", "samesite=strict", "path=/"} <= attributes
        assert "secure" not in attributes  # no TLS here
        cookie = entered.headers["set-cookie"].partition(";")[0]
        for path in ("/admin/", "/outbox/"):
            page = ask(port, path, Cookie=cookie)
            assert page.status == 200
            assert token.encode() not in page.body
            assert site.key.encode() not in page.body
    for file in (site.running.err, *(site.folder / "var").iterdir()):
        assert token.encode() not in file.read_bytes(), f"{file} has kept the token"


def test_the_key_is_this_machines_alone(site):
    file = site.folder / "var" / admin_key.NAME
    assert file.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}", site.key)


def test_on_a_public_site_too_whoever_has_the_key_gets_in_until_there_is_a_new_one(tmp_path):
    port = unused_port()
    public = 'base_url = "https://tin.example.vn"'
    proxies = 'trusted_proxies = ["127.0.0.1"]'
    by_proxy = {"Host": "tin.example.vn", "X_Forwarded_Proto": "https",
                "X_Forwarded_For": "203.0.113.5"}  # fmt: skip
    with serving(tmp_path / "tin", port, port, site=public, web=proxies) as site:
        said = site.running.out.read_text()
        assert "https://tin.example.vn/admin/?key=" in said
        assert f"http://127.0.0.1:{port}/admin/?key=" in said, "from the machine, past any proxy"
        for forged in (*FORGED.values(), by_proxy):
            assert ask(port, "/admin/", **forged).status == 404
        old_link, old_key = below(said), site.key
        # nginx's default Host does not say that the browser came by TLS: Secure all the same.
        for way in (by_proxy, {"Host": f"127.0.0.1:{port}"}):
            cookie = ask(port, old_link, **way).headers["set-cookie"]
            assert "; secure" in cookie.lower()
            old_cookie = cookie.partition(";")[0]
            assert ask(port, "/outbox/", Cookie=old_cookie, **way).status == 200

        new_link = site.link("--new")
        assert site.key != old_key
        assert ask(port, "/admin/", Cookie=old_cookie).status == 404
        assert ask(port, old_link).status == 404
        new_cookie = ask(port, new_link).headers["set-cookie"].partition(";")[0]
        assert ask(port, "/admin/", Cookie=new_cookie).status == 200
