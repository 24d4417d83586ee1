"""The files that pages refer to: the style sheet and the icons. An admin's own come first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from service.render.colour import DARK_GROUND, readable

STYLE = "site.css"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.[a-z0-9]{1,8}")
_TYPES = {
    "css": "text/css; charset=utf-8",
    "ico": "image/vnd.microsoft.icon",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}


class Assets:
    """The assets of one site, read once."""

    def __init__(self, folders: Sequence[Path], accent: str) -> None:
        """`folders` hold `assets/`; earlier ones win. `accent` is a colour as #rrggbb."""
        self._folders = [folder / "assets" for folder in folders]
        self._accent = accent
        self._read: dict[str, bytes] = {}

    def names(self) -> tuple[str, ...]:
        """Every asset that there is, sorted."""
        files = (file for folder in self._folders if folder.is_dir() for file in folder.iterdir())
        return tuple(sorted({file.name for file in files if media_type(file.name)}))

    def get(self, name: str) -> bytes | None:
        """The bytes of an asset, None for a name that is none. The style sheet knows the accent."""
        if name not in self._read:
            found = self._find(name)
            if found is None:
                return None  # not remembered: anybody may invent names
            self._read[name] = found
        return self._read[name]

    def version(self, name: str) -> str:
        """Changes with the bytes: behind an address it lets browsers keep the file for long."""
        return hashlib.sha256(self.get(name) or b"").hexdigest()[:10]

    def _find(self, name: str) -> bytes | None:
        if media_type(name) is None:
            return None
        for folder in self._folders:
            file = folder / name
            if file.is_file():
                body = file.read_bytes()
                return body + self._theme() if name == STYLE else body
        return None

    def _theme(self) -> bytes:
        dark = readable(self._accent, DARK_GROUND)
        return (
            f":root{{--accent:{self._accent}}}\n"
            f"@media screen and (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n"
        ).encode()


def media_type(name: str) -> str | None:
    """The Content-Type of an asset by its name, None where no asset can have that name."""
    return _TYPES.get(name.rpartition(".")[2]) if _NAME.fullmatch(name) else None
