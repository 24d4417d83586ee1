"""What the doctor says of SPF, names, DKIM, DMARC and volume; each finding says what to do."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from service.mail.signing import keys
from service.runtime.doctor.authentication import (
    Volume,
    flow_of,
    judge_dkim,
    judge_dmarc,
    judge_names,
    judge_spf,
)
from service.runtime.doctor.diagnosis import Level
from tests.mail import signed, stock

US = ip_address("198.51.100.7")
RELAY = {"chinh": {"host": "smtp.example.vn"}}
L = Level


@pytest.fixture
def zone(dns):
    dns.txt("example.vn", "v=spf1 ip4:198.51.100.7 -all")
    dns.txt("_dmarc.example.vn", "v=DMARC1; p=quarantine; rua=mailto:d@example.vn")
    dns.txt("tin1._domainkey.example.vn", keys.record(keys.read(signed.pem())))
    dns.put("smtp.example.vn", "A", "198.51.100.7")
    dns.put("7.100.51.198.in-addr.arpa", "PTR", "smtp.example.vn.")
    return dns


async def findings(zone, settings, *told, volume=None, seconds=60.0):
    """Check -> finding, all of them, each with a remedy where something is wrong."""
    resolver = zone.resolver(seconds)
    flow = await flow_of(settings, resolver, [ip_address(one) for one in told])
    found = [
        await judge_spf(flow, resolver),
        await judge_names(flow, resolver),
        await judge_dkim(flow, resolver),
        *await judge_dmarc(flow, resolver, volume or Volume({}, {})),
    ]
    for one in found:
        assert bool(one.remedy) == (one.level not in {L.OK, L.NONE}), one
    return {one.check: one for one in found}


def levels(found):
    return {check: one.level for check, one in found.items()}


async def test_where_all_is_right_nothing_is_said_to_do(zone, tmp_path):
    found = await findings(zone, signed.settings(tmp_path), "198.51.100.7")
    assert set(levels(found).values()) == {L.OK, L.NONE}
    assert set(found) == {"spf", "ptr", "dkim", "dmarc", "alignment", "volume"}
    assert "198.51.100.7 is smtp.example.vn" in found["ptr"].said


async def test_an_empty_dns_says_what_to_publish(dns, tmp_path):
    found = await findings(dns, signed.settings(tmp_path), "198.51.100.7")
    assert levels(found) == {
        "spf": L.FAULT, "ptr": L.FAULT, "dkim": L.FAULT, "dmarc": L.WARNING, "alignment": L.OK,
        "volume": L.NONE,
    }  # fmt: skip
    assert "v=spf1" in found["spf"].remedy
    assert "bantin mail keys --show" in found["dkim"].remedy
    assert "_dmarc.example.vn" in found["dmarc"].remedy


async def test_the_relays_name_is_where_mails_leave_unless_somebody_says_otherwise(zone, tmp_path):
    settings = signed.settings(tmp_path, relay=RELAY)
    # Documentation's addresses count as private ones: nothing is taken from them.
    assert levels(await findings(zone, settings))["spf"] is L.UNKNOWN
    zone.put("smtp.example.vn", "A", "8.8.8.8")
    found = await findings(zone, settings)
    assert found["spf"].level is L.WARNING
    assert "to which a relay's name leads" in found["spf"].said
    assert "ip4:8.8.8.8" in found["spf"].remedy
    assert "--sends-from" in found["spf"].remedy
    assert found["ptr"].level is L.WARNING
    zone.txt("example.vn", "v=spf1 ip4:8.8.8.8 ~all")
    assert (await findings(zone, settings))["spf"].level is L.OK


async def test_an_address_that_may_not_send_is_told_with_what_to_add(zone, tmp_path):
    found = await findings(zone, signed.settings(tmp_path), "198.51.100.7", "2001:db8::1")
    assert found["spf"].level is L.FAULT
    assert "2001:db8::1" in found["spf"].said
    assert "ip6:2001:db8::1" in found["spf"].remedy
    zone.txt("example.vn", "v=spf1 +all")
    found = await findings(zone, signed.settings(tmp_path), "198.51.100.7")
    assert "lets everybody send" in found["spf"].said
    zone.txt("example.vn", "v=spf1 ip4:198.51.100.7")
    assert (await findings(zone, signed.settings(tmp_path), str(US)))["spf"].level is L.WARNING


async def test_hosts_without_ipv6_break_no_record_of_who_sends_by_ipv4(zone, tmp_path):
    hosts = ("one.vn", "two.vn", "smtp.example.vn")
    for host in hosts:
        zone.put(host, "A", "198.51.100.7")
    zone.txt("example.vn", f"v=spf1 {' '.join(f'a:{host}' for host in hosts)} -all")
    settings = signed.settings(tmp_path)
    assert (await findings(zone, settings, str(US)))["spf"].level is L.OK
    both = (await findings(zone, settings, str(US), "2001:db8:1::7"))["spf"]
    assert both.level is L.FAULT
    assert "by IPv6" in both.said


async def test_spf_is_that_of_where_bounces_go(zone, tmp_path):
    settings = signed.settings(tmp_path, bounces={"address": "tra-ve@thu.example.vn"})
    assert (
        "thu.example.vn has no SPF record" in (await findings(zone, settings, str(US)))["spf"].said
    )
    zone.txt("thu.example.vn", "v=spf1 ip4:198.51.100.7 -all")
    found = await findings(zone, settings, str(US))
    assert (found["spf"].level, found["alignment"].level) == (L.OK, L.OK)
    assert "and the return path" in found["alignment"].said


async def test_a_name_that_does_not_lead_back_is_a_fault(zone, tmp_path):
    zone.put("smtp.example.vn", "A", "198.51.100.8")
    found = await findings(zone, signed.settings(tmp_path), "198.51.100.7")
    assert found["ptr"].level is L.FAULT
    assert "smtp.example.vn, which does not lead back" in found["ptr"].said


async def test_who_signs_for_another_domain_is_told(zone, tmp_path):
    settings = signed.settings(tmp_path, **{"from": "Tin <tin@khac.vn>"})
    found = await findings(zone, settings, "198.51.100.7")
    assert found["alignment"].level is L.FAULT
    assert 'domain = "khac.vn"' in found["alignment"].remedy
    under = signed.settings(tmp_path, **{"from": "Tin <tin@thu.example.vn>"})
    assert (await findings(zone, under, str(US)))["alignment"].level is L.OK
    zone.txt("_dmarc.thu.example.vn", "v=DMARC1; p=none; adkim=s")
    assert "adkim=s" in (await findings(zone, under, str(US)))["alignment"].said


async def test_without_a_key_only_the_return_path_speaks(zone, tmp_path):
    found = await findings(zone, stock.settings(tmp_path), "198.51.100.7")
    assert (found["dkim"].level, found["alignment"].level) == (L.WARNING, L.WARNING)


MANY = Volume({"gmail.com": 3000, "googlemail.com": 1000}, {})
READERS = Volume({}, {"hotmail.com": 2500, "outlook.com": 2500})


@pytest.mark.parametrize("volume", [MANY, READERS])
async def test_four_thousand_a_day_to_one_provider_want_dmarc(zone, tmp_path, volume):
    settings = signed.settings(tmp_path)
    assert (await findings(zone, settings, str(US), volume=volume))["volume"].level is L.OK
    for missing in ([], ["v=DMARC1; p=maybe"], ["v=DMARC1; p=none", "v=DMARC1; p=reject"]):
        zone.txt("_dmarc.example.vn", *missing)
        found = await findings(zone, settings, str(US), volume=volume)
        assert found["volume"].level is L.FAULT
        assert "4000 a day" in found["volume"].said
    fewer = Volume({"gmail.com": 2999, "googlemail.com": 1000}, {})
    assert (await findings(zone, settings, str(US), volume=fewer))["volume"].level is L.OK


async def test_silence_and_nonsense_are_not_taken_for_an_answer(zone, tmp_path):
    settings = signed.settings(tmp_path)
    volume = Volume({"gmail.com": 9000}, {})
    for twist in (lambda q, w: None, lambda q, w: w[:2] + b"\x80\x00" * 30):
        zone.twist = twist
        found = await findings(zone, settings, str(US), volume=volume, seconds=0.2)
        assert levels(found) == {
            "spf": L.UNKNOWN, "ptr": L.UNKNOWN, "dkim": L.UNKNOWN, "dmarc": L.UNKNOWN,
            "volume": L.UNKNOWN,
        }  # fmt: skip
        assert "--dns" in found["dkim"].remedy


async def test_what_a_stranger_publishes_is_quoted_and_not_obeyed(zone, tmp_path):
    zone.put("example.vn", "TXT", '"v=spf1 a:\\027[2Jevil\\010x -all"')
    found = await findings(zone, signed.settings(tmp_path), "198.51.100.7")
    assert found["spf"].level is L.FAULT
