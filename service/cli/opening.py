"""How commands open the service: logs go to standard error first, then configuration and store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from service.config.instants import parse_instant
from service.config.loading import DEFAULT_NAME, examine
from service.config.schema import Log, Settings
from service.errors import UsageError
from service.runtime import logs
from service.runtime.composition import Service, open_service, open_to_look
from service.text.unknown_name import no_such

_QUIET = "warning"
"""What a command by hand logs unless the TOML asks for a level: the result is its own words."""


def environ() -> Mapping[str, str]:
    """The environment. The command line is the place where it is read."""
    return os.environ


def log_quietly(log: Log | None = None) -> None:
    """Logs of a command by hand, to standard error."""
    log = log or Log()
    written = "level" in log.model_fields_set
    logs.configure(log if written else log.model_copy(update={"level": _QUIET}))


@contextmanager
def opened(config: Path) -> Iterator[Service]:
    """The service, for a command that does a job; what the TOML names is registered."""
    log_quietly()
    with _closing(open_service(config, environ())) as service:
        yield service


@contextmanager
def opened_to_look(config: Path) -> Iterator[Service]:
    """The service, for a command that only looks."""
    log_quietly()
    with _closing(open_to_look(config, environ())) as service:
        yield service


@contextmanager
def _closing(service: Service) -> Iterator[Service]:
    try:
        log_quietly(service.settings.log)
        yield service
    finally:
        service.close()


def instant(service: Service, text: str | None) -> datetime | None:
    """TIME as aware UTC; None where none was given. Raises UsageError."""
    return instant_of(text, service.settings.zone, service.clock())


def instant_of(text: str | None, zone: str, now: datetime) -> datetime | None:
    """The same without a service. `zone`: the site's, an IANA name."""
    if text is None:
        return None
    try:
        return parse_instant(text, zone, now)
    except ValueError as error:
        raise UsageError(str(error)) from error


def known(service: Service, kind: str, name: str | None) -> None:
    """Refuse an id that is not in the TOML. `kind`: source, topic or digest. Raises UsageError."""
    known_in(service.settings, kind, name)


def known_in(settings: Settings, kind: str, name: str | None) -> None:
    """The same without a service."""
    names = getattr(settings, kind)
    if name is not None and name not in names:
        raise UsageError(no_such(kind, name, names))


Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def ids_of(kind: str) -> Completer:
    """Completes ids of the TOML: source, topic or digest."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        config = Path(ctx.params.get("config") or os.environ.get("BANTIN_CONFIG") or DEFAULT_NAME)
        settings = examine(config, {}).settings
        names = getattr(settings, kind) if settings is not None else {}
        return [name for name in names if name.startswith(incomplete)]

    return complete
