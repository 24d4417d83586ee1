"""`bantin mail keys`: a private file that is never overwritten, and the record that fits it."""

from __future__ import annotations

import os
import re
import stat

import dkim
import pytest

RELAYLESS = '[mail]\nfrom = "Tin <tin@example.vn>"\n'


@pytest.fixture
def mailing_site(site):
    with (site / "bantin.toml").open("a") as file:
        file.write(RELAYLESS)
    return site


def test_a_key_is_made_that_only_its_owner_reads_and_that_signs_as_the_command_says(
    run, ask, mailing_site
):
    old = os.umask(0)
    try:
        said = run("mail", "keys", "--selector", "tin1").stdout
    finally:
        os.umask(old)
    file = mailing_site / "var" / "dkim-tin1.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "PRIVATE" not in said
    [toml] = re.findall(r"(?m)^  (dkim = .*)$", said)
    config = mailing_site / "bantin.toml"
    config.write_text(config.read_text() + toml + "\n")
    assert ask("check")["faults"] == []

    shown = ask("mail", "keys", "--show")
    assert shown["name"] == "tin1._domainkey.example.vn"
    assert "".join(shown["strings"]) == shown["record"]
    assert [len(one) for one in shown["strings"]] == [255, len(shown["record"]) - 255]
    assert all(f'"{one}"' in said for one in shown["strings"])
    assert f"  value  {shown['record']}\n" in said

    key = ask("mail", "test", "admin@example.vn")["message_id"].partition("@")[0]
    data = (mailing_site / "var" / "outbox" / "new" / key).read_bytes()
    names = []

    def txt(name, timeout=5):
        names.append(name)
        return shown["record"].encode()

    assert dkim.verify(data, dnsfunc=txt)
    assert names == [b"tin1._domainkey.example.vn."]


def test_a_file_that_is_there_is_never_overwritten(run, ask, mailing_site):
    run("mail", "keys")
    file = mailing_site / "var" / "dkim-bantin.pem"
    before = file.read_bytes()
    refused = run("mail", "keys", code=2)
    assert f"{file} is there already, and is not overwritten" in refused.stderr
    assert file.read_bytes() == before
    away = mailing_site / "away.pem"
    away.symlink_to(mailing_site / "elsewhere.pem")
    run("mail", "keys", str(away), code=2)
    assert not (mailing_site / "elsewhere.pem").exists()
    assert sorted(path.name for path in file.parent.glob("dkim*")) == [file.name]
    assert ask("mail", "keys", "--show")["file"] == str(file)


def test_a_key_can_be_made_before_the_configuration_that_names_it_is_right(run, ask, mailing_site):
    config = mailing_site / "bantin.toml"
    text = config.read_text()
    config.write_text(
        text
        + 'dkim = { domain = "tin.example.vn", selector = "a", key = { file = "keys/x.pem" } }\n'
    )
    assert run("check", code=2).stderr.count("there is no file") == 1
    made = ask("mail", "keys", "--type", "ed25519")
    assert (made["file"], made["name"]) == (
        str(mailing_site / "keys" / "x.pem"),
        "a._domainkey.tin.example.vn",
    )
    assert made["record"].startswith("v=DKIM1; k=ed25519; p=")
    assert ask("check")["faults"] == []
    other = ask("mail", "keys", "--selector", "b")
    assert other["file"] == str(mailing_site / "var" / "dkim-b.pem"), "the next key beside it"


def test_what_cannot_be_is_said(run, ask, site, folder):
    assert "name one with --domain" in run("mail", "keys", code=2).stderr
    run("mail", "keys", "--domain", "tin", code=2)
    run("mail", "keys", "--domain", "example.vn", "--selector", "a b", code=2)
    run("mail", "keys", "--domain", "example.vn", "--show", code=1)
    (folder / "text").write_text("no key")
    told = run("mail", "keys", "text", "--domain", "example.vn", "--show", code=1).stderr
    assert "is no private key in PEM form" in told
    bare = ask("mail", "keys", "k.pem", "--domain", "bộ.vn", "--config", "missing.toml")
    assert bare["name"] == f"bantin._domainkey.{'bộ.vn'.encode('idna').decode()}"
