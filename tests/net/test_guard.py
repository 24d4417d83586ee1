"""Which addresses must not be entered, whatever they hide in."""

from __future__ import annotations

import pytest

from service.net import guard
from service.text.web.ip_literal import literal
from tests.levels import table

PRIVATE = [
    "127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1", "239.1.2.3",
    "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1",
    "2001:db8::1", "3fff::1", "100::1", "2001:2::1", "5f00::1", "4000::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::ffff:0:0",
    "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::192.168.0.1",
    "2002:7f00:1::", "2002:c0a8:101::1", "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",  # Teredo, client 10.0.0.1
    "fe80::5efe:8.8.8.8", "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:c0a8:101",
    "not an address", "",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "203.113.131.1", "100.63.255.255", "100.128.0.1", "172.32.0.1",
    "2a00:1450:4001::200e", "2001:4860:4860::8888", "2606:4700::1111",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip


def test_what_is_not_the_public_web_is_refused():
    assert [address for address in PRIVATE if not guard.forbidden(address)] == []


@table("address", PUBLIC)
def test_the_public_web_may_be_entered(address):
    assert guard.forbidden(address) is None


@pytest.mark.parametrize(
    ("address", "opened", "may"),
    [
        ("127.0.0.1", "127.0.0.0/8", True),
        ("::ffff:127.0.0.1", "127.0.0.0/8", True),
        ("64:ff9b::10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.2.0.0/16", False),
        ("fd00::1", "fd00::/8", True),
        ("192.168.0.1", "fd00::/8", False),
        ("::1", "127.0.0.0/8", False),
    ],
)
def test_a_network_is_opened_as_far_as_it_reaches_and_no_further(address, opened, may):
    assert (guard.forbidden(address, guard.networks([opened])) is None) is may


def test_a_refusal_says_what_is_hidden():
    assert "10.0.0.1" in (guard.forbidden("::ffff:10.0.0.1") or "")
    assert "private" in (guard.forbidden("10.0.0.1") or "")


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "intranet", ""])
def test_a_network_that_is_none_is_named(text):
    with pytest.raises(ValueError, match="not a network"):
        guard.networks([text])


@table(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "[::1]", "::1",
        "127.0.0.1.", "\uff11\uff12\uff17\uff0e0\uff0e0\uff0e1", "127。0。0。1", "::ffff:127.0.0.1",
    ],
)  # fmt: skip
def test_loopback_is_known_in_every_spelling(host):
    assert literal(host) is not None
    assert guard.is_loopback(host)


@pytest.mark.parametrize(
    "host", ["tuoitre.vn", "localhost.example", "127.0.0.1.example", "1.2.3.4.5", "", "a b"]
)
def test_a_name_is_no_address(host):
    assert literal(host) is None
    assert not guard.is_loopback(host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "feed.localhost", "localhost."])
def test_localhost_is_this_machine(host):
    assert guard.is_loopback(host)
