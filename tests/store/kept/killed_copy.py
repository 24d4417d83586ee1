"""A copy of a store that kills itself behind a table.

Usage: killed_copy.py FROM TO TABLE
"""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":
    from service.store.kept.copying import copy

    source, target, table = sys.argv[1:]
    copy(source, target, lambda name, _done: name == table and os.kill(os.getpid(), signal.SIGKILL))
