"""Where each key of the configuration stands, for faults that are found after it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.config import locate
from service.config.reading import Piece

Place = tuple[str, int | None]
"""A file as the admin writes its path, or "environment NAME", and a line counted from 1."""


class KeyLocations:
    """File and line of each key. They are looked up only when the first one is wanted."""

    def __init__(self, main: str, pieces: Sequence[Piece] = ()) -> None:
        """`main`: the main file as faults name it, the answer for what stands nowhere."""
        self._main = main
        self._pieces = pieces
        self._overridden: dict[locate.Path, str] = {}
        self._lines: dict[str, dict[locate.Path, int]] = {}
        self._everywhere: dict[locate.Path, Place] | None = None

    def override(self, names: Mapping[locate.Path, str]) -> None:
        """Learn which keys the environment has set: path of the key -> name of the variable."""
        self._overridden.update(names)
        self._everywhere = None

    def find(self, path: Sequence[str | int]) -> Place:
        """File and line of the key, else of the nearest table around it, else the main file.

        The number of a list's element may be given as text, as rooms do whose paths are all text.
        """
        places = self._all()
        known: locate.Path = ()
        for part in path:
            if (*known, part) in places:
                known = (*known, part)
            elif isinstance(part, str) and part.isdecimal() and (*known, int(part)) in places:
                known = (*known, int(part))
            else:
                break
        return places.get(known, (self._main, None))

    def forget(self) -> None:
        """Let the files' texts go: a long-running process tells no more faults by them.

        What is asked for from now on stands in the main file.
        """
        self._pieces = ()
        self._lines, self._everywhere = {}, None

    def line_in(self, shown: str, path: Sequence[str | int]) -> int | None:
        """The line of the key in one file, None where it does not stand there."""
        for piece in self._pieces:
            if piece.shown == shown:
                return self._lines_of(piece).get(tuple(path))
        return None

    def _all(self) -> dict[locate.Path, Place]:
        if self._everywhere is None:
            found: dict[locate.Path, Place] = {
                path: (f"environment {name}", None) for path, name in self._overridden.items()
            }
            for piece in self._pieces:
                for path, line in self._lines_of(piece).items():
                    found.setdefault(path, (piece.shown, line))
            for path, name in self._overridden.items():
                for length in range(1, len(path)):  # a section that no file has
                    found.setdefault(path[:length], (f"environment {name}", None))
            self._everywhere = found
        return self._everywhere

    def _lines_of(self, piece: Piece) -> dict[locate.Path, int]:
        if piece.shown not in self._lines:
            self._lines[piece.shown] = locate.places(piece.text)
        return self._lines[piece.shown]
