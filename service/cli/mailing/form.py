"""`bantin subscribers form` prints a sign-up form for another site's page."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.opening import ids_of, known, opened_to_look
from service.cli.output import config_option, dump, json_option, raw, warn
from service.errors import UsageError
from service.web.subscriber.snippet import form_to_copy


@click.command()
@click.option("--digest", metavar="ID", shell_complete=ids_of("digest"),
              help="Default: the only digest.")  # fmt: skip
@click.option("--language", metavar="L", help="Of the form, its answers and mails, such as vi.")
@click.option("--return-to", metavar="URL", help="Where to go after the sign-up; on a known site.")
@config_option
@json_option
def form(
    digest: str | None, language: str | None, return_to: str | None, config: Path, as_json: bool
) -> None:
    """Print a sign-up form in plain HTML to copy into another site's page. Writes nothing.

    It works without JavaScript. List that site in [signup] embed; from any other one our own page
    asks the reader to press once more.
    """
    with opened_to_look(config) as service:
        settings = service.settings
        known(service, "digest", digest)
        if digest is None:
            if len(settings.digest) != 1:
                names = ", ".join(settings.digest) or "none"
                raise UsageError(f"say --digest, one of: {names}")
            digest = next(iter(settings.digest))
        html = form_to_copy(
            settings, service.renderer, settings.digest[digest], language, return_to
        )
    if as_json:
        dump({"digest": digest, "html": html, "embed": list(settings.signup.embed)})
        return
    raw(html.encode())
    if settings.site.base_url is None:
        warn("[site] base_url is not set: the form leads to this machine")
    if not settings.signup.embed:
        warn("[signup] embed names no site: the reader is asked to press once more on our own page")
