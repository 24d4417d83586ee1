"""What is wrong with `[metrics]`."""

from __future__ import annotations

from service.config.schema import Settings
from service.errors import Finding
from service.net.guard import is_loopback


def faults(settings: Settings) -> list[Finding]:
    """Beyond loopback, whoever reaches the port would read how the service fares."""
    listen, key = settings.metrics.listen, settings.metrics.key
    if listen is None or key is not None or is_loopback(listen.rpartition(":")[0].strip("[]")):
        return []
    right = 'write key = { file = "PATH" } beside it, or listen on 127.0.0.1'
    return [(("metrics", "listen"), "can be reached from other machines without a key", right)]
