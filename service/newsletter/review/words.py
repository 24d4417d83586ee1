"""How long what editors write may be. Pure."""

from __future__ import annotations

from service.text.typed import normal

OPENING_CHARS = 3000
NOTE_CHARS = 1000


class TooLongError(ValueError):
    """It has more characters than a mail has room for. `most`: how many it has room for."""

    def __init__(self, most: int) -> None:
        super().__init__(f"longer than {most} characters")
        self.most = most


def written(text: str, most: int) -> str:
    """The text in its normal form (text.typed), "" for nothing. Raises TooLongError."""
    clean = normal(text)
    if len(clean) > most:
        raise TooLongError(most)
    return clean
