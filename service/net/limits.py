"""How much and how long we take from one server. Every limit has its reason."""

from __future__ import annotations

from dataclasses import dataclass

MEBI = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bytes and seconds of one fetch, redirects included in `total_s`.

    A feed of the Web has 45 KB, the largest honest ones a few MB: 10 MB on the wire or unpacked is
    a mistake or an attack. `total_s` ends a server that sends a byte now and then.
    """

    wire_bytes: int = 10 * MEBI
    body_bytes: int = 10 * MEBI
    redirects: int = 5
    connect_s: float = 10.0
    read_s: float = 20.0
    total_s: float = 60.0
    headers: int = 200
    header_bytes: int = 32 * 1024  # one field; policies for scripts alone reach 8 KB
    small_bytes: int = MEBI  # a body that grows beyond needs room, where memory is shared
