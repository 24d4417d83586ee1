"""`bantin init` writes a first configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import dump, json_option, say, warn
from service.config.beginning import default_title, words_file
from service.config.loading import DEFAULT_NAME
from service.errors import UsageError
from service.runtime.beginning import begin, language_of, title_of, url_of


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False),
                default=Path())  # fmt: skip
@click.option("--title", help="The name of the site.")
@click.option("--language", help="Language of pages and mails: vi, en, or one that you translate.")
@click.option("--url", help="The URL of a first feed.")
@json_option
def init(
    folder: Path, title: str | None, language: str | None, url: str | None, as_json: bool
) -> None:
    """Write a first configuration into DIR (default: here): bantin.toml and feeds/.

    On a terminal it asks for what is missing, else it takes defaults. Writes the TOML,
    but never over an existing one (exit 2).
    """
    log_quietly()
    if (folder / DEFAULT_NAME).exists():
        raise UsageError(f"{folder / DEFAULT_NAME} already exists; it was not changed")
    ask = sys.stdin.isatty() and not as_json
    language = _answer(language, ask, "Language (vi, en, …)", _system_language(), language_of)
    title = _answer(title, ask, "Title of the site", default_title(language), title_of)
    url = _answer(url, ask, "Address of a first feed (empty: none yet)", "", url_of)
    written = begin(folder, environ(), title=title, language=language, url=url)
    enter = "" if folder == Path() else f"cd {folder} && "
    following = [f"{enter}bantin up"] if url else [f"{enter}bantin sources add URL", "bantin up"]
    if as_json:
        dump({"config": folder / DEFAULT_NAME, "files": written, "next": following})
        return
    for path in written:
        say(f"wrote {path}")
    if folder / words_file(language) in written:
        warn(f"{language} is not translated yet: pages and mails are in English, until you "
             f"translate {folder / words_file(language)}")  # fmt: skip
    say(f"Next: {', then '.join(following)}")


def _answer(
    given: str | None, ask: bool, question: str, default: str, judge: Callable[[str], str]
) -> str:
    """An option as it was given; on a terminal what is typed, asked again until it is right.

    `judge` gives the answer in its normal form, or raises UsageError. Empty answers need none.
    """
    if given is not None:
        return judge(given) if given else given
    if not ask:
        return default

    def judged(typed: str) -> str:
        try:
            return judge(typed) if typed else typed
        except UsageError as error:
            raise click.BadParameter(str(error)) from error

    shown = bool(default)
    return str(
        click.prompt(question, default=default, show_default=shown, err=True, value_proc=judged)
    )


def _system_language() -> str:
    """Vietnamese where the system speaks it, else English."""
    surrounding = environ()
    spoken = next((surrounding[n] for n in ("LC_ALL", "LANG") if surrounding.get(n)), "")
    return "vi" if spoken.lower().startswith("vi") else "en"
