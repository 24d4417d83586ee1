"""Several files into one configuration. What two of them set is a fault that names both places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.config import shape
from service.config.places import KeyLocations
from service.config.reading import Piece
from service.errors import Fault


def merge(pieces: list[Piece], places: KeyLocations) -> tuple[dict[str, Any], list[Fault]]:
    """The tables of all files in one; a section may be spread over files, a key may not."""
    whole: dict[str, Any] = {}
    faults: list[Fault] = []
    for number, piece in enumerate(pieces):
        data = _anchored(piece.data, piece.path.parent)
        if number:
            faults += _wrong_include(data.pop("include", []), piece, places)
        _add(data, (), whole, piece, places, faults)
    return whole, faults


def _wrong_include(patterns: Any, piece: Piece, places: KeyLocations) -> list[Fault]:
    """The schema sees the main file's `include` alone; this is for those of the others."""
    if isinstance(patterns, list) and all(isinstance(one, str) and one for one in patterns):
        return []
    line = places.line_in(piece.shown, ("include",))
    right = 'write a list of paths, such as ["feeds/*.toml"]'
    return [Fault(piece.shown, line, "include", "is not a list of paths", right)]


def _add(
    data: dict[str, Any],
    path: tuple[str, ...],
    whole: dict[str, Any],
    piece: Piece,
    places: KeyLocations,
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
    if isinstance(data.get("mail"), dict):
        data["mail"] = _anchored_mail(data["mail"], folder)
    if isinstance(data.get("metrics"), dict):
        data["metrics"] = _anchored_key(data["metrics"], "key", folder)
    if isinstance(data.get("collect"), dict):
        data["collect"] = _anchored_access(data["collect"], folder)
    if isinstance(data.get("source"), dict):
        told = data["source"].items()
        data["source"] = {name: _anchored_access(one, folder) for name, one in told}
    return data


def _anchored_mail(mail: dict[str, Any], folder: Path) -> dict[str, Any]:
    anchored = dict(mail)
    if isinstance(mail.get("relay"), dict):
        relays = mail["relay"].items()
        anchored["relay"] = {name: _anchored_key(one, "password", folder) for name, one in relays}
    if isinstance(mail.get("bounces"), dict) and "imap" in mail["bounces"]:
        box = _anchored_key(mail["bounces"]["imap"], "password", folder)
        anchored["bounces"] = {**mail["bounces"], "imap": box}
    if "dkim" in mail:
        anchored["dkim"] = _anchored_key(mail["dkim"], "key", folder)
    return anchored


def _anchored_key(table: Any, key: str, folder: Path) -> Any:
    """A table with a secret at `key`."""
    if not isinstance(table, dict) or key not in table:
        return table
    return {**table, key: _anchored_secret(table[key], folder)}


def _anchored_access(told: Any, folder: Path) -> Any:
    """A source, or `[collect]`: its logins, its headers, its certificates."""
    if not isinstance(told, dict):
        return told
    anchored = dict(told)
    if isinstance(told.get("ca"), str) and told["ca"]:
        anchored["ca"] = str(folder / told["ca"])
    for key in ("auth", "proxy_auth"):
        if key in told:
            anchored[key] = _anchored_key(told[key], "password", folder)
    if isinstance(told.get("headers"), dict):
        headers = told["headers"].items()
        anchored["headers"] = {name: _anchored_secret(one, folder) for name, one in headers}
    return anchored


def _anchored_secret(secret: Any, folder: Path) -> Any:
    if not isinstance(secret, dict) or not isinstance(secret.get("file"), str):
        return secret
    return {**secret, "file": str(folder / secret["file"])}


def absolute_url(url: str, folder: Path) -> str:
    """`sqlite:///var/bantin.db` with its path from the root; every other address as it is."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith((f"{prefix}/", f"{prefix}:")):
        return url
    return f"{prefix}{folder / url.removeprefix(prefix)}"
