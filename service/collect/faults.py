"""What is wrong with the configuration of sources, beyond what the schema sees."""

from __future__ import annotations

from collections.abc import Iterator

from yarl import URL

from service.collect.politeness import access
from service.config.schema import Settings, Source
from service.errors import Finding
from service.net import guard


def faults(settings: Settings) -> list[Finding]:
    """Sources whose address can never be entered, by its spelling alone. Looks nothing up.

    And what contradicts in how they are reached.
    """
    found: list[Finding] = list(access.faults(settings))
    for name, source in settings.source.items():
        allowed = settings.collect.allow_networks
        if source.allow_networks is not None:
            allowed = source.allow_networks
        if (wrong := _closed(source, guard.networks(allowed))) is not None:
            found.append((("source", name, "url"), *wrong))
    return found


def warnings(settings: Settings) -> list[Finding]:
    """What works, but hardly as it was meant."""
    return [*access.warnings(settings), *_hubs_that_cannot_call(settings)]


def _closed(source: Source, allowed: guard.Networks) -> tuple[str, str] | None:
    """What is wrong with its address, and what would be right."""
    try:
        host = URL(source.url).host or ""
    except ValueError:
        return "is not an address", 'write it whole, such as "https://example.org/rss"'
    why = guard.closed(host, allowed)
    return None if why is None else (why, guard.opening(host))


def _hubs_that_cannot_call(settings: Settings) -> Iterator[Finding]:
    """`websub = true` where no hub could reach us."""
    if settings.site.base_url is not None:
        return
    asked: list[tuple[str, ...]] = [("collect",)] if settings.collect.websub else []
    asked += [("source", name) for name, one in settings.source.items() if one.websub]
    for path in asked:
        right = "write [site] base_url, where hubs can reach the service"
        yield (*path, "websub"), "has no effect without an address of the site", right
