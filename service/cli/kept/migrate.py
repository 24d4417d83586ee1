"""`bantin migrate` brings the tables to this version; `--check` says beforehand what that does."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, fail, json_option, say
from service.config.shown import without_password
from service.errors import StoreError
from service.runtime.composition import load
from service.store.core import job_queue
from service.store.core.database import Store, is_there
from service.store.core.kicks import has_queue
from service.store.core.migrate import migrate as bring_up
from service.store.core.migration_plan import MigrationPlan, plan

BESIDE, STOP_FIRST = 3, 4
"""Exit codes of --check: whether the version that runs may go on meanwhile."""

_IN_MINUTES_S = 120


@click.command()
@click.option("--check", is_flag=True, help="Only say what will happen, and how long it may take.")
@config_option
@json_option
def migrate(check: bool, config: Path, as_json: bool) -> None:
    """Bring the tables of the database to this version. `bantin up` does so by itself.

    A service of the version before may run meanwhile, unless --check says otherwise. --check names
    each migration that is missing, what it changes, which tables it reads or rewrites, with how
    many rows and about how long. It exits 0 if there is nothing to do, 3 if there is and the
    running service may go on meanwhile, 4 if that has to be stopped first. It writes nothing.
    """
    log_quietly()
    url = load(config, environ()).settings.store.url
    try:
        found = _looked(url) if check or is_there(url) else None
        if not check:
            with closing(Store(url)) as store:
                bring_up(store)
                _bring_up_queue(store)
    except StoreError as error:
        raise type(error)(f"{without_password(url)}: {error}") from error
    if as_json:
        dump(_as_json(found, checked=check))
    elif check:
        _tell(found)
    else:
        _tell_done(found)
    if check and (found is None or found.missing):
        fail(BESIDE if found is None or found.beside else STOP_FIRST)


def _bring_up_queue(store: Store) -> None:
    """The queue of many processes, where there is one; `up --role` makes it."""
    if store.is_sqlite:
        return
    with store.read() as connection:
        there = has_queue(connection)
    if there:
        job_queue.bring_up(store, version("bantin"))


def _looked(url: str) -> MigrationPlan | None:
    """None: there is no database yet."""
    if not is_there(url):
        return None
    with closing(Store(url)) as store:
        return plan(store)


def _tell(found: MigrationPlan | None) -> None:
    if found is None or found.current is None:
        say("there are no tables yet; all of them are made at once")
        return
    if not found.missing:
        say(f"the tables are those of this version ({found.current}); nothing to do")
        return
    say(f"the tables are at {found.current}; to come, up to {found.target}:")
    for migration in found.missing:
        say(f"\n  {migration.revision}  {migration.title}")
        for change in migration.changes:
            touched = ""
            if change.rewrites or change.reads:
                does = "rewrites" if change.rewrites else "reads"
                held = ", nobody writes to it meanwhile" if change.blocks else ""
                touched = f": {does} {change.rows:,} rows, about {_long(change.seconds)}{held}"
            say(f"    {change.says}{touched}")
    meanwhile = (
        "the running service may go on meanwhile"
        if found.beside
        else "stop the running service first"
    )
    say(f"\nabout {_long(found.seconds)}; {meanwhile}")


def _tell_done(found: MigrationPlan | None) -> None:
    if found is not None and not found.missing:
        say(f"the tables are those of this version ({found.current}); nothing to do")
        return
    for migration in found.missing if found is not None else ():
        say(f"{migration.revision}  {migration.title}")
    say("the tables are those of this version")


def _long(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    return f"{seconds:.0f} s" if seconds < _IN_MINUTES_S else f"{seconds / 60:.0f} min"


def _as_json(found: MigrationPlan | None, *, checked: bool) -> dict[str, object]:
    if found is None:
        return {
            "current": None,
            "missing": [],
            "beside": True,
            "seconds": 0,
            "applied": not checked,
        }
    return {**asdict(found), "seconds": round(found.seconds, 1), "applied": not checked}
