"""The files of a configuration: the main one and what it includes, read but not yet understood."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.config import locate
from service.errors import Fault
from service.text.fold import nfc

LARGEST = 32 * 1024 * 1024
"""Bytes of one file. 5,000 sources are half a megabyte; more is a mistake or an attack."""

_WILD = re.compile(r"[*?\[]")
_BARE_SECRETS = frozenset({"password"})
"""Keys whose text stays byte for byte: normalising a password would break it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file as read. `shown` is its path as the admin would write it, `path` is absolute."""

    shown: str
    path: Path
    text: str
    data: dict[str, Any]


@dataclass(slots=True)
class Reading:
    """All files that could be read, the main one first, and what was wrong with the others."""

    pieces: list[Piece] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every file was read; if not, what seems missing may stand in the others."""
        return not self.faults


def read(path: Path) -> Reading:
    """Read the main file and all that it includes, each file once. Raises nothing."""
    reading = Reading()
    _read_one(path, str(path), (), reading)
    return reading


def _read_one(path: Path, shown: str, above: tuple[Path, ...], reading: Reading) -> None:
    real = path.resolve()
    if any(piece.path == real for piece in reading.pieces):
        return
    text = _text_of(real, shown, reading.faults)
    if text is None:
        return
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reading.faults.append(locate.syntax_fault(shown, text, error))
        return
    piece = Piece(shown, real, text, _normal(data))
    reading.pieces.append(piece)
    for target, target_shown in _included(piece, (*above, real), reading):
        _read_one(target, target_shown, (*above, real), reading)


def _text_of(path: Path, shown: str, faults: list[Fault]) -> str | None:
    def fault(problem: str, remedy: str, line: int | None = None) -> None:
        faults.append(Fault(shown, line, "", problem, remedy))

    try:
        if path.is_dir():
            fault("is a folder", "name a file in it")
            return None
        size = path.stat().st_size
        if size > LARGEST:
            fault(f"has {size} bytes", f"a configuration has at most {LARGEST}")
            return None
        raw = path.read_bytes()
    except FileNotFoundError:
        fault("there is no such file", "put it there, or `bantin init` writes one to begin with")
        return None
    except OSError as error:
        fault(f"cannot be read ({error.strerror})", "let the service's user read it")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        fault("is not UTF-8", "save it as UTF-8 in your editor", line)
        return None
    return text.replace("\r\n", "\n")


def _normal(value: Any, key: str = "") -> Any:
    """Every text in NFC, as all text of the service is; passwords are left alone."""
    if isinstance(value, str):
        return value if key in _BARE_SECRETS else nfc(value)
    if isinstance(value, dict):
        return {name: _normal(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_normal(inner, key) for inner in value]
    return value


def _included(
    piece: Piece, above: tuple[Path, ...], reading: Reading
) -> Iterator[tuple[Path, str]]:
    """What a file includes, in its order; matches of one pattern in the order of their names."""
    patterns = piece.data.get("include", [])
    if not isinstance(patterns, list):
        return  # the schema names this fault
    for number, pattern in enumerate(patterns):
        if not isinstance(pattern, str) or not pattern:
            continue
        for target in _matches(piece, pattern):
            shown = _shown(piece, target)
            if target.resolve() in above:
                if not _WILD.search(pattern):
                    reading.faults.append(_circle(piece, number, shown))
            elif target.exists() or not _WILD.search(pattern):
                if not target.exists():
                    reading.faults.append(_missing(piece, number, pattern))
                else:
                    yield target, shown


def _matches(piece: Piece, pattern: str) -> list[Path]:
    folder = piece.path.parent
    if not _WILD.search(pattern):
        return [folder / pattern]
    anchor = Path(pattern)
    if anchor.is_absolute():
        root = Path(anchor.anchor)
        return sorted(found for found in root.glob(str(anchor.relative_to(root))))
    return sorted(found for found in folder.glob(pattern) if found.is_file())


def _shown(piece: Piece, target: Path) -> str:
    """The included file as the admin would write it: beside the file that includes it."""
    try:
        return str(Path(piece.shown).parent / target.relative_to(piece.path.parent))
    except ValueError:
        return str(target)


def _circle(piece: Piece, number: int, shown: str) -> Fault:
    line = locate.places(piece.text).get(("include", number))
    return Fault(piece.shown, line, "include", f"{shown} includes this file", "take it out here")


def _missing(piece: Piece, number: int, pattern: str) -> Fault:
    line = locate.places(piece.text).get(("include", number))
    return Fault(
        piece.shown, line, "include", f"there is no file {pattern!r}",
        "correct the path, which is read from this file's folder; a pattern such as "
        '"feeds/*.toml" may match nothing',
    )  # fmt: skip
