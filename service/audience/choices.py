"""What a subscriber may choose from, and whether a choice is one of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from service.config.schema import Digest, Settings
from service.model import Cadence
from service.text.unknown_name import no_such

_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

HOURLESS = frozenset({Cadence.IMMEDIATE, Cadence.HOURLY})
"""Cadences in which an hour means nothing. A cron line has its own hour as well."""


def digest_title(settings: Settings, digest: Digest) -> str:
    """The title that readers see; the site's title where the TOML gives none."""
    return digest.title or settings.site.title


def cadences(digest: Digest) -> tuple[str, ...]:
    """What a subscriber may choose, in the TOML's order; the digest's own unless it says more."""
    return tuple(dict.fromkeys(digest.cadences or (digest.cadence,)))


def first_cadence(digest: Digest) -> str:
    """What is chosen before anybody has chosen: the digest's own, if subscribers may have it."""
    offered = cadences(digest)
    return digest.cadence if digest.cadence in offered else offered[0]


def has_hour(cadence: str) -> bool:
    """Whether a subscriber of this cadence may choose the hour."""
    return cadence in frozenset(Cadence) - HOURLESS


def topics(settings: Settings, digest: Digest) -> dict[str, str]:
    """Topic id -> title of all that the digest offers, in the TOML's order."""
    wanted = settings.topic if digest.topics is None else digest.topics
    return {name: settings.topic[name].title or name for name in wanted if name in settings.topic}


def asked_topics(settings: Settings, digest: Digest) -> dict[str, str]:
    """Topics that the sign-up form asks about: none where there is nothing to choose."""
    offered = topics(settings, digest)
    return offered if "topics" in settings.signup.ask and len(offered) > 1 else {}


def asks_cadence(settings: Settings, digest: Digest) -> bool:
    """Whether the sign-up form asks how often."""
    return "cadence" in settings.signup.ask and len(cadences(digest)) > 1


def topics_shown(offered: Mapping[str, str], chosen: Iterable[str] | None) -> dict[str, str]:
    """Those of `offered` that are chosen; None = all. What the digest has no longer is left out."""
    wanted = set(offered if chosen is None else chosen)
    return {name: title for name, title in offered.items() if name in wanted}


def choose_topics(offered: Mapping[str, str], chosen: Iterable[str]) -> tuple[str, ...] | None:
    """The choice as stored: all that is offered means "the digest's own, now and later" = None.

    Raises ValueError for an unknown topic, or for none at all where some are offered.
    """
    wanted = dict.fromkeys(chosen)
    unknown = [name for name in wanted if name not in offered]
    if unknown:
        raise ValueError(no_such("topic", unknown[0], offered, " in this digest"))
    if offered and not wanted:
        raise ValueError("no topic is chosen")
    if len(wanted) == len(offered):
        return None
    return tuple(name for name in offered if name in wanted)


def choose_cadence(digest: Digest, chosen: str) -> str:
    """`chosen`, if it may be. Raises ValueError otherwise."""
    if chosen not in cadences(digest):
        raise ValueError(no_such("cadence", chosen, cadences(digest), " in this digest"))
    return chosen


def choose_hour(cadence: str, chosen: str | None) -> str | None:
    """The hour as stored: "HH:MM", None = the digest's own. Raises ValueError for what is none."""
    if not chosen or not has_hour(cadence):
        return None
    if _HOUR.fullmatch(chosen) is None:
        raise ValueError(f"{chosen!r} is not an hour; write one such as 07:00")
    return chosen
