"""The files of a configuration: the main one and what it includes, read but not yet understood."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.config import locate, syntax
from service.errors import Fault
from service.text.fold import nfc

LARGEST = 32 * 1024 * 1024
"""Bytes of one file. 5,000 sources are half a megabyte; more is a mistake or an attack."""

_WILD = re.compile(r"[*?\[]")
_AS_WRITTEN = frozenset({"password"})
"""Keys whose text stays as it is: normalising a password would break it."""

_ALL_AS_WRITTEN = frozenset({"headers"})
"""Tables whose texts all stay as they are: each of them may be a secret."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file as read. `shown` is its path as the admin would write it, `path` is absolute."""

    shown: str
    path: Path
    text: str
    data: dict[str, Any]


@dataclass(slots=True)
class LoadedFiles:
    """All files that could be read, the main one first, and what was wrong with the others."""

    pieces: list[Piece] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """Every file as faults name it, in the order of reading."""

    def names(self, kind: str) -> frozenset[str]:
        """The ids of the tables of a kind, those in files that are no TOML as well.

        So that one slip in a file does not make every mention of its tables a fault.
        """
        found: set[str] = set()
        for piece in self.pieces:
            tables = piece.data.get(kind)
            found.update(tables if isinstance(tables, dict) else ())
        head = re.compile(rf"^\s*\[\s*{kind}\s*\.\s*[\"']?([\w-]+)", re.MULTILINE)
        for text in self.broken:
            found.update(head.findall(text))
        return frozenset(found)


class _UnreadableError(Exception):
    """Why a file could not be taken; `line` is in that file, None = the whole file."""

    def __init__(self, problem: str, remedy: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.line = problem, remedy, line


@dataclass(frozen=True, slots=True)
class _Include:
    """One element of `include`: where it stands, and what it says."""

    piece: Piece
    number: int
    pattern: str

    def fault(self, problem: str, remedy: str) -> Fault:
        line = locate.places(self.piece.text).get(("include", self.number))
        return Fault(self.piece.shown, line, "include", problem, remedy)


def read(path: Path) -> LoadedFiles:
    """Read the main file and all that it includes, each file once. Raises nothing."""
    reading = LoadedFiles()
    _read_one(path, str(path), (), None, reading)
    return reading


def _read_one(
    path: Path, shown: str, above: tuple[Path, ...], because: _Include | None, reading: LoadedFiles
) -> None:
    """`above`: the files that led here, the main one first; `because`: what includes this one."""
    reading.order.append(shown)
    try:
        real, text = _content(path)
    except _UnreadableError as why:
        if because and why.line is None:
            reading.faults.append(because.fault(f"{shown} {why.problem}", why.remedy))
        else:
            reading.faults.append(Fault(shown, why.line, "", why.problem, why.remedy))
        return
    if any(piece.path == real for piece in reading.pieces):
        return
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reading.faults.append(syntax.fault(shown, text, error))
        reading.broken.append(text)
        return
    piece = Piece(shown, real, text, _normal(data))
    reading.pieces.append(piece)
    for include in _includes(piece):
        _follow(include, (*above, real), reading)


def _content(path: Path) -> tuple[Path, str]:
    """The real path of a file and its text. Raises _UnreadableError."""
    try:
        real = path.resolve()
        state = real.stat()
        if stat.S_ISDIR(state.st_mode):
            raise _UnreadableError("is a folder", "name the files in it, such as feeds/*.toml")
        if not stat.S_ISREG(state.st_mode):
            raise _UnreadableError("is not a regular file", "name a file")
        if state.st_size > LARGEST:
            raise _UnreadableError(f"has {state.st_size} bytes", f"at most {LARGEST} are read")
        raw = real.read_bytes()
    except FileNotFoundError:
        remedy = "correct the path, or write a first one with `bantin init`"
        raise _UnreadableError("does not exist", remedy) from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a circle of links
        reason = getattr(error, "strerror", None) or "no usable path"
        remedy = "let the user that runs the service read it"
        raise _UnreadableError(f"cannot be read ({reason})", remedy) from None
    try:
        return real, raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _UnreadableError("is not UTF-8", "save it as UTF-8", line) from None


def _normal(value: Any, key: str = "") -> Any:
    """Every text in NFC, as all text of the service is; passwords are left alone."""
    if isinstance(value, str):
        return value if key in _AS_WRITTEN else nfc(value)
    if isinstance(value, dict):
        secret = key in _ALL_AS_WRITTEN
        return {
            name: inner if secret and isinstance(inner, str) else _normal(inner, name)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_normal(inner, key) for inner in value]
    return value


def _includes(piece: Piece) -> Iterator[_Include]:
    """What a file includes. What is not a list of texts is left for the schema to name."""
    patterns = piece.data.get("include")
    for number, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        if isinstance(pattern, str) and pattern:
            yield _Include(piece, number, pattern)


def _follow(include: _Include, above: tuple[Path, ...], reading: LoadedFiles) -> None:
    """Read what one element of `include` names: one file, or those that a pattern matches."""
    folder = include.piece.path.parent
    if not _WILD.search(include.pattern):
        target = folder / include.pattern
        if _real(target) in above:
            problem = f"{_shown(include.piece, target)} includes this file in its turn"
            reading.faults.append(include.fault(problem, "take it out here, or there"))
        else:
            _read_one(target, _shown(include.piece, target), above, include, reading)
        return
    try:
        targets = sorted(_matches(folder, include.pattern))
    except (ValueError, OSError) as error:
        problem = f'"{include.pattern}" is not a pattern ({error})'
        reading.faults.append(include.fault(problem, "write one such as feeds/*.toml"))
        return
    for target in targets:
        if _real(target) not in above:  # a pattern may match the file that it stands in
            _read_one(target, _shown(include.piece, target), above, include, reading)


def _real(target: Path) -> Path:
    try:
        return target.resolve()
    except (OSError, RuntimeError, ValueError):
        return target  # reading it will tell what is wrong


def _matches(folder: Path, pattern: str) -> Iterator[Path]:
    """Raises ValueError for what is not a pattern, whatever release of Python would make of it."""
    if any("**" in part != "**" for part in Path(pattern).parts):
        raise ValueError("** stands for folders, so it stands alone between slashes")
    if Path(pattern).name == "**":
        raise ValueError("** stands for folders: what files in them?")
    absolute = Path(pattern).is_absolute()
    root = Path(Path(pattern).anchor) if absolute else folder
    relative = str(Path(pattern).relative_to(root)) if absolute else pattern
    return (found for found in root.glob(relative) if not found.is_dir())


def _shown(piece: Piece, target: Path) -> str:
    """The included file as the admin would write it: beside the file that includes it."""
    try:
        return str(Path(piece.shown).parent / target.relative_to(piece.path.parent))
    except ValueError:
        return str(target)
