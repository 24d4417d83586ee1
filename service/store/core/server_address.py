"""`[store] url` as SQLAlchemy, libpq and PostgreSQL's tools take it, one server or several.

A connection whose other end is gone without a word (a cable, a firewall, a machine without power)
would be waited for for two hours, and what it holds there for as long. So either end gives it up
after half a minute at most.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from service.errors import StoreError

PATIENCE = {
    "connect_timeout": "5",  # of each server
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",  # milliseconds: of what was sent and is not acknowledged
}
"""libpq's settings of a connection, where the address says nothing of them."""

SERVER_PATIENCE = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = 20000"
)
"""The same for the server's end: locks of a machine that was cut off are free after that."""

_SERVER = re.compile(r"(\[[\w:.%]+\]|[^\[\]:]*)(?::(\d*))?")
"""HOST, HOST:PORT, [IPv6], [IPv6]:PORT."""

_SEVERAL = re.compile(r"(postgresql[^:]*://(?:[^/?#]*@)?)([^/?#@]*,[^/?#@]*)((?:[/?].*)?)")


def parsed(url: str) -> URL:
    """Several servers stand as libpq has them, `postgresql://A:5432,B:5432/NAME`.

    The one that takes writes is meant unless the address says otherwise. Raises StoreError.
    """
    several = _SEVERAL.fullmatch(url)
    try:
        if several is None:
            return make_url(url)
        whole = make_url(several[1] + several[3])
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"not the address of a database: {_shown(url)!r}") from error
    servers = [_SERVER.fullmatch(server) for server in several[2].split(",")]
    if None in servers or {"host", "port"} & whole.query.keys():
        raise StoreError(
            f"not the address of several servers: {_shown(url)!r}; [store] url takes "
            "postgresql://HOST:PORT,HOST:PORT/NAME, an IPv6 address in brackets"
        )
    told = [(one[1].strip("[]"), one[2] or "") for one in servers if one is not None]
    hosts, ports = (",".join(part) for part in zip(*told, strict=True))
    writes = {"target_session_attrs": "read-write", **whole.query}
    # Not "host" for each of them, which SQLAlchemy would split at an IPv6 address's colons.
    return whole.set(query={**writes, "host": hosts, "port": ports})


def libpq(url: str) -> dict[str, Any]:
    """The parameters of libpq for a database of PostgreSQL, the password among them."""
    # It comes with the driver, which SQLite does without.
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg  # noqa: PLC0415

    dialect: Any = PGDialect_psycopg  # it has no types
    _, named = dialect().create_connect_args(parsed(url))
    return {**PATIENCE, **named}


def conninfo(parameters: Mapping[str, Any]) -> str:
    """They as one text, which libpq and its tools take as an address."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - as above

    return make_conninfo("", **parameters)


def _shown(url: str) -> str:
    """Without what may be a password."""
    return re.sub(r"//[^/]*@", "//***@", url)
