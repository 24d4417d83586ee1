"""The configuration in force, as it may be shown: every key with its value, no secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from service.config.schema import Collect, Settings, Source
from service.config.values import SecretRef

STARS = "***"


def shown(settings: Settings) -> dict[str, Any]:
    """All keys with what they are, defaults too, as plain JSON values.

    A secret is the place where it stands, or stars; so is the password in an address.
    """
    data = settings.model_dump(mode="json", by_alias=True)
    data["store"]["url"] = without_password(settings.store.url)
    for name, relay in settings.mail.relay.items():
        if relay.password is not None:
            data["mail"]["relay"][name]["password"] = _place(relay.password)
    bounces = settings.mail.bounces
    if bounces is not None and bounces.imap is not None:
        data["mail"]["bounces"]["imap"]["password"] = _place(bounces.imap.password)
    if settings.mail.dkim is not None:
        data["mail"]["dkim"]["key"] = _place(settings.mail.dkim.key)
    _hide_access(data["collect"], settings.collect)
    for name, source in settings.source.items():
        told = data["source"][name]
        _hide_access(told, source)
        told["url"] = without_password(source.url)
        if source.auth is not None:
            told["auth"]["password"] = _place(source.auth.password)
        told["headers"] = {header: _place(value) for header, value in source.headers.items()}
    return data


def _hide_access(data: dict[str, Any], told: Collect | Source) -> None:
    if told.proxy_auth is not None:
        data["proxy_auth"]["password"] = _place(told.proxy_auth.password)


def _place(secret: SecretRef) -> dict[str, str] | str:
    return secret.model_dump(exclude_none=True) or STARS


def without_password(url: str) -> str:
    """The address with stars for a password in it."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    login, _, host = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}:{STARS}@{host}"))
