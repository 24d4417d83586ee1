"""One of many processes that pulls its own plug at one exact moment (`plug.Moment`).

Usage: mortal.py CONFIG ROLE NAME WHAT N. It is what `bantin up --role ROLE --name NAME` runs, with
short ticks; transactions are counted from its start.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

sys.path.append(str(Path(__file__).parents[2]))

from service.mail.drain import drain
from service.runtime import logs, pipeline
from service.runtime.composition import clock_of, load, open_loaded
from service.runtime.roles import Part, Role, place_of
from service.runtime.serving import listen, serve
from service.store.core.job_queue import bring_up
from tests.contract.plug import DyingStore, Moment
from tests.hasty import TENTH


def main(config: Path, part: Part, moment: Moment) -> None:
    loaded = load(config, {})
    logs.configure(loaded.settings.log)
    service = open_loaded(loaded, retire=True, place=place_of(part))
    bring_up(service.store, version("bantin"))
    seen: Counter[str] = Counter()

    def tick(what: str) -> None:
        seen[what] += 1
        if moment == Moment(what, seen[what]):
            os.kill(os.getpid(), signal.SIGKILL)

    async def send(service, *, stop):
        return await drain(
            service.store, service.settings, service.clock, owner=service.owner, stop=stop,
            random=random.random, checkpoint=tick,
        )  # fmt: skip

    service.store.close()
    service.store = DyingStore(loaded.settings.store.url, tick)
    service.store.measure_clock()
    service.clock = clock_of(service.store)
    bound = listen(loaded.settings.web.listen) if part.role.has_web else None
    steps = SimpleNamespace(**{**vars(pipeline), "send": send})
    asyncio.run(serve(service, bound, config, {}, ticks=TENTH, part=part, steps=steps))


if __name__ == "__main__":  # worker processes import this file as well
    main(
        Path(sys.argv[1]),
        Part(Role(sys.argv[2]), sys.argv[3]),
        Moment(sys.argv[4], int(sys.argv[5])),
    )
