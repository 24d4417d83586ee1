"""`bantin admin` prints links that open the admin pages."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from service.cli.grouping import CommandGroup
from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, json_option, say
from service.config.schema import Settings
from service.errors import BantinError
from service.render.site_facts import base_url, local_url
from service.runtime.composition import load, open_as_it_is, system_clock
from service.store.core import facts
from service.store.core.database import sqlite_file
from service.web.admin import admin_key


@click.group(cls=CommandGroup)
def admin() -> None:
    """Print links to the admin pages, /admin/ and /outbox/, which need a key."""


@admin.command("link")
@click.option(
    "--new", is_flag=True, help="Make a new key, which ends all earlier links and cookies."
)
@config_option
@json_option
def link(new: bool, config: Path, as_json: bool) -> None:
    """Print a link to the admin page with a token that is valid for a day.

    The browser that opens it keeps a cookie for 30 days, for /outbox/ too. Behind a proxy there
    are two addresses: the public one, and the one on this machine. Writes var/admin.key if there is
    none, or with --new; the running service uses it at once.
    """
    log_quietly()
    settings = load(config, environ()).settings
    try:
        key = (admin_key.renew if new else admin_key.ensure)(settings.var)
    except OSError as error:
        raise BantinError(f"cannot use {error.filename}: {error.strerror}") from error
    if new:
        _tell_others(settings, key)
    now = system_clock()
    found = links(settings, "/admin/", key, now)
    if as_json:
        dump({"links": found, "until": now + admin_key.LASTS["link"]})
        return
    for one in found:
        say(one)


def _tell_others(settings: Settings, key: str) -> None:
    """Where several machines share a key, it is theirs at their next start."""
    if sqlite_file(settings.store.url) is not None:
        return
    with closing(open_as_it_is(settings)) as store, store.write() as connection:
        facts.admin_key(connection, key, replaces=True)


def links(settings: Settings, path: str, key: str, now: datetime) -> list[str]:
    """The addresses of an admin page: as readers reach the site, then past any proxy."""
    bases = dict.fromkeys((base_url(settings), local_url(settings)))
    return [admin_key.link(base, path, key, now) for base in bases]
