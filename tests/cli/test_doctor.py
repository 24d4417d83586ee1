"""`bantin doctor` from outside: its lines, its JSON, its exit code, with a real DNS server."""

from __future__ import annotations

import pytest

from service.mail.signing import keys
from tests.mail import signed
from tests.runtime.doctor.dns_server import running

MAIL = """
[mail]
from = "Tin <tin@example.vn>"
dkim = {{ domain = "example.vn", selector = "tin1", key = {{ file = "key.pem" }} }}
[mail.relay.chinh]
host = "127.0.0.1"
port = {port}
"""


@pytest.fixture
def dns():
    with running() as server:
        yield server


@pytest.fixture
def mailing_site(site, free_port):
    (site / "key.pem").write_text(signed.pem())
    with (site / "bantin.toml").open("a") as file:
        file.write(MAIL.format(port=free_port))
    return site


def test_each_finding_has_a_line_and_what_to_do(run, ask, mailing_site, dns):
    dns.txt("example.vn", "v=spf1 ip4:198.51.100.7 -all")
    dns.txt("tin1._domainkey.example.vn", keys.record(keys.read(signed.pem())))
    dns.put("7.100.51.198.in-addr.arpa", "PTR", "\\027]0\\;evil.example.vn.")
    options = ("--dns", f"127.0.0.1:{dns.port}", "--sends-from", "198.51.100.7")
    said = run("doctor", *options, code=1).stdout
    assert "ok    spf: " in said
    assert "ok    dkim: tin1._domainkey.example.vn fits the key" in said
    assert "warn  dmarc: example.vn has no DMARC record\n      -> publish a TXT record" in said
    assert "FAIL  ptr: 198.51.100.7 has the name" in said
    assert "FAIL  relay: chinh: 127.0.0.1:" in said
    assert "FAIL  one-click: " in said
    assert "\x1b" not in said
    assert "PRIVATE" not in said

    told = ask("doctor", *options, code=1)
    assert told["ok"] is False
    levels = {one["check"]: one["level"] for one in told["findings"]}
    assert set(levels) == {
        "spf", "ptr", "dkim", "dmarc", "alignment", "volume", "relay", "one-click", "clock",
        "disk", "size",
    }  # fmt: skip
    assert levels["alignment"] == "ok"
    assert all(
        set(one) == {"check", "level", "said", "remedy"}
        and bool(one["remedy"]) == (one["level"] not in {"ok", "none"})
        for one in told["findings"]
    )


def test_without_mail_there_is_nothing_to_fail(run, ask, site):
    told = ask("doctor", "--dns", "127.0.0.1:9")
    assert told["ok"] is True
    levels = {one["check"]: one["level"] for one in told["findings"]}
    assert (levels["sender"], levels["relay"], levels["one-click"]) == ("none", "none", "none")
    assert run("doctor", "--dns", "127.0.0.1:9").stdout.splitlines()[-1].startswith("0 faults, ")


@pytest.mark.parametrize("options", [
    ("--dns", "dns.example.vn"), ("--dns", "127.0.0.1:x"), ("--dns", "127.0.0.1:0"),
    ("--sends-from", "smtp.example.vn"), ("--dns", "[::1]:99999"), ("--dns", ""),
])  # fmt: skip
def test_what_is_no_address_is_wrong_use(run, site, options):
    run("doctor", *options, code=2)
