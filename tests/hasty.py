"""`bantin up` as a program whose jobs look for work ten times as often as the service's own.

For tests that wait for several of its ticks and promise nothing about how long they are.
Usage: hasty.py CONFIG [ROLE NAME]
"""

from __future__ import annotations

import faulthandler
import signal
import sys
from dataclasses import replace
from pathlib import Path

if __name__ != "__mp_main__":  # its worker processes, who import this file and need nothing of it
    from service.cli.up import run
    from service.runtime.jobs import TICKS
    from service.runtime.roles import Part, Role

    TENTH = replace(
        TICKS, collect=0.5, delivered=2.0, websub=2.0, search=2.0, place=2.0, publish=6.0,
        digests=1.5, mail=0.5, returned=1.0,
    )  # fmt: skip

if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # running.SAY_WHERE, which brings too much to be asked
    config, *of_many = sys.argv[1:]
    run(Path(config), TENTH, Part(Role(of_many[0]), of_many[1]) if of_many else None)
