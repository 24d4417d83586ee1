"""What is wrong with the configuration of sources, beyond what the schema sees."""

from __future__ import annotations

from yarl import URL

from service.config.schema import Settings, Source
from service.net import guard

Finding = tuple[tuple[str, ...], str, str]
"""(path of the key, what is wrong, what would be right)."""


def faults(settings: Settings) -> list[Finding]:
    """Sources whose address can never be entered, by its spelling alone. Looks nothing up."""
    found: list[Finding] = []
    for name, source in settings.source.items():
        allowed = settings.collect.allow_networks
        if source.allow_networks is not None:
            allowed = source.allow_networks
        why = _closed(source, guard.networks(allowed))
        if why is not None:
            remedy = 'open its network: allow_networks = ["…"], in [collect] or in this source'
            found.append((("source", name, "url"), why, remedy))
    return found


def _closed(source: Source, allowed: guard.Networks) -> str | None:
    try:
        host = URL(source.url).host or ""
    except ValueError:
        return "is no address"
    if guard.literal(host) is None and guard.is_loopback(host):
        # The name has an address of each kind; one of them is enough.
        ways = [guard.forbidden(address, allowed) for address in ("127.0.0.1", "::1")]
        return None if None in ways else f"{host} is this machine itself"
    address = guard.literal(host)
    return None if address is None else guard.forbidden(str(address), allowed)
