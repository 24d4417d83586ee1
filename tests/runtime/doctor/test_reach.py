"""Relays and their TLS, the one-click address on a real socket, the clock, the disk, the size."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from service.config.schema import Settings
from service.mail.personal import NOBODYS_TOKEN, TransactionalComposer
from service.report.health import Health
from service.runtime.composition import open_service, system_clock
from service.runtime.doctor import machine, mail_size
from service.runtime.doctor.diagnosis import Level
from service.runtime.doctor.reach import client_for, judge_one_click, judge_relays
from service.web.app import create_app
from tests.contract.politeness.readers import Loopback
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_personal import letter
from tests.runtime.doctor import certificates
from tests.web.test_socket import serving

L = Level


def settings_at(base_url, **mail):
    return Settings.model_validate({"site": {"base_url": base_url}, "mail": mail})


async def one_click(port, now=None):
    now = now or datetime.now(UTC)
    async with client_for("test", Loopback()) as client:
        return await judge_one_click(settings_at(f"http://tin.example.vn:{port}/"), client, now)


@pytest.fixture
def service(tmp_path):
    config = tmp_path / "bantin.toml"
    config.write_text('[site]\ntitle = "Tin"\n[digest.tuan]\n', encoding="utf-8")
    opened = open_service(config, {})
    yield opened
    opened.close()


async def test_our_own_service_is_known_by_its_answer(service):
    app = create_app(
        service.store, lambda: service.settings, lambda: service.renderer, system_clock,
        lambda: Health(True, ()),
    )  # fmt: skip
    with serving(app) as port:
        [found] = await one_click(port)
        off = await one_click(port, datetime.now(UTC) + timedelta(hours=1))
    assert found.level is L.OK
    assert [one.check for one in off] == ["one-click", "clock"]
    assert off[1].level is L.FAULT


@contextmanager
def answering(status, body=b"", **headers):
    """Something else that listens where we should."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "headers", "said"), [
    (301, {"Location": "https://www.example.vn/"}, "RFC 8058 forbids a redirect"),
    (307, {"Location": "/login"}, "RFC 8058 forbids a redirect"),
    (308, {"Location": "/unsubscribe/" + NOBODYS_TOKEN}, "RFC 8058 forbids a redirect"),
    (403, {}, "without a login"), (404, {}, "let the proxy pass"), (405, {}, "let the proxy pass"),
    (503, {}, "let the proxy pass"), (200, {}, "let the proxy pass"),
])  # fmt: skip
async def test_whatever_else_answers_is_a_fault_with_what_to_do(status, headers, said):
    with answering(status, b"<html>parked</html>", **headers) as (port, asked):
        [found] = await one_click(port)
    assert found.level is L.FAULT
    assert said in found.remedy
    assert asked == [(f"/unsubscribe/{NOBODYS_TOKEN}", b"List-Unsubscribe=One-Click")]


async def test_an_address_where_nobody_listens_is_a_fault():
    with answering(200) as (port, _):
        pass
    [found] = await one_click(port)
    assert (found.level, bool(found.remedy)) == (L.FAULT, True)


class Nowhere(Loopback):
    """No name is known."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        raise OSError(socket.EAI_NONAME, "Name or service not known")


async def test_a_name_that_dns_does_not_know_is_to_be_published():
    async with client_for("test", Nowhere()) as client:
        [found] = await judge_one_click(
            settings_at("https://tin.example.vn"), client, datetime.now(UTC)
        )
    assert "tin.example.vn is not known to DNS" in found.said
    assert "A or AAAA record" in found.remedy


async def test_a_site_on_this_machine_alone_has_no_one_click():
    async with client_for("test") as client:
        for base, relay, level in (
            (None, {}, L.NONE),
            ("http://localhost:1", {}, L.NONE),
            ("http://127.0.0.1:1", {"a": {"host": "smtp.example.vn"}}, L.FAULT),
        ):
            settings = settings_at(base, relay=relay)
            [found] = await judge_one_click(settings, client, datetime.now(UTC))
            assert found.level is level


# Relays


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_relay_with_tls_is_fine_until_its_certificate_ends(tmp_path, monkeypatch, security):
    server = certificates.make(tmp_path, days=30)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    relay = {"host": "localhost", "security": security}
    async with Sink(tls=server, implicit_tls=security == "tls") as sink:
        settings = stock.settings(tmp_path, relay={"a": {**relay, "port": sink.port}})
        [found] = await judge_relays(settings, datetime.now(UTC))
        [later] = await judge_relays(settings, datetime.now(UTC) + timedelta(days=20))
    assert found.level is L.OK
    assert "TLSv1.3" in found.said
    assert later.level is L.WARNING
    assert "certificate ends on" in later.said
    assert sink.received == []


async def test_a_certificate_that_nobody_vouches_for_is_a_fault(tmp_path):
    server = certificates.make(tmp_path, days=30)
    async with Sink(tls=server, implicit_tls=True) as sink:
        relay = {"host": "localhost", "security": "tls", "port": sink.port}
        settings = stock.settings(tmp_path, relay={"a": relay})
        [found] = await judge_relays(settings, datetime.now(UTC))
    assert found.level is L.FAULT
    assert "certificate" in found.said.lower()


async def test_a_relay_here_needs_no_tls_and_one_that_is_gone_is_a_fault(tmp_path):
    async with Sink() as sink:
        relay = {"a": {"host": "127.0.0.1", "port": sink.port}}
        settings = stock.settings(tmp_path, relay=relay)
        [found] = await judge_relays(settings, datetime.now(UTC))
    assert found.level is L.OK
    [gone] = await judge_relays(settings, datetime.now(UTC))
    assert (gone.level, bool(gone.remedy)) == (L.FAULT, True)
    [none] = await judge_relays(stock.settings(tmp_path), datetime.now(UTC))
    assert none.level is L.NONE


# This machine


@pytest.mark.parametrize(("follows", "ahead", "level"), [
    (True, 0.0, L.OK), (True, 4.9, L.OK), (False, 0.0, L.WARNING), (None, 0.0, L.UNKNOWN),
    (True, 5.0, L.FAULT), (False, -600.0, L.FAULT),
])  # fmt: skip
def test_the_clock(follows, ahead, level):
    found = machine.judge_clock(follows=follows, ahead_s=ahead)
    assert found.level is level
    assert bool(found.remedy) == (level is not L.OK)


def test_the_kernel_is_asked():
    assert machine.synchronized() in {True, False, None}


@pytest.mark.parametrize(("room", "level"), [
    (10 * 1024**3, L.OK), (255 * 1024**2, L.WARNING), (1024**2, L.FAULT), (None, L.FAULT),
])  # fmt: skip
def test_the_disk(tmp_path, room, level):
    [found] = machine.judge_disk([tmp_path / "var"], [room])
    assert found.level is level
    assert bool(found.remedy) == (level is not L.OK)


def _message(size):
    head = b'Content-Type: multipart/alternative; boundary="=_x"\r\n\r\n--=_x\r\nContent-Type: '
    parts = b'text/plain; charset="utf-8"\r\n\r\n' + b"t" * 5000 + b"\r\n--=_x\r\nContent-Type: "
    html = b'text/html; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n' + b"h" * size
    return head + parts + html + b"\r\n--=_x--\r\n"


@pytest.mark.parametrize(("size", "level"), [
    (40_000, L.OK), (90_900, L.OK), (95_000, L.WARNING), (102_001, L.FAULT),
])  # fmt: skip
def test_the_size_of_a_mail(size, level):
    assert mail_size.html_bytes(_message(size)) == size
    assert mail_size.judge("tuan", _message(size)).level is level
    assert mail_size.judge("tuan", None).level is L.NONE


def test_the_size_of_a_real_mail_is_that_of_its_html_part(now, tmp_path):
    data = TransactionalComposer(stock.settings(tmp_path)).compose(letter(now)).data
    html = message_from_bytes(data).get_payload()[1].get_payload()
    assert abs(mail_size.html_bytes(data) - len(html)) <= 2
