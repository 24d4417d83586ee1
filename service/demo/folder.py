"""The demo's folder: its configuration, and what its first run decided, so that runs agree."""

from __future__ import annotations

import json
import secrets
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from service.demo.content import Days
from service.errors import UsageError
from service.model import CadenceRule
from service.newsletter.cadence import previous_cut

SITE_PORT = 8000
PUBLISHER_PORTS = range(20_000, 32_000)
"""Below what systems lend to clients. One of them by chance, for a demo keeps it: the next run
must find it free, whatever other demos run on this machine."""

TRIES = 50
"""Ports from the first on that are tried."""

_PLACE = "demo.json"


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one demo (`with`): its configuration, its days, and the ports that it holds.

    Both sockets listen already, so that nobody takes a port between the choice and the start.
    """

    config: Path
    days: Days
    site: socket.socket
    publisher: socket.socket

    @property
    def publisher_url(self) -> str:
        return f"http://127.0.0.1:{_port(self.publisher)}"

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment, with the address to serve on where it is not the one written down."""
        written = tomllib.loads(self.config.read_text(encoding="utf-8"))["web"]["listen"]
        held = f"127.0.0.1:{_port(self.site)}"
        return dict(environ) if written == held else {**environ, "BANTIN_WEB__LISTEN": held}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.site.close()
        self.publisher.close()


def shipped_feeds() -> Path:
    """The folder of catalogues that came with the program: in the wheel, else the checkout."""
    package = Path(__file__).parent.parent
    inside = package / "_feeds"
    return inside if inside.is_dir() else package.parent / "feeds"


def settle(folder: Path, now: datetime) -> Place:
    """Make the demo's folder, or find again what its first run decided. Raises UsageError."""
    config, known = folder / "bantin.toml", folder / "var" / _PLACE
    if known.is_file():
        return _found_again(config, known)
    if config.exists():
        raise UsageError(f"{config} exists and is not the demo's; choose another --dir")
    by_chance = secrets.choice(PUBLISHER_PORTS)
    place = Place(config, days_before(now), hold(SITE_PORT, TRIES), hold(by_chance, TRIES))
    try:
        _write(place, known)
    except OSError as error:
        place.__exit__(None, None, None)
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    return place


def _found_again(config: Path, known: Path) -> Place:
    kept = json.loads(known.read_text(encoding="utf-8"))
    days = Days(*(datetime.fromisoformat(kept[day]) for day in ("yesterday", "today")))
    # The addresses of its sources hang on this port: no other will do.
    publisher = hold(kept["publisher_port"], 1)
    written = tomllib.loads(config.read_text(encoding="utf-8"))["web"]["listen"]
    return Place(config, days, hold(int(written.rpartition(":")[2]), TRIES), publisher)


def _write(place: Place, known: Path) -> None:
    text = (shipped_feeds() / "demo" / "bantin.toml").read_text(encoding="utf-8")
    text = text.replace("@LISTEN@", f"127.0.0.1:{_port(place.site)}")
    text = text.replace("@PUBLISHER@", place.publisher_url)
    known.parent.mkdir(parents=True, exist_ok=True)
    place.config.write_text(text, encoding="utf-8")
    kept = {
        "publisher_port": _port(place.publisher),
        "yesterday": place.days.yesterday.isoformat(),
        "today": place.days.today.isoformat(),
    }
    known.write_text(json.dumps(kept), encoding="utf-8")


def days_before(now: datetime) -> Days:
    """Two days that lie before the digest's last cut, the second ten minutes before it."""
    cut = previous_cut(CadenceRule("daily"), "Asia/Ho_Chi_Minh", now)
    return Days(yesterday=cut - timedelta(hours=20), today=cut - timedelta(minutes=10))


def hold(first: int, tries: int) -> socket.socket:
    """Listen on the first port of loopback from `first` on that nobody has. Raises UsageError."""
    for port in range(first, first + tries):
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            continue
    if tries == 1:
        raise UsageError(f"the demo's port {first} is taken; choose another --dir")
    raise UsageError(f"no free port from {first} to {first + tries - 1}")


def _port(held: socket.socket) -> int:
    return int(held.getsockname()[1])
