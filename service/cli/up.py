"""`bantin up` runs the service, `bantin reload` makes it reload its configuration."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from socket import socket

import click

from service.cli.admin import links
from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, json_option, say, warn
from service.config.schema import ID_PATTERN, Settings
from service.errors import BantinError, UsageError
from service.mail.drain import HELD
from service.render.site_facts import base_url
from service.runtime import logs, pidfile
from service.runtime.composition import Service, load, open_loaded
from service.runtime.jobs import TICKS, Ticks
from service.runtime.roles import Part, Role, place_of, refuse_what_is_for_one
from service.runtime.serving import listen, serve
from service.store.core import facts, hold
from service.store.core.job_queue import bring_up
from service.store.core.migrate import migrate_apart
from service.web.admin import admin_key


@click.command()
@click.option("--release", is_flag=True, help="Let mail go that is held since a restore.")
@click.option(
    "--role",
    type=click.Choice([str(role) for role in Role]),
    help="Be one of many processes on PostgreSQL: answer requests (web), collect (collect), "
    "send (mail), or all of it.",
)
@click.option(
    "--name", metavar="NAME", help="Of this process, where several of one role share a folder."
)
@config_option
def up(role: str | None, name: str | None, config: Path, *, release: bool) -> None:
    """Run the service until SIGTERM or Ctrl-C: collect, publish, mail, pages.

    Without --role one process does all. With it any number of processes, on any number of machines,
    share the work over PostgreSQL; each takes over what another leaves.

    Prints a link to the admin pages that is valid for a day; `bantin admin link` prints another.
    SIGHUP or `bantin reload` reloads the configuration. Exit 2 if the port is in use. Writes the
    store, the key, and var/outbox if no relay is configured.
    """
    if role is None and name is not None:
        raise UsageError("--name is for one of many processes: give it a --role too")
    run(
        config,
        part=None if role is None else Part(Role(role), _name(name or role)),
        release=release,
    )


def _name(name: str) -> str:
    if not re.fullmatch(ID_PATTERN, name):
        raise UsageError(f"{name!r} is not a name; write lower-case letters, digits and hyphens")
    return name


def run(
    config: Path, ticks: Ticks = TICKS, part: Part | None = None, *, release: bool = False
) -> None:
    """Do what `up` does, with jobs that look for work as often as `ticks` says."""
    log_quietly()
    loaded = load(config, environ())
    settings = loaded.settings
    logs.configure(settings.log)
    for warning in loaded.warnings:
        warn(f"warning: {warning}")
    _refuse_beside(settings, part)
    # The port first: a start that fails must not have retired what another one serves.
    with _bound(settings, part) as bound:
        before = admin_key.read(settings.var)
        key = _admin_key(settings.var)  # before the modes under var/ are set right
        migrate_apart(settings.store.url, bound)
        service = open_loaded(loaded, retire=True, place=place_of(part))
        try:
            if part is not None:
                bring_up(service.store, version("bantin"))
                key = _shared_key(service, key, replaces=before not in (None, key))
            _let_go(service, release=release)
            if (newer := service.replaced_by()) is not None:
                warn(f"warning: {_OLDER.format(since=newer.since)}")
            said = _said(settings, service, key, part)
            del loaded, settings  # a reload takes another one; this would stay in memory beside it
            served = serve(
                service, bound, config, environ(), ready=lambda: say(said), ticks=ticks, part=part
            )
            asyncio.run(served)
        finally:
            service.close()


_OLDER = (
    "this configuration is older than the one in use elsewhere since {since:%Y-%m-%d %H:%M}Z; "
    "bring its files up to date, then `bantin reload`"
)


def _let_go(service: Service, *, release: bool) -> None:
    """Lift the hold of a restore where that is asked for; else say that mail is held."""
    with service.store.ledger() as connection:
        if release:
            hold.lift(connection)
        elif hold.held_since(connection) is not None:
            warn(f"warning: {HELD}")


def _refuse_beside(settings: Settings, part: Part | None) -> None:
    """One that does all runs alone in its folder; of many each has its own name there."""
    if part is not None:
        refuse_what_is_for_one(settings, part.role)
    beside = pidfile.all_running(settings.var)
    other = beside.get(part.name, beside.get("")) if part else next(iter(beside.values()), None)
    if other is not None:
        raise UsageError(f"the service is already running, as process {other}")


def _bound(settings: Settings, part: Part | None) -> AbstractContextManager[socket | None]:
    if part is not None and not part.role.has_web:
        return nullcontext()
    return listen(settings.web.listen)


def _said(settings: Settings, service: Service, key: str, part: Part | None) -> str:
    if part is not None and not part.role.has_web:
        return f"running as {part.name}"
    opened = links(settings, "/admin/", key, service.clock())
    lines = [f"serving {base_url(settings)}/", *(f"  admin pages   {one}" for one in opened)]
    return "\n".join(lines)


def _admin_key(var: Path) -> str:
    """One that others could read is replaced; its mode tells so only until it is corrected."""
    try:
        return admin_key.ensure(var)
    except OSError as error:
        raise BantinError(f"cannot write {error.filename}: {error.strerror}") from error


def _shared_key(service: Service, mine: str, *, replaces: bool) -> str:
    """One key opens the admin pages on all machines: the first one's, kept in the store."""
    with service.store.write() as connection:
        key = facts.admin_key(connection, mine, replaces=replaces)
    if key != mine:
        admin_key.keep(service.settings.var, key)
    return key


@click.command("reload")
@config_option
@json_option
def reload_(config: Path, as_json: bool) -> None:
    """Make the running service reload its configuration, if it has no faults.

    Exit 2 if it has faults (nothing changes then), 1 if no service is running. Writes nothing.
    """
    log_quietly()
    settings = load(config, environ()).settings
    found = pidfile.all_running(settings.var)
    if not found:
        raise BantinError(f"no service is running here ({settings.var / pidfile.NAME})")
    pids = list(found.values())
    deaf = {pid: error for pid in pids if (error := _signalled(pid)) is not None}
    if deaf:
        told = "; ".join(f"cannot signal process {pid}: {error}" for pid, error in deaf.items())
        raise BantinError(told)
    if as_json:
        dump({"pid": pids[0], "pids": pids})
    for pid in () if as_json else pids:
        say(f"told process {pid} to read {config}")


def _signalled(pid: int) -> str | None:
    """Why the process could not be told; None: it was."""
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        return error.strerror
    return None
