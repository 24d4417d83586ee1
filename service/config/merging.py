"""Several files into one configuration. What two of them set is a fault that names both places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.config import shape
from service.config.places import Places
from service.config.reading import Piece
from service.errors import Fault


def merge(pieces: list[Piece], places: Places) -> tuple[dict[str, Any], list[Fault]]:
    """The tables of all files in one; a section may be spread over files, a key may not."""
    whole: dict[str, Any] = {}
    faults: list[Fault] = []
    for number, piece in enumerate(pieces):
        data = _anchored(piece.data, piece.path.parent)
        if number:
            faults += _wrong_include(data.pop("include", []), piece, places)
        _add(data, (), whole, piece, places, faults)
    return whole, faults


def _wrong_include(patterns: Any, piece: Piece, places: Places) -> list[Fault]:
    """The schema sees the main file's `include` alone; this is for those of the others."""
    if isinstance(patterns, list) and all(isinstance(one, str) and one for one in patterns):
        return []
    line = places.line_in(piece.shown, ("include",))
    right = 'write a list of paths, such as ["feeds/*.toml"]'
    return [Fault(piece.shown, line, "include", "is no list of paths", right)]


def _add(
    data: dict[str, Any],
    path: tuple[str, ...],
    whole: dict[str, Any],
    piece: Piece,
    places: Places,
    faults: list[Fault],
) -> None:
    under_ids = bool(path) and shape.has_ids(path)
    for key, value in data.items():
        here = (*path, key)
        if key not in whole:
            whole[key] = dict(value) if isinstance(value, dict) else value
        elif isinstance(value, dict) and isinstance(whole[key], dict) and not under_ids:
            _add(value, here, whole[key], piece, places, faults)
        else:
            first_file, first_line = places.find(here)
            remedy = "give one of them another id" if under_ids else "keep one of them"
            faults.append(
                Fault(
                    piece.shown, places.line_in(piece.shown, here), ".".join(here),
                    f"stands in {first_file}:{first_line} already", remedy,
                )
            )  # fmt: skip


def _anchored(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The data with the paths in it absolute: they are read from the folder of their own file."""
    data = dict(data)
    store = data.get("store")
    if isinstance(store, dict) and isinstance(store.get("url"), str):
        data["store"] = {**store, "url": absolute_url(store["url"], folder)}
    mail = data.get("mail")
    if isinstance(mail, dict) and isinstance(mail.get("relay"), dict):
        relays = {name: _anchored_relay(relay, folder) for name, relay in mail["relay"].items()}
        data["mail"] = {**mail, "relay": relays}
    return data


def _anchored_relay(relay: Any, folder: Path) -> Any:
    if not isinstance(relay, dict) or not isinstance(relay.get("password"), dict):
        return relay
    password = relay["password"]
    if not isinstance(password.get("file"), str):
        return relay
    return {**relay, "password": {**password, "file": str(folder / password["file"])}}


def absolute_url(url: str, folder: Path) -> str:
    """`sqlite:///var/bantin.db` with its path from the root; every other address as it is."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith((f"{prefix}/", f"{prefix}:")):
        return url
    return f"{prefix}{folder / url.removeprefix(prefix)}"
