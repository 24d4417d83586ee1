"""`bantin sources pause` and `resume`: stop and restart polling without editing the TOML."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from service.cli.opening import ids_of, known, opened_to_look
from service.cli.output import config_option, dump, json_option, local, say
from service.config.values import parse_duration
from service.errors import UsageError
from service.runtime.composition import Service
from service.store.sources import pauses

ids = click.argument(
    "names", metavar="ID...", nargs=-1, required=True, shell_complete=ids_of("source")
)


def _duration(_ctx: click.Context, _param: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not span:
        raise click.BadParameter("must be longer than no time")
    return span


@click.command()
@ids
@click.option(
    "--for", "span", metavar="TIME", callback=_duration,
    help='Resume by itself after this time, such as "7d"; default: never.',
)  # fmt: skip
@config_option
@json_option
def pause(names: tuple[str, ...], span: timedelta | None, config: Path, as_json: bool) -> None:
    """Stop polling sources until they are resumed. Writes the store, not the TOML."""
    with opened_to_look(config) as service:
        _known(service, names)
        now = service.clock()
        until = None if span is None else now + span
        with service.store.write() as connection:
            pauses.pause(connection, names, now, until)
        zone = service.settings.zone
    if as_json:
        dump([{"id": name, "paused_until": until} for name in names])
        return
    end = "until they are resumed" if until is None else f"until {local(until, zone)}"
    say(f"paused {end}: {', '.join(names)}")


@click.command()
@ids
@config_option
@json_option
def resume(names: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Resume paused sources; those that became due are polled now. Writes the store."""
    with opened_to_look(config) as service:
        _known(service, names)
        _not_by_file(service, names)
        with service.store.write() as connection:
            pauses.resume(connection, names)
    if as_json:
        dump([{"id": name, "paused_until": None} for name in names])
    else:
        say(f"resumed: {', '.join(names)}")


def _known(service: Service, names: tuple[str, ...]) -> None:
    for name in names:
        known(service, "source", name)


def _not_by_file(service: Service, names: tuple[str, ...]) -> None:
    """What the TOML pauses only the TOML resumes: else it would be paused again by a reload."""
    written = [name for name in names if service.settings.source[name].paused]
    for name in written:
        file, line = service.loaded.places.find(("source", name, "paused"))
        raise UsageError(f"source {name!r} is paused by {file}:{line}; remove `paused` there")
