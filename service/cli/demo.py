"""`bantin demo` runs a guided tour on bundled sources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import dump, json_option, say, table, warn
from service.demo.folder import Place, settle
from service.demo.tour import Totals, Tour
from service.errors import SchemaError, UsageError
from service.render.site_facts import base_url
from service.runtime import pidfile
from service.runtime.composition import system_clock
from service.runtime.serving import serve
from service.web.admin import admin_key

OWN_SITE = "bantin init tin && cd tin && bantin up"


@click.command()
@click.option("--once", is_flag=True, help="Exit after the tour instead of serving the result.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("bantin-demo"),
    show_default=True,
    help="The folder of the demo.",
)
@json_option
def demo(once: bool, folder: Path, as_json: bool) -> None:
    """Run a guided tour, offline: collect, publish, mail to the outbox; then serve it.

    Needs no configuration. Writes into its own folder: configuration, store, outbox and site.
    """
    log_quietly()
    other = pidfile.running(folder / "var")
    if other is not None:
        raise UsageError(f"the demo is already running in {folder}, as process {other}")
    with settle(folder.resolve(), system_clock()) as place:
        try:
            tour = Tour(place, place.environ(environ()), system_clock)
        except SchemaError as error:
            raise SchemaError(
                f"the demo in {folder} was made by another version of Bantin; to start anew, "
                f"delete the folder {folder.resolve()}"
            ) from error
        try:
            asyncio.run(_walk(tour, place, once=once, as_json=as_json))
        finally:
            tour.close()


async def _walk(tour: Tour, place: Place, *, once: bool, as_json: bool) -> None:
    # Where the document goes to standard output, the story of the tour goes to the other one.
    tell: Callable[[str], None] = warn if as_json else say
    await tour.publisher.start()
    try:
        totals = await tour.walk(tell)
        if as_json:
            dump(asdict(totals))
        else:
            _tell(tour, totals)
        if once:
            tell(f"See it in a browser: bantin demo --dir {place.config.parent}")
            tell(f"Begin your own site: {OWN_SITE}")
            return
        surroundings = place.environ(environ())
        await serve(
            tour.service,
            place.site,
            place.config,
            surroundings,
            ready=lambda: _serving(tell, tour),
        )
    finally:
        await tour.publisher.stop()


def _tell(tour: Tour, totals: Totals) -> None:
    say(
        f"{totals.entries} entries of {totals.sources} sources ({totals.failed} failing) are "
        f"{totals.articles} articles."
    )
    titles = {name: topic.title for name, topic in tour.service.settings.topic.items()}
    rows = [(name, titles[name], number) for name, number in totals.topics.items()]
    table("Topics", ("topic", "title", "articles"), rows)
    mails = ", ".join(f"{number} {state}" for state, number in totals.deliveries.items())
    say(f"Mails: {mails}")
    say(f"  feeds   {tour.site_folder / 'feeds'}")
    say(f"  pages   {tour.site_folder / 'index.html'}")
    say(f"  mails   {totals.outbox / 'new'}")


def _serving(tell: Callable[[str], None], tour: Tour) -> None:
    settings = tour.service.settings
    base, now = base_url(settings), tour.service.clock()
    key = admin_key.ensure(settings.var)
    tell(f"serving {base}/ until Ctrl-C")
    tell(f"  pages and feeds   {base}/")
    tell(f"  sign up           {base}/subscribe")
    tell(f"  mails             {admin_key.link(base, '/outbox/', key, now)}")
    tell(f"  how it stands     {admin_key.link(base, '/admin/', key, now)}")
    tell(f"Begin your own site: {OWN_SITE}")
