"""What a restored site needs besides the backup of its store (docs/decisions/062)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from service.config.loading import Loaded
from service.config.values import SecretRef


def beside(loaded: Loaded) -> list[Path]:
    """The files and folders that are there, absolute, the configuration first.

    Of `var/` only the model of learned topics: the key of the admin pages is made anew, and mails
    of the outbox have been told.
    """
    settings = loaded.settings
    folders = (settings.root / "templates", settings.model_file)
    secrets = (settings.root / file for file in _secrets(settings))
    named = (*loaded.files, *(path for path in (*folders, *secrets) if path.exists()))
    return list(dict.fromkeys(named))


def _secrets(value: object) -> Iterator[str]:
    """The files of all secrets, relative to the configuration or absolute."""
    if isinstance(value, SecretRef):
        if value.file is not None:
            yield value.file
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from _secrets(one)
