"""What is read, or the reason why it is not: for tests in which either may come."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from service.errors import ParseError

Document = TypeVar("Document")


def read_or_refusal(read: Callable[..., Document], *args: object) -> Document | str:
    """What `read` gives, or the words of its ParseError. Whatever else it raises is raised."""
    try:
        return read(*args)
    except ParseError as error:
        return str(error)
