"""`bantin up` as a program that fetches at most so many documents at once.

For a bench whose machine has too few cores for what one process could wait for by itself.
Usage: narrow.py CONFIG AT_ONCE [ROLE NAME]
"""

from __future__ import annotations

import sys
from pathlib import Path

from service.cli.up import run
from service.collect.polling import backpressure
from service.runtime.roles import Part, Role

if __name__ == "__main__":  # worker processes import this file as well
    config, at_once, *of_many = sys.argv[1:]
    backpressure.IN_FLIGHT = backpressure.MOST_IN_FLIGHT = backpressure.ENOUGH = int(at_once)
    run(Path(config), part=Part(Role(of_many[0]), of_many[1]) if of_many else None)
