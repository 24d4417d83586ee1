"""Reading a form: small, plain fields, no files. What is not a form at all is an empty one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

BODY_LIMIT = 64 * 1024
"""Bytes of a request. The largest form has an address, a date and a hundred topics."""

FIELDS_LIMIT = 500
"""Fields of a form: every topic of a digest may be ticked."""

PATIENCE_S = 20.0
"""How long a body may take to arrive: nobody holds a worker by sending a byte a minute."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form in their order."""

    pairs: tuple[tuple[str, str], ...] = ()

    def one(self, name: str) -> str:
        """The last value of this name, "" if there is none."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


async def read(request: Request, limit: int = BODY_LIMIT) -> Fields:
    """The form of a POST, urlencoded or multipart. Raises HTTPException (408, 413).

    `limit`: bytes of a part.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            form = await request.form(max_files=0, max_fields=FIELDS_LIMIT, max_part_size=limit)
    except TimeoutError:
        raise HTTPException(408) from None
    except HTTPException as error:
        if error.status_code != 400:  # noqa: PLR2004 - Bad Request: it could not be parsed
            raise
        return Fields()
    except (FormParserError, ClientDisconnect, UnicodeDecodeError):
        return Fields()
    pairs = tuple((key, value) for key, value in form.multi_items() if isinstance(value, str))
    return Fields(pairs)
