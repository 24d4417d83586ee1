"""One pass as a process of its own: `python -m tests.contract.collector CONFIG SECONDS_AHEAD`.

Its clock goes ahead by so many seconds. Prints one JSON object: what it asked, and what went wrong.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

if __name__ != "__mp_main__":  # its worker processes, who import this file and need nothing of it
    from service.collect.polling.poll import collect
    from service.config.schema import Log
    from service.runtime import logs
    from service.runtime.composition import open_service


async def main(config: Path, ahead: timedelta) -> dict[str, object]:
    logs.configure(Log(level="error"))
    service = open_service(config, {}, lambda: datetime.now(UTC) + ahead)
    try:
        done = await collect(service.store, service.settings, service.clock, owner=service.owner)
    finally:
        service.close()
    failed = {name: str(error) for name, error in done.failed.items()}
    return {"tried": done.tried, "ok": done.ok, "failed": failed, "new": done.entries_new}


if __name__ == "__main__":
    told = asyncio.run(main(Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2]))))
    json.dump(told, sys.stdout)
