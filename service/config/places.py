"""Where each key of the configuration stands, for faults that are found after it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.config import locate
from service.config.reading import Piece


class Places:
    """File and line of each key. The lines are looked up only when the first one is wanted."""

    def __init__(
        self, main: str, pieces: Sequence[Piece] = (), overridden: Mapping[locate.Path, str] = {}
    ) -> None:
        """`overridden`: path of a key -> name of the environment variable that set it."""
        self._main = main
        self._pieces = pieces
        self.overridden = dict(overridden)
        self._found: dict[str, dict[locate.Path, int]] = {}

    def find(self, path: Sequence[str | int]) -> tuple[str, int | None]:
        """File and line of the key, else of the nearest table around it, else the main file."""
        wanted = tuple(path)
        for length in range(len(wanted), 0, -1):
            part = wanted[:length]
            if part in self.overridden:
                return f"environment {self.overridden[part]}", None
            for piece in self._pieces:
                if (line := self._lines(piece).get(part)) is not None:
                    return piece.shown, line
        return self._main, None

    def line_in(self, shown: str, path: Sequence[str | int]) -> int | None:
        """The line of the key in one file, None where it does not stand there."""
        for piece in self._pieces:
            if piece.shown == shown:
                return self._lines(piece).get(tuple(path))
        return None

    def _lines(self, piece: Piece) -> dict[locate.Path, int]:
        if piece.shown not in self._found:
            self._found[piece.shown] = locate.places(piece.text)
        return self._found[piece.shown]
