"""Tests who is asking, and who only says so."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from service.web.visitors import is_in, joined, visitor
from tests.levels import table

PROXY = ["127.0.0.1", "10.0.0.0/8"]


def who(peer, headers, trusted=PROXY):
    return visitor(peer, "http", {"host": "127.0.0.1:8000", **headers}, trusted)


@table(
    ("peer", "forwarded_for", "address"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.5, 10.1.2.3", "203.0.113.5"),
        ("127.0.0.1", "203.0.113.5:4711", "203.0.113.5"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "::ffff:203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5, unknown", "127.0.0.1"),
        ("127.0.0.1", "10.9.9.9", "127.0.0.1"),
        ("::ffff:127.0.0.1", "203.0.113.5", "203.0.113.5"),
        # Who is not a proxy of ours may say what they like.
        ("198.51.100.7", "203.0.113.5", "198.51.100.7"),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours(peer, forwarded_for, address):
    headers = {} if forwarded_for is None else {"x-forwarded-for": forwarded_for}
    assert who(peer, headers).address == ip_address(address)


def test_scheme_and_host_come_from_a_trusted_proxy_alone():
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "tin.example.vn"}
    assert who("127.0.0.1", headers).origin == "https://tin.example.vn"
    assert who("198.51.100.7", headers).origin == "http://127.0.0.1:8000"
    odd = {"x-forwarded-proto": "javascript", "x-forwarded-host": ""}
    assert who("127.0.0.1", odd).origin == "http://127.0.0.1:8000"


def test_sign_ups_are_counted_by_address_or_by_ipv6_site():
    one, two = (who(peer, {}) for peer in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"))
    assert one.key == two.key == "2001:db8:1:2::/64"
    assert who("203.0.113.5", {}).key != who("203.0.113.6", {}).key


def test_headers_are_gone_through_once_and_joined_in_their_order():
    some = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"c", b"\xe9")]
    once = iter(some)  # a second look at it would find nothing
    assert joined(once) == {"a": "1,3", "b": "2", "c": "\xe9"}
    assert joined([]) == {}


@pytest.mark.parametrize(
    ("peer", "inside"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("192.0.2.1", False), ("", False)],
)
def test_whether_a_peer_is_one_of_the_proxies(peer, inside):
    assert is_in(peer, PROXY) is inside
