"""MAIL, RCPT and DATA in one write, and replies in whatever pieces they come (RFC 2920)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from service.mail.classify import SmtpReply, SmtpStage
from service.mail.handover import Handover, Lost
from service.mail.relay import RelayConnection
from tests.mail.relays import QUICK, relay_of
from tests.mail.test_relay import closed_gate, message, open_gate

END = "end"
"""In place of a piece: hang up."""


@dataclass
class Raw:
    """A relay that answers the envelope with these pieces, each a packet of its own."""

    pieces: list[str]
    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    async def __call__(self, reader, writer):
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-me\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n")
        while words := await reader.read(65536):
            self.heard.append(words)
            if not words.startswith(b"MAIL"):
                writer.write(b"250 fine\r\n")
                continue
            for piece in self.pieces:
                if piece == END:
                    writer.close()
                    return
                writer.write(piece.encode())
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()


@asynccontextmanager
async def relay(*pieces: str) -> AsyncIterator[tuple[Raw, RelayConnection]]:
    raw = Raw(list(pieces))
    server = await asyncio.start_server(raw, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        connection = RelayConnection(
            relay_of({"host": "127.0.0.1", "port": port}), "tin.example.vn", QUICK
        )
        yield raw, connection
        await connection.close()


async def handed_over(*pieces: str, gate=open_gate) -> tuple[Handover, list[bytes]]:
    async with relay(*pieces) as (raw, connection):
        result = await connection.deliver(message(), gate)
    return result, raw.heard


@pytest.mark.parametrize(
    "pieces",
    [
        ["250 a\r\n", "250 b\r\n", "354 go\r\n"],
        ["250 a\r\n250 b\r\n354 go\r\n"],
        ["250-a\r\n250 ", "a\r\n25", "0 b\r", "\n354-go\r\n3", "54 on\r\n"],
        ["250 a\n250\n", "354\n"],
        list("250 a\r\n250-b\r\n250 b\r\n354 go\r\n"),
    ],
    ids=["each alone", "at once", "torn", "bare", "byte by byte"],
)
async def test_the_envelope_is_one_write_and_its_replies_come_in_any_pieces(pieces):
    result, heard = await handed_over(*pieces)
    assert isinstance(result, SmtpReply)
    assert (result.stage, result.code) == (SmtpStage.BODY, 250)
    assert heard[0].count(b"\r\n") == 3
    assert heard[0].endswith(b"DATA\r\n")
    assert b"".join(heard[1:]).startswith(message().data[:20])


async def test_a_message_for_nobody_is_not_begun_where_the_relay_waits_for_it():
    result, heard = await handed_over("250 a\r\n", "550 5.1.1 no\r\n", "354 go\r\n")
    assert result == SmtpReply(SmtpStage.RCPT, 550, "5.1.1 no")
    assert len(heard) == 1  # it hung up, and said no more


async def test_no_body_leaves_before_the_gate_is_open():
    _, heard = await handed_over("250 a\r\n250 b\r\n354 go\r\n", gate=closed_gate)
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["421 4.3.2 too busy\r\n", END], SmtpReply(SmtpStage.MAIL, 421, "4.3.2 too busy")),
        (["250 a\r\n421 4.7.0 slow\r\n", END], SmtpReply(SmtpStage.RCPT, 421, "4.7.0 slow")),
        (
            ["250 a\r\n", "250 b\r\n", "451 4.3.0 later\r\n", END],
            SmtpReply(SmtpStage.DATA, 451, "4.3.0 later"),
        ),
    ],
)
async def test_who_refuses_and_hangs_up_has_said_why(pieces, expected):
    result, _ = await handed_over(*pieces)
    assert result == expected


@pytest.mark.parametrize(
    ("pieces", "stage"),
    [
        ([END], SmtpStage.MAIL),
        (["250 a\r\n", END], SmtpStage.RCPT),
        (["250 a\r\n250 b\r\n", END], SmtpStage.DATA),
        (["250 a\r\nnonsense\r\n"], SmtpStage.RCPT),
        (["250 a\r\n25x b\r\n"], SmtpStage.RCPT),
        (["250-a\r\n" * 20_000], SmtpStage.MAIL),
        (["x" * 100_000], SmtpStage.MAIL),
    ],
)
async def test_what_is_not_a_reply_is_a_connection_that_is_lost_at_its_stage(pieces, stage):
    result, heard = await handed_over(*pieces)
    assert isinstance(result, Lost)
    assert result.stage is stage
    assert all(words.startswith(b"MAIL") for words in heard)  # no body


async def test_a_control_character_in_a_command_is_refused_before_anything_is_sent():
    async with relay() as (raw, connection):
        result = await connection.deliver(message("a\r\nRCPT TO:<b@example.vn>"), open_gate)
    assert isinstance(result, Lost)
    assert raw.heard == []


async def test_the_connection_carries_the_next_message():
    async with relay("250 a\r\n250 b\r\n354 go\r\n") as (raw, connection):
        for _ in range(3):
            result = await connection.deliver(message(), open_gate)
            assert isinstance(result, SmtpReply)
            assert result.code == 250
    assert sum(words.startswith(b"MAIL") for words in raw.heard) == 3
