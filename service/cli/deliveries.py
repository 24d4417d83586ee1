"""`bantin deliveries` lists and settles mails that did not arrive, or may not have."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from service.cli.grouping import CommandGroup
from service.cli.opening import opened, opened_to_look
from service.cli.output import config_option, dump, fail, json_option, local, say, table, warn
from service.errors import UsageError
from service.model import DeliveryState
from service.store.core.database import Connection
from service.store.mailing import uncertain_deliveries

Act = Callable[[Connection, Iterable[int], datetime], list[int]]

_STATES = ("uncertain", "deferred", "rejected")

keys_argument = click.argument("keys", metavar="[KEY]...", nargs=-1)
all_option = click.option("--all", "everything", is_flag=True, help="All uncertain mails.")


@click.group(cls=CommandGroup)
def deliveries() -> None:
    """List mails that did not arrive, or may not have; settle the uncertain ones."""


@deliveries.command("list")
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True,
    help="Only this state; default: all three.",
)  # fmt: skip
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="At most so many a state.",
)
@config_option
@json_option
def list_(states: tuple[str, ...], limit: int, config: Path, as_json: bool) -> None:
    """List uncertain, deferred and rejected mails, with the relay's answer.

    Uncertain: the relay may have accepted it, but its answer was lost; it waits for `resend` or
    `drop`, or is sent again by itself where a next try is shown. Deferred: it is retried. Rejected:
    for good, the latest first. Writes nothing.
    """
    wanted = [DeliveryState(state) for state in states or _STATES]
    with opened_to_look(config) as service:
        zone = service.settings.zone
        with service.store.read() as connection:
            found = uncertain_deliveries.listed(connection, wanted, limit)
    if as_json:
        dump([asdict(one) for one in found])
        return
    rows = [
        (
            one.state, one.address, one.reply, local(one.next_try_at, zone), one.key, one.kind,
            one.digest, local(one.cut_at, zone), local(one.handed_at, zone), one.relay,
        )
        for one in found
    ]  # fmt: skip
    heads = (
        "state", "address", "last said", "next try", "key", "kind", "digest", "cut",
        "handed over", "relay",
    )  # fmt: skip
    table("Mails", heads, rows)


@deliveries.command()
@keys_argument
@all_option
@config_option
@json_option
def resend(keys: tuple[str, ...], everything: bool, config: Path, as_json: bool) -> None:
    """Send uncertain mails again, with the same Message-ID. Writes the store.

    Exit 1 for a key that is unknown or not uncertain.
    """
    _settle(uncertain_deliveries.resend, "resent", keys, everything, config, as_json)


@deliveries.command()
@keys_argument
@all_option
@click.option(
    "--untold", is_flag=True, help="They did not arrive: the next edition includes their stories."
)
@config_option
@json_option
def drop(
    keys: tuple[str, ...], everything: bool, untold: bool, config: Path, as_json: bool
) -> None:
    """Close uncertain mails without sending; their stories count as told. Writes the store.

    Exit 1 for a key that is unknown or not uncertain.
    """
    act = functools.partial(uncertain_deliveries.drop, untold=untold)
    _settle(act, "dropped", keys, everything, config, as_json)


def _settle(
    act: Act, what: str, keys: tuple[str, ...], everything: bool, config: Path, as_json: bool
) -> None:
    if bool(keys) == everything:
        raise UsageError("name KEYs from `bantin deliveries list`, or use --all")
    with opened(config) as service, service.store.ledger() as connection:
        if everything:
            ids = {one.key: one.id for one in uncertain_deliveries.unsettled(connection)}
        else:
            ids = uncertain_deliveries.find(connection, keys)
        done = set(act(connection, ids.values(), service.clock()))
    settled = [key for key, row in ids.items() if row in done]
    idle = [key for key, row in ids.items() if row not in done]
    unknown = [key for key in keys if key not in ids]
    if as_json:
        dump({what: settled, "not_held": idle, "unknown": unknown})
    else:
        say(f"{what}: {len(settled)}")
        for key in idle:
            warn(f"{key}: is not uncertain")
        for key in unknown:
            warn(f"{key}: no such delivery")
    if idle or unknown:
        fail()
