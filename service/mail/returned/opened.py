"""Opens returned mails, here or in processes that a hostile one may kill or hang.

What runs in such a process imports no store and no configuration (docs/decisions/025). A mail that
cannot be read there is UNREAD with the reason, and brings the keys that stand in its bytes as they
are: so its delivery has a row that says what was wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from service.errors import BantinError, QuarantinedError
from service.mail.returned import mime, return_path
from service.mail.returned.model import ReturnedKind, ReturnedMail
from service.mail.returned.read import read_parts
from service.mail.returned.return_path import ReturnKey


@dataclass(frozen=True, slots=True)
class OpenedMail:
    """A returned mail that has been read: what it says, and the keys it brings."""

    mail: ReturnedMail
    keys: tuple[ReturnKey, ...]


Apart = Callable[[Callable[[bytes], OpenedMail], bytes], Awaitable[OpenedMail]]
"""Asks a function in another process. Raises what it raises, QuarantinedError where it killed or
hung its process, BantinError where the fault is ours."""


def open_mail(data: bytes) -> OpenedMail:
    """Read a returned mail. Pure; never raises."""
    lines = mime.lines_of(data)
    parts = mime.split(lines)
    return OpenedMail(read_parts(lines, parts), return_path.keys_in(parts))


async def open_apart(apart: Apart, mails: Sequence[bytes]) -> list[OpenedMail]:
    """The same of each, in other processes. Raises BantinError where there are none."""

    async def one(data: bytes) -> OpenedMail:
        data = data[: mime.READ_AT_MOST]
        try:
            return await apart(open_mail, data)
        except QuarantinedError as error:
            return unread(data, str(error))
        except BantinError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a hostile mail has found
            return unread(data, f"it cannot be read: {type(error).__name__}")

    return list(await asyncio.gather(*map(one, mails)))


def unread(data: bytes, why: str) -> OpenedMail:
    """A mail that nobody could read, and why."""
    return without_words(return_path.keys_in_bytes(data[: mime.READ_AT_MOST]), why)


def without_words(keys: tuple[ReturnKey, ...], why: str) -> OpenedMail:
    """The same of one whose keys are known."""
    return OpenedMail(ReturnedMail(ReturnedKind.UNREAD, why=why), keys)
