"""`hasty.py` with no more descriptors than a number, as where a system gives it no more.

Usage: limited.py DESCRIPTORS CONFIG
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2]))
    from service.cli.up import run
    from tests.hasty import TENTH

    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    run(Path(sys.argv[2]), TENTH)
