"""SPF as receivers evaluate it (RFC 7208), against a real DNS server."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from service.runtime.doctor.spf import NOWHERE, Spf, evaluate

US, OTHER = ip_address("198.51.100.7"), ip_address("203.0.113.9")
SIX = ip_address("2001:db8:1::7")


@pytest.fixture
def zone(dns):
    dns.put("mail.example.vn", "A", "198.51.100.7")
    dns.put("mail.example.vn", "AAAA", "2001:db8:1::7")
    dns.put("example.vn", "A", "198.51.100.8")
    dns.put("example.vn", "MX", "10 mail.example.vn.")
    dns.put("7.100.51.198.in-addr.arpa", "PTR", "mail.example.vn.")
    dns.txt("provider.vn", "v=spf1 ip4:198.51.100.0/28 -all")
    dns.txt("strict.vn", "v=spf1 -all")
    dns.txt("empty.vn", "no spf here")
    dns.put("yes.example.vn", "A", "127.0.0.2")
    return dns


async def of(dns, record, address=US, seconds=60.0):
    dns.txt("example.vn", record)
    return await evaluate(dns.resolver(seconds), address, "example.vn")


@pytest.mark.parametrize(("record", "us", "other"), [
    ("v=spf1 ip4:198.51.100.7 -all", Spf.PASS, Spf.FAIL),
    ("v=spf1 ip4:198.51.100.0/24 ~all", Spf.PASS, Spf.SOFTFAIL),
    ("v=spf1 ip4:198.51.100.7", Spf.PASS, Spf.NEUTRAL),
    ("V=SPF1  IP4:198.51.100.7  ?ALL", Spf.PASS, Spf.NEUTRAL),
    ("v=spf1 mx -all", Spf.PASS, Spf.FAIL),
    ("v=spf1 mx/28 -all", Spf.PASS, Spf.FAIL),
    ("v=spf1 a -all", Spf.FAIL, Spf.FAIL),
    ("v=spf1 a/29//64 -all", Spf.FAIL, Spf.FAIL),
    ("v=spf1 a:mail.example.vn -all", Spf.PASS, Spf.FAIL),
    ("v=spf1 a:mail.example.vn/28 -all", Spf.PASS, Spf.FAIL),
    ("v=spf1 include:provider.vn -all", Spf.PASS, Spf.FAIL),
    ("v=spf1 include:strict.vn ~all", Spf.SOFTFAIL, Spf.SOFTFAIL),
    ("v=spf1 redirect=provider.vn", Spf.PASS, Spf.FAIL),
    ("v=spf1 redirect=provider.vn ~all", Spf.SOFTFAIL, Spf.SOFTFAIL),
    ("v=spf1 exists:yes.example.vn -all", Spf.PASS, Spf.PASS),
    ("v=spf1 exists:no.example.vn -all", Spf.FAIL, Spf.FAIL),
    ("v=spf1 ptr -all", Spf.PASS, Spf.FAIL),
    ("v=spf1 -ip4:198.51.100.7 +all", Spf.FAIL, Spf.PASS),
    ("v=spf1 unknown=x exp=why.example.vn -all", Spf.FAIL, Spf.FAIL),
])  # fmt: skip
async def test_a_record_lets_send_whom_it_names(zone, record, us, other):
    assert (await of(zone, record)).result is us
    assert (await of(zone, record, OTHER)).result is other


@pytest.mark.parametrize("record", [
    "v=spf1 ip6:2001:db8:1::/48 -all", "v=spf1 ip6:2001:db8:1::7 -all",
    "v=spf1 a:mail.example.vn//64 -all", "v=spf1 mx -all",
])  # fmt: skip
async def test_an_address_of_ipv6_is_let_send(zone, record):
    assert (await of(zone, record, SIX)).result is Spf.PASS


@pytest.mark.parametrize("record", [
    "v=spf1 ip4:198.51.100.300 -all", "v=spf1 ip4:2001:db8::1 -all", "v=spf1 ip6:1.2.3.4 -all",
    "v=spf1 ip4 -all", "v=spf1 include -all", "v=spf1 include: -all", "v=spf1 ipv4:1.2.3.4 -all",
    "v=spf1 a:ex ample -all", "v=spf1 a/33 -all", "v=spf1 include:empty.vn -all",
    "v=spf1 include:nowhere.vn -all", "v=spf1 redirect=nowhere.vn",
    "v=spf1 redirect=provider.vn redirect=provider.vn", "v=spf1 all; -all", "v=spf1 \u2013all",
    "v=spf1 a:x.vn a:y.vn a:z.vn -all", "v=spf1 include:example.vn -all",
])  # fmt: skip
async def test_what_receivers_take_as_broken_says_why(zone, record):
    found = await of(zone, record)
    assert found.result is Spf.BROKEN
    assert found.why


async def test_ten_lookups_are_counted_through_includes(zone):
    for n in range(12):
        zone.txt(f"s{n}.vn", f"v=spf1 include:s{n + 1}.vn -all")
    zone.txt("s9.vn", "v=spf1 -all")
    found = await of(zone, "v=spf1 include:s0.vn -all")
    assert (found.result, found.lookups) == (Spf.FAIL, 10)
    zone.txt("s9.vn", "v=spf1 include:strict.vn -all")
    found = await of(zone, "v=spf1 include:s0.vn -all")
    assert (found.result, found.lookups) == (Spf.BROKEN, 11)
    assert "more than 10 lookups" in found.why


async def test_two_records_count_as_none_that_is_right(zone):
    zone.txt("example.vn", "v=spf1 -all", "v=spf1 ~all")
    found = await evaluate(zone.resolver(), US, "example.vn")
    assert (found.result, found.why) == (Spf.BROKEN, "example.vn has 2 records; there may be one")


async def test_no_record_silence_and_macros_are_told_apart(zone):
    zone.txt("example.vn", "v=spf10 -all", "google-site-verification=x")
    assert (await evaluate(zone.resolver(), US, "example.vn")).result is Spf.NONE
    found = await of(zone, "v=spf1 exists:%{i}._spf.example.vn -all")
    assert found.result is Spf.UNJUDGED
    zone.twist = lambda query, wire: None
    assert (await of(zone, "v=spf1 -all", seconds=0.3)).result is Spf.UNANSWERED


async def test_who_lets_everybody_send_is_found_with_an_address_that_nobody_has(zone):
    for record in ("v=spf1 +all", "v=spf1 ip4:0.0.0.0/0 -all", "v=spf1 include:open.vn -all"):
        zone.txt("open.vn", "v=spf1 all")
        assert (await of(zone, record, NOWHERE)).result is Spf.PASS


async def test_an_include_without_an_answer_in_time_does_not_take_for_ever(zone):
    def silent(query, wire):
        return None if "provider" in query.question[0].name.to_text() else wire

    zone.twist = silent
    found = await of(zone, "v=spf1 include:provider.vn include:provider.vn -all", seconds=3.0)
    assert (found.result, found.lookups) == (Spf.UNANSWERED, 1)
