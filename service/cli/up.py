"""`bantin up` runs the service, `bantin reload` makes it reload its configuration."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click

from service.cli.admin import links
from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, json_option, say, warn
from service.errors import BantinError, UsageError
from service.mail.drain import HELD
from service.render.site_facts import base_url
from service.runtime import logs, pidfile
from service.runtime.composition import Service, load, open_loaded
from service.runtime.serving import TICKS, Ticks, listen, serve
from service.store.core import hold
from service.store.core.migrate import migrate_apart
from service.web.admin import admin_key


@click.command()
@click.option("--release", is_flag=True, help="Let mail go that is held since a restore.")
@config_option
def up(config: Path, *, release: bool) -> None:
    """Run the service until SIGTERM or Ctrl-C: collect, publish, mail, pages.

    Prints a link to the admin pages that is valid for a day; `bantin admin link` prints another.
    SIGHUP or `bantin reload` reloads the configuration. Exit 2 if the port is in use. Writes the
    store, the key, and var/outbox if no relay is configured.
    """
    run(config, release=release)


def run(config: Path, ticks: Ticks = TICKS, *, release: bool = False) -> None:
    """Do what `up` does, with jobs that look for work as often as `ticks` says."""
    log_quietly()
    loaded = load(config, environ())
    settings = loaded.settings
    logs.configure(settings.log)
    for warning in loaded.warnings:
        warn(f"warning: {warning}")
    other = pidfile.running(settings.var)
    if other is not None:
        raise UsageError(f"the service is already running, as process {other}")
    # The port first: a start that fails must not have retired what another one serves.
    with listen(settings.web.listen) as bound:
        key = _admin_key(settings.var)  # before the modes under var/ are set right
        migrate_apart(settings.store.url)
        service = open_loaded(loaded, retire=True)
        _let_go(service, release=release)
        opened = links(settings, "/admin/", key, service.clock())
        said = [f"serving {base_url(settings)}/", *(f"  admin pages   {one}" for one in opened)]
        del loaded, settings  # a reload takes another one; this would stay in memory beside it
        try:
            served = serve(
                service, bound, config, environ(), ready=lambda: say("\n".join(said)), ticks=ticks
            )
            asyncio.run(served)
        finally:
            service.close()


def _let_go(service: Service, *, release: bool) -> None:
    """Lift the hold of a restore where that is asked for; else say that mail is held."""
    with service.store.ledger() as connection:
        if release:
            hold.lift(connection)
        elif hold.held_since(connection) is not None:
            warn(f"warning: {HELD}")


def _admin_key(var: Path) -> str:
    """One that others could read is replaced; its mode tells so only until it is corrected."""
    try:
        return admin_key.ensure(var)
    except OSError as error:
        raise BantinError(f"cannot write {error.filename}: {error.strerror}") from error


@click.command("reload")
@config_option
@json_option
def reload_(config: Path, as_json: bool) -> None:
    """Make the running service reload its configuration, if it has no faults.

    Exit 2 if it has faults (nothing changes then), 1 if no service is running. Writes nothing.
    """
    log_quietly()
    settings = load(config, environ()).settings
    pid = pidfile.running(settings.var)
    if pid is None:
        raise BantinError(f"no service is running here ({settings.var / pidfile.NAME})")
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        raise BantinError(f"cannot signal process {pid}: {error.strerror}") from error
    if as_json:
        dump({"pid": pid})
    else:
        say(f"told process {pid} to read {config}")
