"""The processes of the service where it is many: who they are, and when each was last seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from service.store.core.statements import upsert
from service.store.tables import running_process

GONE_AFTER = timedelta(seconds=45)
"""Without being seen: it is said to be gone. It shows itself every ten seconds."""

FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """`id`: its name in leases. `name`: which of that machine's. Instants are aware, UTC.

    `configuration_hash`: of what it works with; None where its program tells nothing of it.
    `clock_ahead_s`: its machine's clock before the database's; None: it is not known. `doing`: the
    jobs that it had in hand when it was last seen, and since when.
    """

    id: str
    machine: str
    name: str
    role: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    configuration_hash: bytes | None = None
    clock_ahead_s: int | None = None
    doing: Mapping[str, datetime] = field(default_factory=dict)


def show(connection: Connection, one: ServiceProcess) -> None:
    """It lives. Forgets earlier starts of its name there, and those which were not seen for a day.

    Needs a write transaction.
    """
    doing = {job: since.isoformat() for job, since in one.doing.items()}
    row = upsert(connection, running_process).values(**{**asdict(one), "doing": doing})
    told = ("seen_at", "configuration_hash", "clock_ahead_s", "doing")
    changed = {name: row.excluded[name] for name in told}
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=changed))
    long_ago = running_process.c.seen_at < one.seen_at - FORGOTTEN_AFTER
    same = (running_process.c.machine == one.machine) & (running_process.c.name == one.name)
    earlier = same & (running_process.c.started_at < one.started_at)
    connection.execute(delete(running_process).where(long_ago | earlier))


def ended(connection: Connection, id_: str) -> None:
    """It has ended by itself: nobody needs to look for it. Needs a write transaction."""
    connection.execute(delete(running_process).where(running_process.c.id == id_))


def seen(connection: Connection) -> list[ServiceProcess]:
    """All that are known, by machine and name."""
    order = (running_process.c.machine, running_process.c.name, running_process.c.started_at)
    rows = connection.execute(select(running_process).order_by(*order)).mappings()
    return [ServiceProcess(**{**row, "doing": _since(row["doing"])}) for row in rows]


def _since(doing: Mapping[str, str] | None) -> dict[str, datetime]:
    return {job: datetime.fromisoformat(at) for job, at in (doing or {}).items()}
