"""How much one request may be, how long it may take, how many may be connected. Pure.

The figures are those of servers that face the network by themselves: Node takes 16 KB of headers,
nginx 8 KB of a request line; both give a head 60 s, which is more than anybody needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.web import hubs
from service.web.subscriber import form_fields

KIBI = 1024

CONNECTIONS = 4096
"""Visitors at one time, where there are descriptors enough: 7 KB of memory each, measured."""

RESERVE = 512
"""Descriptors kept for all else: 384 fetches, the database, relays, workers, logs."""

WANTED = CONNECTIONS + RESERVE
"""Descriptors up to which the process asks for more."""

_FAIR_PART = 4
"""One address may have a quarter of all connections."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Sizes in bytes, times in seconds."""

    headers: int = 100
    head_bytes: int = 16 * KIBI
    target_bytes: int = 8 * KIBI
    body_bytes: int = form_fields.BODY_LIMIT + 16 * KIBI
    """Slightly more than a form may have, so that the form itself says what is wrong with it."""
    large_body_bytes: int = hubs.BODY_LIMIT + 64 * KIBI
    large_bodies_at: bytes = b"/websub/"
    """Only hubs, at addresses that nobody else knows, deliver more."""
    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 15.0
    answer_s: float = 30.0
    """In this time `answer_bytes` of an answer, or its rest, must have been taken."""
    answer_bytes: int = 64 * KIBI
    goodbye_s: float = 2.0
    """How long what a refused visitor still sends is read, so that he gets to read the reason."""
    goodbye_bytes: int = 1024 * KIBI
    pipelined: int = 64
    """Requests that may wait behind one another on one connection."""


def connections(descriptors: int) -> int:
    """How many visitors may be connected for this many descriptors.

    What is kept for the rest of the service comes first, but not more than three quarters.
    """
    return max(1, min(CONNECTIONS, max(descriptors - RESERVE, descriptors // 4)))


def fair_share(connections: int) -> int:
    """How many of them one address may have, a trusted proxy excepted."""
    return max(1, connections // _FAIR_PART)
