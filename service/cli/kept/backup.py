"""`bantin backup` writes the store into one file, `bantin restore` makes it the store again."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, json_option, local, number, progress, say
from service.config.shown import without_password
from service.errors import SchemaError, StoreError, UsageError
from service.runtime import pidfile
from service.runtime.beside import beside
from service.runtime.composition import load, now_of
from service.store.kept import backup as keeping
from service.store.kept import restore as restoring

_A_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_A_FILE)
@config_option
@json_option
def backup(file: Path, config: Path, as_json: bool) -> None:
    """Write a backup of the store into FILE, while the service runs or not.

    It is checked before FILE gets its name; an older backup there is replaced then. It holds
    addresses, so that only you can read it. What else a site needs is listed: its configuration,
    templates and secrets are not in it. PostgreSQL needs pg_dump. Writes FILE alone.
    """
    _named(file)
    log_quietly()
    loaded = load(config, environ())
    url = loaded.settings.store.url
    with progress("pages", shown=not as_json) as advance:
        try:
            made = keeping.backup(
                url, file, now_of(loaded.settings), version("bantin"),
                lambda left, pages: advance(pages - left, pages),
            )  # fmt: skip
        except StoreError as error:
            raise type(error)(f"{without_password(url)}: {error}") from error
    others = beside(loaded)
    if as_json:
        dump(
            {
                "file": file.absolute(),
                "bytes": made.size,
                "made_at": made.made_at,
                "revision": made.revision,
                "version": version("bantin"),
                "beside": others,
            }
        )
        return
    say(f"{file}: {made.size / 1e6:.1f} MB, checked")
    say("keep with it:")
    for one in others:
        say(f"  {one}")


@click.command()
@click.argument("file", type=_A_FILE)
@config_option
@json_option
def restore(file: Path, config: Path, as_json: bool) -> None:
    """Make the store from the backup FILE. The service must not run, and the store must be empty.

    What the backup does not know is not told twice: sources are collected anew and quietly, mails
    that were open are uncertain, and no mail goes out until `bantin up --release`. Exit 1 if FILE
    is damaged or of a newer version; nothing is changed then. Writes the store.
    """
    _named(file)
    log_quietly()
    settings = load(config, environ()).settings
    running = pidfile.running(settings.var)
    if running is not None:
        raise UsageError(f"the service is running, as process {running}: stop it first")
    url = settings.store.url
    with progress("pages", shown=not as_json) as advance:
        try:
            done = restoring.restore(
                url, file, now_of(settings), lambda left, pages: advance(pages - left, pages)
            )
        except SchemaError:
            raise
        except StoreError as error:
            about = "" if str(error).startswith(str(file)) else f"{without_password(url)}: "
            raise type(error)(f"{about}{error}") from error
    found = done.contents
    if as_json:
        dump(
            {
                "file": file.absolute(),
                "made_at": found.made_at,
                "revision": found.revision,
                "version": found.version,
                "uncertain": done.uncertain,
                "held": True,
            }
        )
        return
    of = f" of {local(found.made_at, settings.zone)}" if found.made_at else ""
    say(f"restored from {file}{of}")
    say("Who has signed up or left since is not known: look at your relay's and your own records.")
    if done.uncertain:
        say(f"{number(done.uncertain, 'mail')} may have arrived: `bantin deliveries list`")
    say("No mail goes out until you start the service with `bantin up --release`.")


def _named(file: Path) -> None:
    if str(file) == "-":
        raise UsageError("a backup is checked in its file: give its name, not -")
