"""`bantin init`: a site's first files, written only if they make a configuration without faults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from service.config.additions import NewSource, id_for, write_at_once
from service.config.beginning import first_files, topic_of
from service.config.loading import DEFAULT_NAME
from service.config.values import phrase, web_address
from service.errors import ConfigError, UsageError
from service.net import guard
from service.render.engine import shipped_templates
from service.render.words import has_words
from service.runtime.composition import load
from service.text.fold import nfc

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def begin(
    folder: Path, environ: Mapping[str, str], *, title: str, language: str, url: str
) -> list[Path]:
    """Write the first files into `folder` and return them. `url` "": no source yet.

    Raises UsageError where a bantin.toml stands already or an answer is none, ConfigError when the
    environment makes faults. Nothing is left behind then.
    """
    config = folder / DEFAULT_NAME
    if config.exists():
        raise UsageError(f"{config} already exists; it was not changed")
    source = _source(url_of(url), language) if url else None
    language = language_of(language)
    translated = has_words([shipped_templates()], language)
    files = first_files(title_of(title), language, source, translated=translated)
    written: list[Path] = []
    try:
        for name, data in files.items():
            path = folder / name
            if path.exists() and name != DEFAULT_NAME:
                continue  # a README of the admin's own
            path.parent.mkdir(parents=True, exist_ok=True)
            write_at_once(path, data)
            written.append(path)
        load(config, environ)
    except OSError as error:
        _take_back(written)
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    except ConfigError:
        _take_back(written)
        raise
    return written


def _source(address: str, language: str) -> NewSource:
    return NewSource(
        id=id_for(address, ()),
        url=address,
        topics=(topic_of(language),),
        # Opened for the address that the admin has just typed, and for nothing around it.
        allow_networks=guard.own_networks(urlsplit(address).hostname or ""),
    )


def url_of(answer: str) -> str:
    """The address of a first feed. Raises UsageError for what is none."""
    try:
        return web_address(nfc(answer.strip()))
    except ValueError as error:
        raise UsageError(str(error)) from error


def title_of(answer: str) -> str:
    """A title on one line. Raises UsageError for what is none."""
    try:
        return phrase(nfc(answer.strip()))
    except ValueError as error:
        raise UsageError(f"the title {error}") from error


def language_of(answer: str) -> str:
    """A language tag (BCP 47). Raises UsageError for what is none."""
    if not _LANGUAGE.fullmatch(answer.strip()):
        raise UsageError(f"{answer!r} is not a language; write one such as vi or en-GB")
    return answer.strip()


def _take_back(written: list[Path]) -> None:
    for path in written:
        path.unlink(missing_ok=True)
