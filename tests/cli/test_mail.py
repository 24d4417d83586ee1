"""`bantin mail test`: one real message and its dialogue; `check --live` logs in alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.mail.relays import Sink

ADDRESS = "admin@example.vn"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A real server in a thread of its own: commands run a loop in this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def script(_step: str, who: str) -> str | None:
        return "550 5.1.1 nobody of that name" if who.startswith("TO:<nobody@") else None

    server = Sink(script, password="right")
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(60)
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)
    loop.close()


@pytest.fixture
def configure(site, sink):
    def write(password: str) -> None:
        config = site / "bantin.toml"
        config.write_text(
            f"{config.read_text().split('[mail]', maxsplit=1)[0]}[mail]\n"
            'from = "Tin <tin@example.vn>"\n'
            f'[mail.relay.chinh]\nhost = "127.0.0.1"\nport = {sink.port}\nusername = "tin"\n'
            f'password = "{password}"\n'
        )

    return write


def test_without_a_relay_the_message_goes_to_the_outbox_and_is_said_to(run, ask, site):
    said = run("mail", "test", ADDRESS).stdout
    assert "no relay is configured" in said
    assert "nothing was sent" in said
    told = ask("mail", "test", ADDRESS)
    assert (told["relay"], told["ok"], told["dialogue"]) == ("(outbox)", True, [])
    key = told["message_id"].partition("@")[0]
    data = (site / "var" / "outbox" / "new" / key).read_bytes()
    assert f"To: {ADDRESS}\r\n".encode() in data


def test_a_real_message_is_taken_and_its_dialogue_is_printed_without_the_password(
    run, ask, configure, sink
):
    configure("right")
    said = run("mail", "test", ADDRESS).stdout.splitlines()
    assert said[0].startswith("< 220 ")
    assert "> AUTH PLAIN ***" in said
    assert f"> RCPT TO:<{ADDRESS}>" in said
    assert said[-1] == f"chinh accepted a mail to {ADDRESS}: body: 250 2.0.0 taken"
    told = ask("mail", "test", ADDRESS, "--relay", "chinh")
    assert {"from": "relay", "line": "250 2.0.0 taken"} in told["dialogue"]
    assert [one.recipient for one in sink.received] == [ADDRESS, ADDRESS]
    assert f"<{told['message_id']}>".encode() in sink.received[1].data
    assert ask("status")["deliveries"] == {}, "no ledger knows it"
    run("mail", "test", ADDRESS, "--relay", "khong", code=2)


def test_a_refusal_is_exit_1_and_says_whose_it_is(run, ask, configure, sink):
    configure("wrong")
    assert "535" in run("mail", "test", ADDRESS, code=1).stdout.splitlines()[-1]
    [relay] = ask("status")["relays"]
    assert (relay["id"], relay["state"]) == ("chinh", "failing")

    configure("right")
    told = ask("mail", "test", "nobody@example.vn", code=1)
    assert told["answer"] == "rcpt: 550 5.1.1 nobody of that name"
    assert ask("status")["relays"][0]["state"] == "failing", "that was about the address"
    run("mail", "test", ADDRESS)
    assert ask("status")["relays"][0]["state"] == "ok"
    run("mail", "test", "no address", code=1)


def test_live_logs_in_to_each_relay_and_sends_nothing(run, ask, configure, sink):
    configure("wrong")
    said = run("check", "--live", code=1).stdout
    [line] = [line for line in said.splitlines() if " relay " in line]
    assert line.startswith(f"FAIL  relay chinh: 127.0.0.1:{sink.port}, no encryption: ")
    assert "535" in line

    configure("right")
    assert ask("check", "--live")["live"]["relays"] == [
        {
            "id": "chinh",
            "ok": True,
            "said": f"127.0.0.1:{sink.port}, no encryption: logged in as tin",
        }
    ]
    assert sink.received == []
    assert not any(step == "mail" for step, _ in sink.steps)
