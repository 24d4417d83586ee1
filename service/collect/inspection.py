"""A document fetched from its address only to be looked at: `bantin parse URL`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service.errors import FetchError
from service.net.client import Client
from service.parse.inspection import failed, look
from service.parse.options import ParseOptions


async def look_at(
    client: Client, url: str, now: datetime, reading: ParseOptions | None = None
) -> dict[str, Any]:
    """Fetch and look. Addresses in private networks are refused by the client."""
    try:
        response = await client.get(url)
    except FetchError as error:
        return failed(url, str(error))
    return look(url, response.body, response.headers, response.url, now, reading)
