"""`bantin bounces` reads returned mail: as an MTA's pipe, or from files."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import click
from click.core import ParameterSource

from service.cli.grouping import CommandGroup
from service.cli.opening import log_quietly, opened, opened_to_look
from service.cli.output import config_option, dump, fail, json_option, printable, say, warn
from service.errors import BantinError, ConfigError, UsageError
from service.mail.returned import intake
from service.mail.returned.files import mails_in
from service.mail.returned.intake import ReturnedAction
from service.mail.returned.opened import OpenedMail, open_apart, open_mail
from service.runtime.composition import Service

STDIN = "-"

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: to an MTA every other code would mean that the mail is lost."""

_AT_ONCE = 200
"""Mails in one transaction."""

_LARGE = 256 * 1024
"""Bytes of files from which on it pays to start processes that read them: half a second."""

_SAID = {
    ReturnedAction.SUPPRESS: "nothing is sent to this address any more",
    ReturnedAction.COUNT: "counted as a soft bounce",
    ReturnedAction.KNOWN: "known before",
    ReturnedAction.REFUSED: "no key of a mail of ours: nothing was done",
    ReturnedAction.NONE: "nothing to do",
    ReturnedAction.NOTE: "it could not be read, which is noted",
}

_WOULD = {
    **_SAID,
    ReturnedAction.SUPPRESS: "would end all mail to this address",
    ReturnedAction.COUNT: "would count as a soft bounce",
}


@click.group(cls=CommandGroup)
def bounces() -> None:
    """Read returned mail, and write no more to addresses that are dead."""


@bounces.command()
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only show what each says and would do.")
@config_option
@json_option
@click.pass_context
def read(
    ctx: click.Context, files: tuple[str, ...], dry_run: bool, config: Path, as_json: bool
) -> None:
    """Read returned mails in FILEs (mails or mboxes), else one on standard input.

    A bounce or complaint counts only if it brings the key of a mail that we sent: a forged one
    suppresses nobody. Writes the store. Without a configuration it only shows what each says, and
    --dry-run writes nothing. With --json one line each. Exit 1 if a file cannot be read; from
    standard input 75 if the store cannot be written, so that the mail server tries again.
    """
    log_quietly()
    chosen = ctx.get_parameter_source("config") is not ParameterSource.DEFAULT
    unread: list[str] = []
    try:
        with ExitStack() as stack:
            service = None
            if chosen or config.exists():
                service = stack.enter_context((opened_to_look if dry_run else opened)(config))
            mails = _mails(files or (STDIN,), unread)
            read = stack.enter_context(_reading(files))
            while some := list(islice(mails, _AT_ONCE)):
                opened_ones = read([data for _, data in some])
                actions = _act(service, opened_ones, dry_run=dry_run)
                names = [name for name, _ in some]
                for name, mail, action in zip(names, opened_ones, actions, strict=True):
                    _show(name, mail, action, as_json=as_json, done=service and not dry_run)
            if service is None and not dry_run:
                warn(f"{config}: there is no configuration, so nothing was changed")
    except BantinError as error:
        if files or isinstance(error, UsageError):
            raise
        for line in error.faults if isinstance(error, ConfigError) else (error,):
            warn(f"bantin: {line}")
        fail(TRY_AGAIN)
    if unread:
        fail()


@contextmanager
def _reading(files: tuple[str, ...]) -> Iterator[Callable[[list[bytes]], list[OpenedMail]]]:
    """What reads mails: of large files other processes do, which one of them may kill or hang.

    An MTA gives one mail to one process, and ends that by itself when it hangs.
    """
    if sum(_size(name) for name in files) < _LARGE:
        yield lambda mails: [open_mail(data) for data in mails]
        return
    # Who reads a small file has no use for them, nor for what they load.
    from service.collect.workers.pool import Parsers  # noqa: PLC0415

    with asyncio.Runner() as runner:
        parsers = Parsers()
        try:
            yield lambda mails: runner.run(open_apart(parsers.call, mails))
        finally:
            runner.run(parsers.close())


def _size(name: str) -> int:
    try:
        return Path(name).stat().st_size
    except OSError:
        return 0  # it is told where it is read


def _act(
    service: Service | None, mails: list[OpenedMail], *, dry_run: bool
) -> list[ReturnedAction]:
    if service is None:
        return [intake.asks_for(one.mail) for one in mails]
    return intake.take(service.store, service.clock(), mails, dry_run=dry_run)


def _mails(files: tuple[str, ...], unread: list[str]) -> Iterator[tuple[str, bytes]]:
    """(file, mail) of every mail; from the second of an mbox on with its number."""
    for name in files:
        try:
            with ExitStack() as stack:
                stream: BinaryIO = sys.stdin.buffer
                if name != STDIN:
                    stream = stack.enter_context(Path(name).open("rb"))
                for number, data in enumerate(mails_in(stream), start=1):
                    shown = name if number == 1 else f"{name}#{number}"
                    yield shown, data
        except OSError as error:
            warn(f"{name}: cannot be read: {error.strerror}")
            unread.append(name)


def _show(
    name: str, opened: OpenedMail, action: ReturnedAction, *, as_json: bool, done: object
) -> None:
    mail = opened.mail
    if as_json:
        told = [
            {"address": one.address, "status": one.status, "hard": one.hard}
            for one in mail.recipients
        ]
        dump({"input": name, "kind": mail.kind, "recipients": told, "action": action})
        return
    say(f"{name}: {mail.kind}: {(_SAID if done else _WOULD)[action]}")
    if mail.why:
        say(f"  {printable(mail.why)}")
    for one in mail.recipients:
        how = ("hard" if one.hard else "soft") if one.failed else ""
        say("  ".join(part for part in (f"  {printable(one.address)}", one.status, how) if part))
        if one.reason:
            say(f"      {printable(one.reason[:160])}")
