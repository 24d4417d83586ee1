"""DKIM records that fit the key or do not, DMARC records, and what is aligned with what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.mail.signing import keys
from service.mail.signing.keys import KeyType
from service.runtime.doctor import dkim_record, dmarc, providers, tag_list
from service.runtime.doctor.diagnosis import Level
from tests.mail import signed

NAME = "tin1._domainkey.example.vn"


@pytest.fixture(scope="module")
def key():
    return keys.read(signed.pem())


@pytest.fixture(scope="module")
def record(key):
    return keys.record(key)


def judge(key, *texts):
    found = dkim_record.judge(NAME, texts, key)
    assert (found.level is Level.OK) == (not found.remedy)
    return found


def test_the_record_that_mail_keys_prints_fits(key, record):
    spaced = record.replace("p=", "p=  ").replace("A", "A ")
    bare = record.replace("v=DKIM1; k=rsa; ", "")
    for text in (record, f"{record};", spaced, bare, f"{record}; t=s; s=email; h=sha1:sha256"):
        assert judge(key, text).level is Level.OK, text


def test_what_does_not_fit_is_named(key, record):
    other = keys.record(keys.read(keys.generate(KeyType.RSA)))
    cases = {
        (): "there is no record",
        (record, record): "there are 2 TXT records",
        ("v=spf1 -all",): "the record is none of a DKIM key",
        ("v=DKIM1; k=rsa; p=",): "withdrawn",
        (other,): "that of another key",
        (record[:255],): f"cut off after {255 - len('v=DKIM1; k=rsa; p=')} of 392 characters",
        (record.replace("DKIM1", "DKIM2"),): "v=DKIM2",
        (record.replace("k=rsa", "k=ed25519"),): "k=ed25519",
        (f"{record}; h=sha1",): "h=sha1",
        (f"{record}; s=other",): "s=other",
        (f"{record}; p=x",): "none of a DKIM key",
    }
    for texts, said in cases.items():
        found = judge(key, *texts)
        assert found.level is Level.FAULT
        assert said in found.said
        assert found.said.startswith(NAME)


def test_a_record_in_test_and_a_key_that_few_verify_are_warnings(key, record):
    assert "t=y" in judge(key, f"{record}; t=y:s").said
    young = keys.read(signed.pem(KeyType.ED25519))
    found = judge(young, keys.record(young))
    assert found.level is Level.WARNING
    assert "Gmail" in found.said


@given(st.text(max_size=200))
def test_any_text_is_a_tag_list_or_none(text):
    found = tag_list.read(text)
    assert found is None or all(name == name.strip().lower() and name for name in found)


POLICY = {
    "v=DMARC1; p=none": ("none", False, False, False),
    "v=DMARC1;p=reject;rua=mailto:a@b.vn;adkim=s;aspf=S": ("reject", True, True, True),
    " v=DMARC1; p=Quarantine; pct=50; fo=1;".strip(): ("quarantine", False, False, False),
    "v = DMARC1 ; p = none ;": ("none", False, False, False),
}


@pytest.mark.parametrize("text", POLICY)
async def test_a_policy_is_read(dns, text):
    dns.txt("_dmarc.example.vn", text, "something else")
    found = await dmarc.find(dns.resolver(), "example.vn")
    assert (found.policy, found.strict_dkim, found.strict_spf, found.reports) == POLICY[text]
    assert found.problem == ""


async def test_a_subdomain_has_the_policy_of_its_organization(dns):
    dns.txt("_dmarc.bao.com.vn", "v=DMARC1; p=reject; sp=quarantine")
    found = await dmarc.find(dns.resolver(), "tin.phong.bao.com.vn")
    assert (found.name, found.policy) == ("_dmarc.bao.com.vn", "quarantine")
    assert (await dmarc.find(dns.resolver(), "bao.com.vn")).policy == "reject"
    assert await dmarc.find(dns.resolver(), "com.vn") is None
    dns.txt("_dmarc.tin.bao.com.vn", "v=DMARC1; p=none")
    assert (await dmarc.find(dns.resolver(), "tin.bao.com.vn")).policy == "none"


@pytest.mark.parametrize(("texts", "problem"), [
    (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "2 records"),
    (["v=DMARC1"], "no p="),
    (["v=DMARC1; p=nope"], "p=nope"),
    (["v=DMARC1; p"], "cannot be read"),
])  # fmt: skip
async def test_a_policy_that_does_not_count_says_why(dns, texts, problem):
    dns.txt("_dmarc.example.vn", *texts)
    assert problem in (await dmarc.find(dns.resolver(), "example.vn")).problem


async def test_a_text_that_is_no_policy_is_none(dns):
    dns.txt("_dmarc.example.vn", "v=DMARC10; p=none", "p=none; v=DMARC1")
    assert await dmarc.find(dns.resolver(), "example.vn") is None


@pytest.mark.parametrize(("one", "sender", "relaxed"), [
    ("example.vn", "example.vn", True), ("mail.example.vn", "example.vn", True),
    ("example.vn", "tin.example.vn", True), ("a.bao.com.vn", "b.bao.com.vn", True),
    ("bao.com.vn", "khac.com.vn", False), ("com.vn", "bao.com.vn", False),
    ("evilexample.vn", "example.vn", False), ("sendgrid.net", "example.vn", False),
])  # fmt: skip
def test_what_is_aligned(one, sender, relaxed):
    assert dmarc.is_aligned(one, sender, strict=False) is relaxed
    assert dmarc.is_aligned(one, sender, strict=True) is (one == sender)


def test_the_domains_of_one_provider_are_counted_together():
    counts = {
        "gmail.com": 3000, "googlemail.com": 1000, "hotmail.com": 1, "live.co.uk": 2,
        "outlook.com.vn": 3, "yahoo.com.vn": 5, "aol.com": 6, "example.vn": 3999,
        "gmail.com.evil.vn": 7,
    }  # fmt: skip
    assert providers.largest(counts) == ("Gmail", 4000)
    assert providers.largest({}) is None
    assert providers.of_domain("outlook.com.vn") == "Microsoft"
    assert providers.of_domain("yahoo.com.vn") == "Yahoo"
    assert providers.of_domain("gmail.com.evil.vn") == "gmail.com.evil.vn"
