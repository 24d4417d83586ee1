"""The configuration in force, as it may be shown: every key with its value, no secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from service.config.schema import Settings

STARS = "***"


def shown(settings: Settings) -> dict[str, Any]:
    """All keys with what they are, defaults too, as plain JSON values.

    A password is the place where it stands, or stars; so is the one in the store's address.
    """
    data = settings.model_dump(mode="json", by_alias=True)
    data["store"]["url"] = without_password(settings.store.url)
    for name, relay in settings.mail.relay.items():
        if relay.password is not None:
            place = relay.password.model_dump(exclude_none=True)
            data["mail"]["relay"][name]["password"] = place or STARS
    return data


def without_password(url: str) -> str:
    """The address with stars for a password in it."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    login, _, host = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}:{STARS}@{host}"))
