"""`bantin mail` tests whether the relay accepts mail, and makes the key that signs it."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import click

from service.cli.grouping import CommandGroup
from service.cli.mailing.keys import keys
from service.cli.opening import opened
from service.cli.output import config_option, dump, fail, json_option, number, printable, say
from service.mail import relay_notes, trial
from service.mail.relays import OUTBOX
from service.mail.trial import TrialResult
from service.runtime.composition import Service
from service.store.mailing.relays import relay_states

_ARROWS = {"C": ">", "S": "<"}


@click.group(cls=CommandGroup)
def mail() -> None:
    """Send a test mail through a relay; make the key that signs mails."""


mail.add_command(keys)


@mail.command()
@click.argument("address")
@click.option("--relay", metavar="ID", help="The relay to use; default: the first one.")
@config_option
@json_option
def test(address: str, relay: str | None, config: Path, as_json: bool) -> None:
    """Send one real message to ADDRESS and print the dialogue with the relay.

    The password is never shown. Without a relay the message goes to var/outbox. Exit 1 if it was
    not accepted. Writes into the store whether the relay accepts mail; if it does again, mails that
    waited for it are sent at once.
    """
    with opened(config) as service:
        work = trial.send(
            service.settings,
            service.renderer,
            address,
            service.clock(),
            secrets.token_bytes(20),
            relay,
        )
        sent = asyncio.run(work)
        released = _note(service, sent)
    if as_json:
        dump(_as_json(sent, released))
    else:
        _tell(sent, released)
    if not sent.ok:
        fail()


def _note(service: Service, sent: TrialResult) -> int:
    """Keep what it showed about the relay. Returns how many mails need not wait any more."""
    now = service.clock()
    with service.store.ledger() as connection:
        if sent.ok:
            released = relay_notes.retry_now(connection, sent.relay, now)
            relay_states.note_success(connection, sent.relay, now, sent.answer)
            return released
        if sent.ours:
            relay_states.note_failure(connection, sent.relay, now, sent.answer, None)
    return 0


def _tell(sent: TrialResult, released: int) -> None:
    for who, line in sent.dialogue:
        say(f"{_ARROWS[who]} {printable(line)}")
    if sent.relay == OUTBOX and sent.ok:
        say(f"no relay is configured: {sent.answer}; nothing was sent")
    elif sent.ok:
        say(f"{sent.relay} accepted a mail to {sent.address}: {printable(sent.answer)}")
    else:
        say(f"{sent.relay} did not accept it: {printable(sent.answer)}")
    if released:
        say(f"{number(released, 'mail')} that waited for it will be sent now")


def _as_json(sent: TrialResult, released: int) -> dict[str, object]:
    return {
        "relay": sent.relay,
        "address": sent.address,
        "message_id": sent.message_id,
        "ok": sent.ok,
        "answer": sent.answer,
        "dialogue": [
            {"from": "us" if who == "C" else "relay", "line": line} for who, line in sent.dialogue
        ],
        "released": released,
    }
