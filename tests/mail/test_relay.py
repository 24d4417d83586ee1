"""One connection to real servers: aiosmtpd, which answers what the test wants, and smtp-sink."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import replace

import pytest

from service.mail import relay_answers
from service.mail.classify import SmtpReply, SmtpStage
from service.mail.handover import GateClosed, Lost, Unfit, Unreachable
from service.mail.personal import Message
from service.mail.relay import RelayConnection, Timeouts
from tests.mail.relays import DROP, QUICK, SILENCE, Sink, relay_of
from tests.net import certificates

BODY = (
    b"From: tin@example.vn\r\nSubject: x\r\n\r\n.\r\n..\r\n.a\r\nmiddle . dot\r\n...\r\n"
    + b"x" * 900
    + b"\r\n.\r\n"
)


def message(recipient="minh@example.vn", *, data=BODY, utf8=False):
    return Message(key="k" * 32, data=data, sender="tin@example.vn", recipient=recipient, utf8=utf8)


async def open_gate() -> bool:
    return True


async def closed_gate() -> bool:
    return False


def connection(sink, timeouts=QUICK, tls_context=None, secret=None, **relay):
    table = {"host": "127.0.0.1", "port": sink.port, **relay}
    return RelayConnection(relay_of(table, secret), "tin.example.vn", timeouts, tls_context)


async def test_what_is_received_is_what_was_built_dots_and_all():
    async with Sink() as sink:
        relay = connection(sink)
        first = await relay.deliver(message(), open_gate)
        second = await relay.deliver(message("chi@example.vn", data=BODY[:-3]), open_gate)
        await relay.close()
    assert first == SmtpReply(SmtpStage.BODY, 250, "2.0.0 taken")
    assert isinstance(second, SmtpReply)
    assert [one.data for one in sink.received] == [BODY, BODY[:-3]]
    assert [one.recipient for one in sink.received] == ["minh@example.vn", "chi@example.vn"]
    assert sink.connections == 1


async def test_a_connection_that_has_carried_many_messages_makes_room_for_a_fresh_one():
    """Many relays count, and would hang up in the middle of a dialogue."""
    async with Sink() as sink:
        relay = connection(sink)
        for number in range(201):
            assert sink.connections <= 1 + number // 200
            await relay.deliver(message(data=b"Subject: x\r\n\r\nx\r\n"), open_gate)
        await relay.close()
    assert (len(sink.received), sink.connections) == (201, 2)


ANSWERS = [
    ("mail", "451 4.3.0 later", SmtpReply(SmtpStage.MAIL, 451, "4.3.0 later")),
    ("mail", "550 5.1.8 who are you", SmtpReply(SmtpStage.MAIL, 550, "5.1.8 who are you")),
    ("rcpt", "450 4.2.0 grey", SmtpReply(SmtpStage.RCPT, 450, "4.2.0 grey")),
    (
        "rcpt",
        "550-5.1.1 no\r\n550 5.1.1 really",
        SmtpReply(SmtpStage.RCPT, 550, "5.1.1 no\n5.1.1 really"),
    ),
    ("data", "451 4.3.0 later", SmtpReply(SmtpStage.DATA, 451, "4.3.0 later")),
    ("data", "554 5.6.0 no", SmtpReply(SmtpStage.DATA, 554, "5.6.0 no")),
    ("body", "452 4.3.1 full", SmtpReply(SmtpStage.BODY, 452, "4.3.1 full")),
    ("body", "554 5.6.0 spam", SmtpReply(SmtpStage.BODY, 554, "5.6.0 spam")),
    ("body", "421 4.3.2 going down", SmtpReply(SmtpStage.BODY, 421, "4.3.2 going down")),
]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(("step", "answer", "expected"), ANSWERS)
async def test_a_refusal_at_any_step_is_a_value_and_the_next_message_goes_through(
    step, answer, expected, pipelining
):
    def script(at, _who):
        return answer if at == step and not sink.received else None

    async with Sink(script, pipelining=pipelining) as sink:
        relay = connection(sink)
        assert await relay.deliver(message(), open_gate) == expected
        sink.script = lambda _s, _w: None
        result = await relay.deliver(message(), open_gate)
        assert isinstance(result, SmtpReply)
        assert result.code == 250
        await relay.close()
    assert len(sink.received) == 1
    assert sink.connections == (2 if answer.startswith("421") else 1)


@pytest.mark.parametrize(
    ("step", "stage"),
    [
        ("mail", SmtpStage.MAIL),
        ("rcpt", SmtpStage.RCPT),
        ("data", SmtpStage.DATA),
        ("body", SmtpStage.BODY),
        ("after", SmtpStage.BODY),
    ],
)
@pytest.mark.parametrize("how", [DROP, SILENCE])
@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_broken_connection_says_how_far_it_came_and_is_opened_again(
    step, stage, how, pipelining
):
    short = Timeouts(connect=5.0, command=0.5, body=0.5, quit=0.2) if how == SILENCE else QUICK
    async with Sink(lambda s, _: how if s == step else None, pipelining=pipelining) as sink:
        relay = connection(sink, short)
        result = await relay.deliver(message(), open_gate)
        assert isinstance(result, Lost)
        assert result.stage is stage
        assert len(sink.received) == (1 if step == "after" else 0)
        sink.script = lambda _s, _w: None
        again = await relay.deliver(message(), open_gate)
        assert isinstance(again, SmtpReply)
        await relay.close()
    assert sink.connections == 2


async def test_a_hang_up_while_idle_costs_the_next_message_nothing():
    async with Sink() as sink:
        relay = connection(sink)
        await relay.deliver(message(), open_gate)
        sink._peers[0].transport.abort()
        result = await relay.deliver(message(), open_gate)
        await relay.close()
    assert isinstance(result, SmtpReply)
    assert len(sink.received) == 2


async def test_a_hang_up_seen_only_at_the_next_command_is_tried_once_more():
    async with Sink() as sink:
        relay = connection(sink)
        await relay.deliver(message(), open_gate)
        sink.script = lambda s, _: DROP if s == "mail" and sink.connections == 1 else None
        result = await relay.deliver(message(), open_gate)
        await relay.close()
    assert isinstance(result, SmtpReply)
    assert len(sink.received) == 2


async def next_goes_through(relay):
    """At once: on a connection that waits for a body it would wait for an answer in vain."""
    async with asyncio.timeout(60):
        result = await relay.deliver(message("chi@example.vn"), open_gate)
    assert result == SmtpReply(SmtpStage.BODY, 250, "2.0.0 taken")
    await relay.close()


async def test_a_closed_gate_hangs_up_and_no_body_leaves():
    async with Sink() as sink:
        relay = connection(sink, Timeouts())
        assert await relay.deliver(message(), closed_gate) == GateClosed()
        assert [step for step, _ in sink.steps] == ["helo", "mail", "rcpt", "data"]
        await next_goes_through(relay)
    assert [one.recipient for one in sink.received] == ["chi@example.vn"]
    assert sink.connections == 2


async def test_a_gate_that_breaks_hangs_up_too():
    async def broken() -> bool:
        raise RuntimeError("the store is gone")

    async with Sink() as sink:
        relay = connection(sink, Timeouts())
        with pytest.raises(RuntimeError):
            await relay.deliver(message(), broken)
        await next_goes_through(relay)
    assert [one.recipient for one in sink.received] == ["chi@example.vn"]
    assert sink.connections == 2


async def test_the_relay_that_hangs_up_at_the_open_gate_has_got_nothing():
    async with Sink() as sink:
        relay = connection(sink)

        async def gate() -> bool:
            sink._peers[-1].transport.abort()
            for _ in range(10):  # rounds of the loop, which it takes to be heard
                await asyncio.sleep(0.005)
            return True

        result = await relay.deliver(message(), gate)
    assert isinstance(result, Lost)
    assert result.stage is SmtpStage.DATA
    assert sink.received == []


async def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        relay = RelayConnection(
            relay_of({"host": "127.0.0.1", "port": free.getsockname()[1]}), "x", QUICK
        )
        result = await relay.deliver(message(), open_gate)
    assert isinstance(result, Unreachable)
    assert not result.ours


@pytest.mark.parametrize(
    ("greeting", "ours"), [("554 5.7.1 you are blocked", True), ("421 4.3.2 busy", False)]
)
async def test_a_greeting_that_refuses(greeting, ours):
    async def greet(_reader, writer):
        writer.write(f"{greeting}\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        relay = RelayConnection(relay_of({"host": "127.0.0.1", "port": port}), "x", QUICK)
        result = await relay.deliver(message(), open_gate)
    assert isinstance(result, Unreachable)
    assert greeting[4:] in result.reason
    assert result.ours is ours


async def test_garbage_after_the_body_leaves_the_delivery_uncertain():
    async with Sink(lambda s, _: "what? no number" if s == "after" else None) as sink:
        relay = connection(sink)
        result = await relay.deliver(message(), open_gate)
    assert isinstance(result, Lost)
    assert result.stage is SmtpStage.BODY
    assert len(sink.received) == 1


async def test_an_address_that_is_not_ascii_needs_smtputf8():
    written = message("điệp@example.vn", utf8=True)
    async with Sink(utf8=True) as sink:
        relay = connection(sink)
        result = await relay.deliver(written, open_gate)
        await relay.close()
    assert isinstance(result, SmtpReply)
    assert sink.received[0].recipient == "điệp@example.vn"
    assert "SMTPUTF8" in sink.received[0].options
    async with Sink() as sink:
        relay = connection(sink)
        assert isinstance(await relay.deliver(written, open_gate), Unfit)
        result = await relay.deliver(message(), open_gate)
        assert isinstance(result, SmtpReply)
        await relay.close()
    assert len(sink.received) == 1


@pytest.mark.parametrize(("password", "fine"), [("right", True), ("wrong", False)])
async def test_the_password_is_shown_to_the_relay(password, fine):
    async with Sink(password="right") as sink:
        relay = connection(sink, username="tin", secret=password)
        result = await relay.deliver(message(), open_gate)
        await relay.close()
    assert isinstance(result, SmtpReply if fine else Unreachable)
    if isinstance(result, Unreachable):
        assert result.ours
        assert "535" in result.reason
        assert "wrong" not in result.reason


async def test_a_relay_without_auth_is_something_to_repair():
    async with Sink() as sink:
        relay = connection(sink, username="tin", secret="x")
        result = await relay.deliver(message(), open_gate)
    assert isinstance(result, Unreachable)
    assert result.ours


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(server's context, a client's context that trusts it), for the name localhost."""
    made = certificates.make(tmp_path_factory.mktemp("tls"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.cert, made.key)
    return server, ssl.create_default_context(cafile=str(made.cert))


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_and_starttls_with_auth_behind_it(certificate, security):
    server, client = certificate
    async with Sink(tls=server, implicit_tls=security == "tls", password="right") as sink:
        relay = connection(
            sink, host="localhost", security=security, tls_context=client, username="tin",
            secret="right",
        )  # fmt: skip
        result = await relay.deliver(message(), open_gate)
        await relay.close()
    assert isinstance(result, SmtpReply)
    assert sink.received[0].data == BODY


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_that_is_not_its_own_is_something_to_repair(certificate, security):
    server, _ = certificate
    async with Sink(tls=server, implicit_tls=security == "tls") as sink:
        relay = connection(sink, host="localhost", security=security)
        result = await relay.deliver(message(), open_gate)
        await relay.close()
    assert isinstance(result, Unreachable)
    assert result.ours
    assert sink.received == []


async def test_starttls_that_is_not_offered_is_not_done_without():
    async with Sink() as sink:
        relay = connection(sink, security="starttls")
        result = await relay.deliver(message(), open_gate)
    assert isinstance(result, Unreachable)
    assert result.ours


@pytest.fixture
def smtp_sink(tmp_path):
    """(port, folder of the dumps) of a running smtp-sink."""
    program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin")
    if program is None:
        pytest.skip("needs smtp-sink: apt-get install postfix")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "dumps"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    for parent in [tmp_path, *tmp_path.parents[:3]]:
        parent.chmod(parent.stat().st_mode | 0o055)
    sink = subprocess.Popen(
        [program, *user, "-d", f"{folder}/%M.", f"127.0.0.1:{port}", "10"],
        stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port, folder
    sink.kill()
    sink.wait()


async def test_a_second_server_received_the_same_bytes(smtp_sink):
    port, folder = smtp_sink
    relay = RelayConnection(relay_of({"host": "127.0.0.1", "port": port}), "x", QUICK)
    result = await relay.deliver(message(), open_gate)
    again = await relay.deliver(message("chi@example.vn"), open_gate)
    await relay.close()
    assert isinstance(result, SmtpReply)
    assert isinstance(again, SmtpReply)
    dumps = [file.read_bytes() for file in folder.iterdir()]
    assert len(dumps) == 2
    # smtp-sink writes its own header lines first, and plain newlines.
    assert all(dump.endswith(BODY.replace(b"\r\n", b"\n") + b"\n") for dump in dumps), dumps


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_the_dialogue_is_heard_in_order_and_the_password_is_not(certificate, password):
    server, client = certificate
    heard: list[tuple[str, str]] = []
    async with Sink(tls=server, password="right") as sink:
        table = {
            "host": "localhost", "port": sink.port, "security": "starttls", "username": "tin",
        }  # fmt: skip
        relay = RelayConnection(
            relay_of(table, password), "tin.example.vn", QUICK, client,
            heard=lambda who, line: heard.append((who, line)),
        )  # fmt: skip
        await relay.deliver(message(), open_gate)
        await relay.close()
    lines = [line for _, line in heard]
    assert heard[0] == ("S", lines[0])
    assert lines[0].startswith("220 ")
    assert lines.index("STARTTLS") < lines.index("AUTH PLAIN ***")
    said = "\n".join(lines)
    for form in (password, "\0tin\0" + password):
        assert form not in said
        assert base64.b64encode(form.encode()).decode() not in said
    if password == "right":
        begin = lines.index("DATA")
        assert lines[begin + 1].startswith("354")
        assert lines[begin + 2 : begin + 4] == [f"(the message, {len(BODY)} bytes)", "."]
        assert heard[begin + 4] == ("S", "250 2.0.0 taken")
    else:
        assert "AUTH LOGIN ***" in lines, "the other way to log in is tried, and hidden as well"
        assert sum(line.startswith("535") for line in lines) == 2


@pytest.mark.parametrize("answer", ["550 no {sender} here", "what? {sender}"])
async def test_the_key_of_a_return_path_is_not_kept_in_what_a_relay_answers(answer):
    sender = "tra-ve+12-abcdefghijklmnop@tin.example.vn"
    said = answer.format(sender=sender)
    async with Sink(lambda step, _: said if step == "rcpt" else None) as sink:
        relay = connection(sink)
        result = await relay.deliver(replace(message(), sender=sender), open_gate)
        await relay.close()
    assert "abcdefghijklmnop" not in str(result)
    assert relay_answers.HIDDEN in str(result)
