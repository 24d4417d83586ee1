"""`bantin doctor`: would large providers take this service's mail, and what to do if not."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path

import click

from service.cli.opening import opened_to_look
from service.cli.output import config_option, dump, fail, json_option, number, printable, say
from service.errors import UsageError
from service.runtime.doctor.diagnosis import Diagnosis, Level
from service.runtime.doctor.dns import Address, Resolver
from service.runtime.doctor.examination import examine

_MARKS = {
    Level.OK: "ok",
    Level.WARNING: "warn",
    Level.FAULT: "FAIL",
    Level.UNKNOWN: "?",
    Level.NONE: "-",
}


@click.command()
@click.option("--dns", "server", metavar="ADDRESS[:PORT]", help="Ask this DNS server.")
@click.option(
    "--sends-from",
    metavar="ADDRESS",
    multiple=True,
    help="An IP address that mails leave from; default: those of the relays. Repeatable.",
)
@config_option
@json_option
def doctor(server: str | None, sends_from: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Examine what decides whether mail is let through, and say what to do.

    SPF, DKIM, DMARC and their alignment, names of addresses (PTR), each relay with its TLS, the
    one-click address as a mail program would use it, the clock, the disk, and the size of each
    digest's mail. Asks the DNS, the relays (no mail is sent) and base_url. Exit 1 if something
    fails. Writes nothing.
    """
    addresses = [_address(one) for one in sends_from]
    resolver = Resolver(None if server is None else [_server(server)])
    with opened_to_look(config) as service:
        found = asyncio.run(examine(service, resolver, addresses))
    faults = [one for one in found if one.level is Level.FAULT]
    if as_json:
        known = not any(one.level is Level.UNKNOWN for one in found)
        dump({"ok": known and not faults, "findings": [asdict(one) for one in found]})
    else:
        _tell(found)
    if faults:
        fail()


def _tell(found: list[Diagnosis]) -> None:
    for one in found:
        say(f"{_MARKS[one.level]:4}  {one.check}: {_line(one.said)}")
        if one.remedy:
            say(f"      -> {_line(one.remedy)}")
    counts = [
        number(sum(one.level is level for one in found), noun)
        for level, noun in ((Level.FAULT, "fault"), (Level.WARNING, "warning"))
    ]
    unknown = sum(one.level is Level.UNKNOWN for one in found)
    if unknown:
        counts.append(f"{unknown} not found out")
    say(", ".join(counts))


def _line(text: str) -> str:
    return " ".join(printable(text).split())


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise UsageError(f"{text!r} is not an IP address") from None


def _server(text: str) -> tuple[str, int]:
    """ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT."""
    host, _, port = text.rpartition(":")
    if not host or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UsageError(f"{text!r} is not the address of a DNS server")
    return str(_address(host.strip("[]"))), int(port)
