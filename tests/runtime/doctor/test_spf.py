"""SPF as receivers evaluate it (RFC 7208), against a real DNS server."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from service.runtime.doctor import spf_macros as macros
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


async def test_empty_answers_are_counted_of_the_senders_kind_of_address_alone(zone):
    """RFC 7208 4.6.4 and 5.3: by IPv4 AAAA records are not asked for, and the other way round."""
    for host in ("one", "two", "three"):
        zone.put(f"{host}.vn", "AAAA", "2001:db8:1::7")
        zone.put(f"old-{host}.vn", "A", "198.51.100.7")
    new = "v=spf1 a:one.vn a:two.vn a:three.vn -all"
    assert ((await of(zone, new)).result, (await of(zone, new, SIX)).result) == (
        Spf.BROKEN, Spf.PASS,
    )  # fmt: skip
    old = "v=spf1 a:old-one.vn a:old-two.vn a:old-three.vn -all"
    assert (await of(zone, old)).result is Spf.PASS
    found = await of(zone, old, SIX)
    assert (found.result, found.void) == (Spf.BROKEN, True)
    assert "for who sends by IPv6" in found.why
    assert (await of(zone, "v=spf1 a:one.vn a:two.vn ip4:198.51.100.7 -all")).result is Spf.PASS
    # What `exists` names is an A record, whoever sends (5.7).
    assert (await of(zone, "v=spf1 exists:yes.example.vn -all", SIX)).result is Spf.PASS
    asked = len(zone.asked)
    await of(zone, "v=spf1 a:mail.example.vn -all")
    assert zone.asked[asked:] == ["TXT example.vn", "A mail.example.vn"]


@pytest.mark.parametrize(("written", "becomes"), [
    ("%{s}", "strong-bad@email.example.com"), ("%{o}", "email.example.com"),
    ("%{d}", "email.example.com"), ("%{d4}", "email.example.com"),
    ("%{d3}", "email.example.com"), ("%{d2}", "example.com"), ("%{d1}", "com"),
    ("%{dr}", "com.example.email"), ("%{d2r}", "example.email"), ("%{l}", "strong-bad"),
    ("%{l-}", "strong.bad"), ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"),
    ("%{l1r-}", "strong"), ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
     "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
    ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ("%{S}", "strong-bad%40email.example.com"), ("a%%b%_c%-d", "a%b c%20d"),
])  # fmt: skip
def test_macros_become_what_the_standard_says(written, becomes):
    """The examples of RFC 7208 7.4."""
    sender, domain = "strong-bad@email.example.com", "email.example.com"
    assert macros.expand(written, sender, domain, ip_address("192.0.2.3")) == becomes


def test_an_address_of_ipv6_is_written_in_its_digits():
    address = ip_address("2001:db8::cb01")
    found = macros.expand("%{ir}.%{v}._spf.%{d2}", "strong-bad@example.com", "example.com", address)
    nibbles = "1.0.b.c" + ".0" * 20 + ".8.b.d.0.1.0.0.2"
    assert found == f"{nibbles}.ip6._spf.example.com"
    long = macros.expand(f"%{{l}}.{'a.' * 120}vn", f"{'b' * 60}@c.vn", "c.vn", address)
    assert (len(long) <= 253, long[:2]) == (True, "a.")


async def test_a_record_that_asks_about_each_mail_is_followed(zone):
    zone.put("198.51.100.7._spf.example.vn", "A", "127.0.0.2")
    assert (await of(zone, "v=spf1 exists:%{i}._spf.%{d} -all")).result is Spf.PASS
    assert (await of(zone, "v=spf1 exists:%{i}._spf.%{d} -all", OTHER)).result is Spf.FAIL
    zone.put("tra-ve.users.example.vn", "A", "127.0.0.2")
    zone.txt("example.vn", "v=spf1 exists:%{l1r+}.users.%{o} -all")
    sender = "tra-ve+12-abcdefghij234567@example.vn"
    assert (await evaluate(zone.resolver(), US, sender)).result is Spf.PASS
    assert (await evaluate(zone.resolver(), US, "ai@example.vn")).result is Spf.FAIL
    zone.put("tra-ve+1-x.users.example.vn", "A", "127.0.0.2")
    zone.txt("example.vn", "v=spf1 exists:%{l}.users.%{o} -all")
    found = await evaluate(zone.resolver(), US, "tra-ve+1-x@example.vn")
    assert found.result is Spf.PASS
    # `%{d}` is that of the record in which it stands.
    zone.txt("provider.vn", "v=spf1 exists:%{i}._spf.%{d} -all")
    zone.put("198.51.100.7._spf.provider.vn", "A", "127.0.0.2")
    assert (await of(zone, "v=spf1 include:provider.vn -all")).result is Spf.PASS
    assert (await of(zone, "v=spf1 redirect=%{d1r}.vn")).result is Spf.BROKEN


@pytest.mark.parametrize(("term", "result"), [
    ("exists:%{x}.vn", Spf.BROKEN), ("exists:%{i", Spf.BROKEN), ("exists:%i.vn", Spf.BROKEN),
    ("exists:%{d0}.vn", Spf.BROKEN), ("exists:%{c}.vn", Spf.BROKEN), ("a:%{i} x", Spf.BROKEN),
    ("exists:%{h}.vn", Spf.UNJUDGED), ("exists:%{p}.vn", Spf.UNJUDGED),
])  # fmt: skip
async def test_a_macro_that_is_none_breaks_a_record_and_one_of_receivers_cannot_be_judged(
    zone, term, result
):
    found = await of(zone, f"v=spf1 {term} -all")
    assert found.result is result
    assert found.why


async def test_no_record_and_silence_are_told_apart(zone):
    zone.txt("example.vn", "v=spf10 -all", "google-site-verification=x")
    assert (await evaluate(zone.resolver(), US, "example.vn")).result is Spf.NONE
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
