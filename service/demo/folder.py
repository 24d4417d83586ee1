"""The demo's folder: its configuration, and what its first run decided, so that runs agree."""

from __future__ import annotations

import json
import socket
import tomllib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from service.demo.content import Days
from service.errors import UsageError
from service.model import CadenceRule
from service.newsletter.cadence import previous_cut

FIRST_PORT, LAST_PORT = 8000, 8050

_PLACE = "demo.json"


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one demo: its configuration, and what its first run decided."""

    config: Path
    publisher_port: int
    days: Days


def shipped_feeds() -> Path:
    """The folder of catalogues that came with the program: in the wheel, else the checkout."""
    package = Path(__file__).parent.parent
    inside = package / "_feeds"
    return inside if inside.is_dir() else package.parent / "feeds"


def settle(folder: Path, now: datetime) -> Place:
    """Make the demo's folder, or find again what its first run decided. Raises UsageError."""
    config, known = folder / "bantin.toml", folder / "var" / _PLACE
    if known.is_file():
        kept = json.loads(known.read_text(encoding="utf-8"))
        days = Days(*(datetime.fromisoformat(kept[day]) for day in ("yesterday", "today")))
        return Place(config, kept["publisher_port"], days)
    if config.exists():
        raise UsageError(f"{config} exists and is not the demo's; choose another --dir")
    days = days_before(now)
    site, publisher = free_port(FIRST_PORT), free_port(FIRST_PORT + 100)
    text = (shipped_feeds() / "demo" / "bantin.toml").read_text(encoding="utf-8")
    text = text.replace("@LISTEN@", f"127.0.0.1:{site}")
    text = text.replace("@PUBLISHER@", f"http://127.0.0.1:{publisher}")
    known.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text, encoding="utf-8")
    kept = {
        "publisher_port": publisher,
        "yesterday": days.yesterday.isoformat(),
        "today": days.today.isoformat(),
    }
    known.write_text(json.dumps(kept), encoding="utf-8")
    return Place(config, publisher, days)


def listening(place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with an address to serve on that is free: the one written down, if it is.

    Somebody else may have taken that port since the first run. Raises UsageError.
    """
    written = tomllib.loads(place.config.read_text(encoding="utf-8"))["web"]["listen"]
    wanted = int(written.rpartition(":")[2])
    port = free_port(wanted)
    if port == wanted:
        return dict(environ)
    return {"BANTIN_WEB__LISTEN": f"127.0.0.1:{port}", **environ}


def days_before(now: datetime) -> Days:
    """Two days that lie before the digest's last cut, the second ten minutes before it."""
    cut = previous_cut(CadenceRule("daily"), "Asia/Ho_Chi_Minh", now)
    return Days(yesterday=cut - timedelta(hours=20), today=cut - timedelta(minutes=10))


def free_port(first: int) -> int:
    """The first port of loopback from `first` on that nobody has. Raises UsageError."""
    for port in range(first, first + LAST_PORT - FIRST_PORT):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise UsageError(f"no free port from {first} on")
