"""What `check` says about mail."""

from __future__ import annotations

import pytest

from service.config.schema import Settings
from service.mail.faults import faults
from service.mail.security import port, security
from tests.levels import table
from tests.mail import stock
from tests.mail.relays import relay_of

IMAP = {"host": "imap a.vn", "username": "u", "password": "x"}
RELAY = {"relay": {"chinh": {"host": "smtp.example.vn", "username": "tin", "password": "x"}}}


def keys(settings):
    return [".".join(path) for path, _, _ in faults(settings)]


def test_a_good_configuration_has_no_faults(tmp_path):
    assert keys(stock.settings(tmp_path)) == []
    assert keys(stock.settings(tmp_path, **RELAY)) == []
    assert keys(Settings()) == []


@pytest.mark.parametrize(
    ("mail", "key"),
    [
        ({"from": "Tin"}, "mail.from"),
        ({"from": "thư@example.vn"}, "mail.from"),
        ({"reply_to": "x y"}, "mail.reply_to"),
        ({"bounces": {"address": "tra-ve+a@example.vn"}}, "mail.bounces.address"),
        ({"bounces": {"address": "trả-về@example.vn"}}, "mail.bounces.address"),
        ({"bounces": {"address": "v@a.vn", "imap": IMAP}}, "mail.bounces.imap.host"),
        ({**RELAY, "from": None}, "mail.from"),
        ({"relay": {"a": {"host": "no host"}}}, "mail.relay.a.host"),
        ({"relay": {"a": {"host": "h", "password": "x"}}}, "mail.relay.a.password"),
        ({"relay": {"a": {"host": "h", "username": "x"}}}, "mail.relay.a.username"),
    ],
)
def test_each_fault_is_named_with_its_key(tmp_path, mail, key):
    found = faults(stock.settings(tmp_path, **mail))
    assert [".".join(path) for path, _, _ in found] == [key]
    assert all(problem and remedy for _, problem, remedy in found)


def test_a_title_with_a_comma_is_to_be_quoted(tmp_path):
    [(_, _, right)] = faults(stock.settings(tmp_path, **{"from": "Báo A, Khoa giáo <a@b.vn>"}))
    assert right == "write '\"Báo A, Khoa giáo\" <name@example.org>'"
    assert keys(stock.settings(tmp_path, **{"from": '"Báo A, Khoa giáo" <a@b.vn>'})) == []


@table(
    ("host", "right"),
    [
        ("smtp.example.vn:587", 'write host = "smtp.example.vn", port = 587'),
        ("smtps://smtp.example.vn", 'write host = "smtp.example.vn"'),
        ("smtp://smtp.example.vn:25/", 'write host = "smtp.example.vn", port = 25'),
        ("127.0.0.1:2525", 'write host = "127.0.0.1", port = 2525'),
        ("[::1]:25", 'write host = "::1", port = 25'),
        ("tin@smtp.example.vn", "write a name or an address"),
        ("smtp.example.vn", None),
        ("::1", None),
        ("[::1]", None),
        ("thư.example.vn", None),
    ],
)
def test_a_host_with_its_port_or_scheme_is_told_how_to_be_written(host, right):
    imap = {"host": host, "username": "u", "password": "x"}
    mail = {
        "from": "tin@example.vn",
        "relay": {"a": {"host": host}},
        "bounces": {"address": "v@a.vn", "imap": imap},
    }
    found = faults(Settings.model_validate({"mail": mail}))
    wrong = [("mail", "bounces", "imap", "host"), ("mail", "relay", "a", "host")]
    assert [path for path, _, _ in found] == (wrong if right else [])
    assert {remedy for _, _, remedy in found} == ({right} if right else set())


@pytest.mark.parametrize(
    ("base_url", "fine"),
    [("https://tin.example.vn", True), ("http://127.0.0.1:8000", True), ("http://localhost", True),
     ("http://[::1]:8000", True), (None, True), ("http://tin.example.vn", False)],
)  # fmt: skip
def test_a_relay_needs_an_address_that_one_click_works_with(tmp_path, base_url, fine):
    settings = stock.settings(tmp_path, **RELAY)
    site = settings.site.model_copy(update={"base_url": base_url})
    found = keys(settings.model_copy(update={"site": site}))
    assert found == ([] if fine else ["site.base_url"])


@table(
    ("table", "expected"),
    [
        ({"host": "smtp.example.vn"}, ("starttls", 587)),
        ({"host": "smtp.example.vn", "port": 465}, ("tls", 465)),
        ({"host": "smtp.example.vn", "port": 25}, ("starttls", 25)),
        ({"host": "smtp.example.vn", "security": "tls"}, ("tls", 465)),
        ({"host": "smtp.example.vn", "security": "plain"}, ("plain", 25)),
        ({"host": "smtp.example.vn", "port": 465, "security": "starttls"}, ("starttls", 465)),
        ({"host": "127.0.0.1"}, ("plain", 25)),
        ({"host": "localhost", "port": 2525}, ("plain", 2525)),
        ({"host": "::1", "port": 465}, ("tls", 465)),
        ({"host": "localhost", "security": "starttls"}, ("starttls", 587)),
    ],
)
def test_the_port_decides_security_and_plain_is_for_loopback_or_written(table, expected):
    relay = relay_of(table)
    assert (security(relay).value, port(relay)) == expected
