"""The envelope of the next message goes behind the body of the one before (RFC 2920 3.1)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from service.mail.classify import Judgement, SmtpReply, SmtpStage, Verdict, judge
from service.mail.handover import GateClosed, Lost
from service.mail.relay import MESSAGES_PER_CONNECTION, RelayConnection
from service.mail.smtp.habits import Habits
from tests.mail.relays import DROP, QUICK, SILENCE, relay_of
from tests.mail.smtp.scripted import FORGETS, Scripted
from tests.mail.test_relay import closed_gate, message, open_gate
from tests.running import eventually

TAKEN = SmtpReply(SmtpStage.BODY, 250, "taken")
MESSAGES = [
    message(f"nguoi-{n}@example.vn", data=b"Subject: %d\r\n\r\nx\r\n" % n) for n in range(5)
]
HASTY = replace(QUICK, first=0.2, command=2.0, ahead=0.3)


class Line:
    """The messages of a channel in their order, each ready when the body before it leaves."""

    def __init__(self, messages=MESSAGES):
        self.messages = list(messages)
        self.released = []
        self.taken = None

    def take(self):
        self.taken = self.messages[0] if self.messages else None
        return self.taken

    def release(self):
        self.released.append(self.taken)
        self.taken = None


@asynccontextmanager
async def connected(relay, timeouts=QUICK, habits=None):
    table = relay_of({"host": "127.0.0.1", "port": relay.port})
    connection = RelayConnection(table, "tin.example.vn", timeouts, habits=habits)
    yield connection
    await connection.close()


async def sent(connection, line, gates=()):
    """Hand over all, with these gates first; what came of each."""
    gates, results = list(gates), []
    while line.messages:
        one = line.messages.pop(0)
        gate = gates.pop(0) if gates else open_gate
        results.append(await connection.deliver(one, gate, following=line))
    return results


def numbers(relay):
    """Which messages came, in their order."""
    return [int(body.split()[1]) for body in relay.bodies]


async def test_the_next_envelope_comes_before_the_answer_to_a_body_and_all_come_in_order():
    async with Scripted() as relay, connected(relay) as connection:
        results = await sent(connection, Line())
        assert results == [TAKEN] * 5
        assert numbers(relay) == [0, 1, 2, 3, 4]
        assert relay.ahead == [1, 2, 3, 4]
        assert len(relay.connections) == 1


async def test_without_pipelining_each_command_waits_for_the_answer_before_it():
    async with Scripted(offers="") as relay, connected(relay) as connection:
        assert await sent(connection, Line()) == [TAKEN] * 5
        assert relay.ahead == []
        assert numbers(relay) == [0, 1, 2, 3, 4]


async def test_the_body_waits_for_its_own_gate_and_354():
    async with Scripted() as relay, connected(relay) as connection:

        async def gate():
            await asyncio.sleep(0.05)
            assert numbers(relay) == [0]
            return True

        line = Line(MESSAGES[:2])
        assert await sent(connection, line, [open_gate, gate]) == [TAKEN] * 2
        assert relay.ahead == [1]


REFUSED = [
    ("MAIL", "451 4.3.0 later", SmtpReply(SmtpStage.MAIL, 451, "4.3.0 later"), 1),
    ("MAIL", "550 5.1.8 who are you", SmtpReply(SmtpStage.MAIL, 550, "5.1.8 who are you"), 1),
    ("RCPT", "450 4.2.0 grey", SmtpReply(SmtpStage.RCPT, 450, "4.2.0 grey"), 2),
    ("RCPT", "550 5.1.1 no", SmtpReply(SmtpStage.RCPT, 550, "5.1.1 no"), 2),
    ("DATA", "451 4.3.0 later", SmtpReply(SmtpStage.DATA, 451, "4.3.0 later"), 1),
]
"""With MAIL or RCPT refused this relay says 354 all the same, so that we hang up."""


@pytest.mark.parametrize(("step", "answer", "expected", "connections"), REFUSED)
async def test_what_is_refused_behind_a_body_is_its_own_affair(step, answer, expected, connections):
    said = iter([answer] if step != "MAIL" else [answer, *["503 5.5.1 no MAIL"] * 2])

    def script(number, at):
        refuses = number == 2 and step in {at, "MAIL"}
        return next(said, None) if refuses else None

    async with Scripted(script) as relay, connected(relay) as connection:
        assert await sent(connection, Line()) == [TAKEN, expected, *[TAKEN] * 3]
        assert numbers(relay) == [0, 2, 3, 4]
        assert len(relay.connections) == connections


@pytest.mark.parametrize(
    "answer", ["452 4.3.1 full", "554 5.6.0 spam", "421 4.3.2 closing" + DROP, DROP]
)
async def test_what_is_said_of_a_body_is_not_said_of_the_message_behind_it(answer):
    def script(number, at):
        return answer if (number, at, len(relay.bodies)) == (2, "BODY", 2) else None

    async with Scripted(script) as relay, connected(relay) as connection:
        first, second, *others = await sent(connection, Line())
        assert [first, *others] == [TAKEN] * 4
        if answer == DROP:
            assert isinstance(second, Lost)
            assert second.stage is SmtpStage.BODY
        else:
            assert str(second).startswith(f"body: {answer[:3]}")
        assert numbers(relay) == [0, 1, 2, 3, 4]  # each once
        assert len(relay.connections) == (1 if answer[0] in "45" and DROP not in answer else 2)


async def test_a_relay_that_hangs_up_after_a_body_has_not_refused_the_next_one():
    """And nothing is sent to the connection after that one at the same place."""

    def script(number, at):
        return "250 taken" + DROP if (number, at) == (2, "BODY") else None

    async with Scripted(script) as relay, connected(relay) as connection:
        assert await sent(connection, Line()) == [TAKEN] * 5
        assert numbers(relay) == [0, 1, 2, 3, 4]
        assert relay.ahead == [1, 2, 1]  # and the last one has none behind it
        assert len(relay.connections) == 3


async def test_421_to_the_next_envelope_says_why_it_hangs_up():
    def script(number, at):
        return (
            "421 4.7.0 enough" + DROP if (number, at, len(relay.bodies)) == (2, "MAIL", 1) else None
        )

    async with Scripted(script) as relay, connected(relay) as connection:
        results = await sent(connection, Line())
        assert results == [TAKEN, SmtpReply(SmtpStage.MAIL, 421, "4.7.0 enough"), *[TAKEN] * 3]
        assert numbers(relay) == [0, 2, 3, 4]


@pytest.mark.parametrize(
    "said",
    [
        FORGETS,
        "503 5.5.1 out of order",
        "554 5.5.0 Error: SMTP protocol synchronization",
        "554 SMTP synchronization error",
    ],
)
async def test_a_relay_that_does_not_bear_it_is_spoken_to_step_by_step_from_then_on(said):
    def refuses(number, at):
        if said == FORGETS:
            return FORGETS if at == "BODY" else None
        behind = number - 1 in relay.ahead and len(relay.connections) == 1
        return said if behind and at in {"MAIL", "RCPT", "DATA"} else None

    habits = Habits()
    timeouts = HASTY if said == FORGETS else QUICK
    async with Scripted(refuses) as relay, connected(relay, timeouts, habits) as connection:
        assert await sent(connection, Line()) == [TAKEN] * 5
        assert numbers(relay) == [0, 1, 2, 3, 4]
        assert relay.ahead == [1]
        assert len(relay.connections) == 2
        async with connected(relay, timeouts, habits) as other:
            assert await sent(other, Line()) == [TAKEN] * 5
        assert relay.ahead == [1]  # what one connection has learned, all know


@pytest.mark.parametrize(
    "said", ["554 SMTP synchronization error", "503 5.5.1 out of order", "554 5.5.0 no pipelining"]
)
async def test_a_body_that_is_refused_for_what_stands_behind_it_is_not_refused_for_its_content(
    said,
):
    def refuses(number, at):
        return said if at == "BODY" and number in relay.ahead and not hung_up() else None

    def hung_up():
        return len(relay.connections) > 1

    async with Scripted(refuses) as relay, connected(relay) as connection:
        first, *others = await sent(connection, Line())
        assert judge(first) == Judgement(Verdict.WAIT)
        assert said in str(first)
        assert others == [TAKEN] * 4
        assert numbers(relay) == [0, 1, 2, 3, 4]
        assert relay.ahead == [1]
        assert len(relay.connections) == 2


async def test_words_of_a_relay_that_takes_a_body_are_no_refusal():
    taken = "250 queued by pipelined-in 2"
    async with Scripted(lambda _, at: taken if at == "BODY" else None) as relay:
        async with connected(relay) as connection:
            assert {judge(one).verdict for one in await sent(connection, Line())} == {
                Verdict.ACCEPTED
            }
        assert relay.ahead == [1, 2, 3, 4]


async def test_an_envelope_that_must_not_go_any_more_has_no_body():
    async with Scripted() as relay, connected(relay) as connection:
        results = await sent(connection, Line(), [open_gate, closed_gate])
        assert results == [TAKEN, GateClosed(), *[TAKEN] * 3]
        assert numbers(relay) == [0, 2, 3, 4]
        assert relay.connections[0][-1] == "DATA"
        assert len(relay.connections) == 2


async def test_a_gate_that_breaks_hangs_up_without_a_body():
    async def broken():
        raise RuntimeError

    async with Scripted() as relay, connected(relay) as connection:
        line = Line(MESSAGES[:2])
        with pytest.raises(RuntimeError):
            await sent(connection, line, [open_gate, broken])
        assert await connection.deliver(MESSAGES[2], open_gate) == TAKEN
        assert numbers(relay) == [0, 2]


async def test_who_waits_behind_a_body_that_is_not_answered_goes_elsewhere():
    def script(number, at):
        return SILENCE if at == "BODY" and number == 1 and len(relay.bodies) == 1 else None

    async with Scripted(script) as relay:
        async with connected(relay, replace(HASTY, body=0.6)) as connection:
            line = Line()
            lost = await connection.deliver(line.messages.pop(0), open_gate, following=line)
            assert isinstance(lost, Lost)
            assert lost.stage is SmtpStage.BODY
            assert line.released == MESSAGES[1:2]
            assert await sent(connection, line) == [TAKEN] * 4
        assert numbers(relay) == [0, 1, 2, 3, 4]
        assert relay.ahead == [1]  # for a minute: who answers so slowly has no round trip to save
        assert len(relay.connections) == 2


async def test_a_late_answer_to_a_body_counts_and_the_envelope_behind_it_is_left():
    late = asyncio.Event()

    class Late(Scripted):
        async def _says(self, writer, answer):
            if answer == "250 late":
                await late.wait()
            return await super()._says(writer, answer)

    def script(number, at):
        return "250 late" if at == "BODY" and len(relay.bodies) == 1 else None

    class Waiting(Line):
        def release(self):
            super().release()
            late.set()

    async with Late(script) as relay, connected(relay, HASTY) as connection:
        line = Waiting()
        first = await connection.deliver(line.messages.pop(0), open_gate, following=line)
        assert first == SmtpReply(SmtpStage.BODY, 250, "late")
        assert await sent(connection, line) == [TAKEN] * 4
        assert numbers(relay) == [0, 1, 2, 3, 4]
        assert len(relay.connections) == 2


async def test_another_message_than_the_one_whose_envelope_is_out_gets_a_fresh_connection():
    async with Scripted() as relay, connected(relay) as connection:
        line = Line(MESSAGES[:2])
        assert await connection.deliver(line.messages.pop(0), open_gate, following=line) == TAKEN
        assert await connection.deliver(MESSAGES[4], open_gate) == TAKEN
        assert numbers(relay) == [0, 4]
        assert len(relay.connections) == 2


async def test_an_envelope_without_its_body_is_left_by_hanging_up():
    async with Scripted() as relay:
        async with connected(relay) as connection:
            line = Line(MESSAGES[:2])
            await connection.deliver(line.messages.pop(0), open_gate, following=line)
        heard = [["EHLO", "MAIL", "RCPT", "DATA", "BODY", "MAIL", "RCPT", "DATA"]]
        await eventually(lambda: relay.connections == heard)
        await relay.hang_up()
        assert relay.connections == heard
        assert numbers(relay) == [0]


async def test_a_reply_too_many_lets_no_body_go_without_its_354():
    def script(number, at):
        twice = (number, at, len(relay.bodies)) == (1, "BODY", 1)
        return "250 taken\r\n250 taken again" if twice else None

    async with Scripted(script) as relay, connected(relay) as connection:
        first, second, *others = await sent(connection, Line())
        assert first == TAKEN
        assert (second.stage, second.code) == (SmtpStage.DATA, 250)
        assert others == [TAKEN] * 3
        assert numbers(relay) == [0, 2, 3, 4]


async def test_the_last_message_of_a_connection_goes_alone():
    async with Scripted() as relay, connected(relay) as connection:
        assert await connection.deliver(MESSAGES[4], open_gate) == TAKEN
        connection._sent = MESSAGES_PER_CONNECTION - 2
        assert await sent(connection, Line(MESSAGES[:3])) == [TAKEN] * 3
        assert relay.ahead == [2]
        assert len(relay.connections) == 2


async def test_an_address_that_would_be_a_command_of_its_own_goes_behind_no_body():
    bad = message("a\r\nRCPT TO:<b@example.vn>")
    async with Scripted() as relay, connected(relay) as connection:
        first, second, third = await sent(connection, Line([MESSAGES[0], bad, MESSAGES[1]]))
        assert (first, third) == (TAKEN, TAKEN)
        assert isinstance(second, Lost)
        assert numbers(relay) == [0, 1]
        assert relay.ahead == []
