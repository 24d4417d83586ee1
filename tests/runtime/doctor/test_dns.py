"""Questions to a real DNS server: what it knows, and what becomes of lies, silence and nonsense."""

from __future__ import annotations

import random
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from service.errors import DnsError
from service.runtime.doctor.dns import Resolver

LONG = "v=DKIM1; k=rsa; p=" + "A" * 392


async def test_each_kind_of_record_is_read(dns):
    dns.txt("example.vn", "v=spf1 -all", LONG)
    dns.put("mx.example.vn", "A", "192.0.2.7")
    dns.put("mx.example.vn", "AAAA", "2001:db8::7")
    dns.put("example.vn", "MX", "20 b.example.vn.", "10 A.example.vn.")
    dns.put("7.2.0.192.in-addr.arpa", "PTR", "MX.example.vn.")
    ask = dns.resolver()
    assert sorted(await ask.texts("example.vn")) == [LONG, "v=spf1 -all"]
    found = await ask.addresses("mx.example.vn")
    assert found == [ip_address("192.0.2.7"), ip_address("2001:db8::7")]
    assert await ask.exchangers("example.vn") == ["a.example.vn", "b.example.vn"]
    assert await ask.names_of(ip_address("192.0.2.7")) == ["mx.example.vn"]


async def test_a_long_answer_comes_over_tcp(dns):
    dns.txt("example.vn", *(f"{n} {'x' * 250}" for n in range(10)))
    assert len(await dns.resolver().texts("example.vn")) == 10
    assert dns.asked[:2] == ["TXT example.vn"] * 2


async def test_nothing_there_is_no_error(dns):
    dns.put("example.vn", "A", "192.0.2.7")
    assert await dns.resolver().texts("example.vn") == []
    assert await dns.resolver().texts("nowhere.vn") == []
    assert await dns.resolver().names_of(ip_address("2001:db8::1")) == []


async def test_an_alias_is_followed_and_one_that_leads_to_itself_ends(dns):
    dns.put("a.vn", "CNAME", "a.vn.")
    with pytest.raises(DnsError):
        await dns.resolver(0.5).texts("a.vn")


def _servfail(query, _wire):
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.SERVFAIL)
    return reply.to_wire()


def _other_question(query, _wire):
    other = dns.message.make_query("evil.vn", "TXT", id=query.id)
    reply = dns.message.make_response(other)
    reply.answer.append(dns.rrset.from_text("evil.vn.", 60, "IN", "TXT", '"v=spf1 +all"'))
    return reply.to_wire()


def _other_id(query, wire):
    return bytes([wire[0] ^ 1, *wire[1:]])


def _other_name(query, _wire):
    """The right question, answered about somebody else: it must count as no record."""
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text("evil.vn.", 60, "IN", "TXT", '"v=spf1 +all"'))
    return reply.to_wire()


NONSENSE = {
    "silence": lambda query, wire: None,
    "nothing": lambda query, wire: b"",
    "noise": lambda query, wire: random.Random(7).randbytes(200),
    "noise under the right id": lambda query, wire: wire[:2] + random.Random(8).randbytes(90),
    "cut": lambda query, wire: wire[: len(wire) - 5],
    "only a head": lambda query, wire: wire[:12],
    "servfail": _servfail,
    "another question": _other_question,
    "another id": _other_id,
    "a pointer into itself": lambda query, wire: wire[:12] + b"\xc0\x0c" * 10,
}


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_is_an_error_in_time(dns, kind):
    dns.txt("example.vn", "v=spf1 -all")
    dns.twist = NONSENSE[kind]
    with pytest.raises(DnsError):
        await dns.resolver(0.5).texts("example.vn")


async def test_an_answer_about_somebody_else_is_not_believed(dns):
    dns.twist = _other_name
    assert await dns.resolver().texts("example.vn") == []


async def test_what_is_no_text_is_read_all_the_same(dns):
    dns.put("example.vn", "TXT", '"\\255\\000\\027[31m" "rest"')
    assert await dns.resolver().texts("example.vn") == ["\ufffd\x00\x1b[31mrest"]


async def test_of_very_many_records_only_some_are_looked_at(dns):
    dns.put("example.vn", "A", *(f"10.0.{n // 250}.{n % 250}" for n in range(1000)))
    assert len(await dns.resolver().addresses("example.vn")) == 50


@pytest.mark.parametrize("name", ["a..vn", "x" * 64 + ".vn", "a." * 130 + "vn", "\udcff.vn"])
async def test_a_name_that_cannot_be_one_is_an_error(dns, name):
    with pytest.raises(DnsError):
        await dns.resolver(0.5).texts(name)


async def test_nobody_listening_is_an_error():
    with pytest.raises(DnsError):
        await Resolver([("127.0.0.1", 9)], 0.5).texts("example.vn")
