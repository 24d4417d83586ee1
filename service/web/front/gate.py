"""Decides which connections may be open, and which one closes for a new one.

Each address has a fair share; beyond it, its own oldest connection that only waits (for the rest of
a request, for the next one, for its reader) makes room. So a client that sends a request at once is
served however many unfinished ones the same address holds open, and a flood replaces itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

from service.web.front.limits import fair_share
from service.web.visitors import address_of, is_in, site_of


class Connection(Protocol):
    """What the gate must know of a connection."""

    host: str
    """The address that it comes from."""
    peer: str
    """By what it is counted, of `peer_of`."""

    def is_waiting(self) -> bool:
        """Whether it may be cut: nothing is being made for it at the moment."""
        ...

    def cut(self) -> None:
        """End it at once."""
        ...

    def look(self, now: float) -> None:
        """End it if what it waits for has taken too long."""
        ...


class ConnectionLimiter:
    """Counts connections, all and by address. `trusted` are the proxies, asked anew each time."""

    def __init__(self, most: int, trusted: Callable[[], tuple[str, ...]]) -> None:
        self.most = most
        self.share = fair_share(most)
        self._trusted = trusted
        self._peers: dict[str, dict[Connection, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Connection]:
        """All connections as they are now; they may come and go meanwhile."""
        return iter([one for some in self._peers.values() for one in some])

    def enter(self, connection: Connection) -> bool:
        """Let it in, at the cost of another one if need be. False: it must go."""
        peer = connection.peer
        ours = self._peers.get(peer, {})
        if len(ours) >= self.share and not self._is_proxy(connection) and not self._cut_one(ours):
            return False
        if self._count >= self.most and not self.make_room(1):
            return False
        self._peers.setdefault(peer, {})[connection] = None
        self._count += 1
        return True

    def leave(self, connection: Connection) -> None:
        """The connection is over; counted once, however often it is told."""
        ours = self._peers.get(connection.peer)
        if ours is None or connection not in ours:
            return
        del ours[connection]
        self._count -= 1
        if not ours:
            del self._peers[connection.peer]

    def make_room(self, places: int) -> int:
        """Cut connections of those who have most of them; how many there were to cut."""
        made = 0
        by_size = sorted(self._peers.values(), key=len, reverse=True)
        for ours in by_size:
            while made < places and self._cut_one(ours):
                made += 1
        return made

    def _cut_one(self, ours: dict[Connection, None]) -> bool:
        """Cut the oldest that only waits."""
        found = next((one for one in ours if one.is_waiting()), None)
        if found is None:
            return False
        self.leave(found)
        found.cut()
        return True

    def _is_proxy(self, connection: Connection) -> bool:
        return is_in(connection.host, self._trusted())


@lru_cache(maxsize=4096)
def peer_of(host: str) -> str:
    """The key to count connections by: an IPv4 address, or an IPv6 site, which has 2^64."""
    address = address_of(host)
    return host if address is None else site_of(address)
