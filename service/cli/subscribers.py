"""`bantin subscribers` manages who gets which digest, one by one and in lists."""

from __future__ import annotations

import io
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from service.audience import forgetting, lists, people
from service.audience.lists import LineFault
from service.cli.grouping import CommandGroup
from service.cli.mailing.form import form
from service.cli.mailing.invite import invite
from service.cli.opening import ids_of, known, opened, opened_to_look
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    local,
    number,
    printable,
    raw,
    say,
    table,
    warn,
)
from service.errors import UsageError
from service.mail.relays import outbox_of
from service.store.audience import subscriptions, suppressions
from service.store.audience.subscriptions import Subscription
from service.web.subscriber.rhythms import previous_cut


@click.group(cls=CommandGroup)
def subscribers() -> None:
    """List, add, import, invite, export and forget subscribers; a form for other sites."""


subscribers.add_command(form)
subscribers.add_command(invite)


@subscribers.command("list")
@click.option(
    "--digest",
    metavar="ID",
    shell_complete=ids_of("digest"),
    help="Of this digest.",
)
@config_option
@json_option
def list_(digest: str | None, config: Path, as_json: bool) -> None:
    """List every live subscription, by address. Writes nothing."""
    with opened_to_look(config) as service:
        known(service, "digest", digest)
        zone = service.settings.zone
        with service.store.read() as connection:
            found = [one for one in subscriptions.live(connection) if digest in (None, one.digest)]
            barred = suppressions.among(connection, [one.address_key for one in found])
        now = service.clock()
    if as_json:
        dump([{**_listed(one), "suppressed": barred.get(one.address_key)} for one in found])
        return
    rows = [
        (
            one.address, one.digest, one.cadence, ", ".join(one.topics or ("all",)),
            local(one.starts_at, zone) or "not confirmed", local(one.next_cut_at, zone),
            _to_know(one, barred.get(one.address_key), now, zone),
        )
        for one in found
    ]  # fmt: skip
    heads = ("address", "digest", "cadence", "topics", "since", "next cut", "what to know")
    table("Subscribers", heads, rows)


def _to_know(one: Subscription, barred: str | None, now: datetime, zone: str) -> str:
    """Why nothing is sent; "" where it is."""
    if barred is not None:
        return f"nothing is sent: {barred}"
    paused = one.paused_until is not None and one.paused_until > now
    return f"paused until {local(one.paused_until, zone)}" if paused else ""


def _listed(one: Subscription) -> dict[str, object]:
    return {
        "address": one.address,
        "digest": one.digest,
        "cadence": one.cadence,
        "topics": None if one.topics is None else list(one.topics),
        "hour": one.hour,
        "zone": one.zone,
        "language": one.language,
        "since": one.starts_at,
        "next_cut": one.next_cut_at,
        "paused_until": one.paused_until,
        "evidence": one.evidence,
    }


@subscribers.command()
@click.argument("address")
@click.option("--digest", metavar="ID", required=True, shell_complete=ids_of("digest"))
@click.option("--cadence", metavar="C", help="Default: the digest's.")
@click.option("--topic", "topics", metavar="ID", multiple=True, shell_complete=ids_of("topic"),
              help="May be given several times; default: the digest's.")  # fmt: skip
@click.option("--hour", metavar="HH:MM", help="Default: the digest's.")
@click.option("--zone", metavar="Z", help="Such as Asia/Ho_Chi_Minh; default: the site's.")
@click.option("--language", metavar="L", help="Language of the mails; default: the site's.")
@click.option("--evidence", metavar="TEXT", help="How they gave consent.")
@click.option("--again", is_flag=True, help="Even if they have unsubscribed.")
@config_option
@json_option
def add(address: str, digest: str, config: Path, as_json: bool, **preferences: Any) -> None:
    """Add a subscriber, active at once; no mail is sent. Writes the store.

    An address which has unsubscribed or was forgotten is refused without --again.
    """
    with opened(config) as service:
        added = people.add(
            service.store,
            service.settings,
            service.clock(),
            address,
            digest,
            previous_cut=previous_cut(service.settings),
            **preferences,
        )
    if as_json:
        dump({"address": address, "digest": digest, "result": str(added)})
    elif added is people.Added.ALREADY:
        say(f"{printable(address)} gets {digest} already; nothing was changed")
    else:
        say(f"{printable(address)} gets {digest} from the next edition on")


@subscribers.command("import")
@click.argument("file", metavar="CSV", type=click.File("rb"))
@click.option("--digest", metavar="ID", shell_complete=ids_of("digest"),
              help="The digest of lines that name none; default: the only digest.")  # fmt: skip
@click.option("--evidence", metavar="TEXT", default="imported list", show_default=True,
              help="How those gave consent whose line does not say it.")  # fmt: skip
@click.option("--again", is_flag=True, help="Even those who have unsubscribed here.")
@config_option
@json_option
def import_(
    file: Any, digest: str | None, evidence: str, again: bool, config: Path, as_json: bool
) -> None:
    """Import a CSV list: address,digest,cadence,topics(;),hour,zone,language,evidence.

    The exports of listmonk, Ghost and Mailchimp are understood as they are; who unsubscribed or
    bounced there is never written to. Whoever has unsubscribed here is named and left out. Each bad
    line is named, the good ones go in; then exit 1. Writes the store.
    """
    faults: list[LineFault] = []

    def told(fault: LineFault) -> None:
        if as_json:
            faults.append(fault)
        else:
            warn(f"{file.name}:{fault.line}: {printable(_said(fault))}")

    lines = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
    with lines, opened(config) as service:
        done = lists.import_csv(
            service.store,
            service.settings,
            service.clock(),
            lines,
            previous_cut(service.settings),
            told,
            evidence=evidence,
            digest=digest,
            file=Path(file.name).name,
            again=again,
        )
    if as_json:
        dump({**asdict(done), "faults": [asdict(fault) for fault in faults]})
    else:
        barred = f"{done.barred} suppressed, " if done.barred else ""
        left = f"{done.left_out} unsubscribed and left out, " if done.left_out else ""
        say(
            f"{done.added} added, {done.already} already there, {barred}{left}"
            f"{number(done.refused, 'line')} refused"
        )
    if done.refused:
        fail()


def _said(fault: LineFault) -> str:
    """The address and what is wrong with it, each once."""
    if not fault.address or fault.address in fault.problem:
        return fault.problem
    return f"{fault.address}: {fault.problem}"


@subscribers.command()
@config_option
@json_option
def export(config: Path, as_json: bool) -> None:
    """Print every active subscription as CSV, as import reads it. Writes nothing.

    Addresses that must not be written to, since they bounced or complained, are left out.
    """
    with opened_to_look(config) as service:
        if not as_json:
            raw(lists.export_csv(service.store).encode())
            return
        dump([_listed(one) for one in lists.exported(service.store)])


@subscribers.command()
@click.argument("address")
@config_option
@json_option
def forget(address: str, config: Path, as_json: bool) -> None:
    """Erase an address from store and outbox and end its subscriptions. Writes both.

    Exit 1 if nobody has it, or if a busy database still contains it: then run it again.
    """
    with opened(config) as service:
        try:
            done = forgetting.forget(
                service.store, service.clock(), address, outbox_of(service.settings)
            )
        except ValueError as error:
            raise UsageError(f"{address!r} is not an address: {error}") from error
    if as_json:
        dump({"address": address, "forgotten": done.known, "erased": done.erased})
    elif done.known:
        say(f"{printable(address)} is forgotten")
    else:
        warn(f"nobody has the address {printable(address)}")
    if not done.erased:
        warn("the database was busy and still contains the address: run the command again")
    if not (done.known and done.erased):
        fail()
