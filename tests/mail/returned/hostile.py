"""What happens in the process that reads a mail which has found something.

A module of its own: what it loads counts against the time of the mail.
"""

from __future__ import annotations

import os
import signal

from service.mail.returned.opened import open_mail


def hostile(data):
    """Stands for a mail that has found something: reading it kills, hangs or takes all memory."""
    if b"KILL" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    while b"HANG" in data:
        pass
    if b"FILL" in data:
        return bytearray(1 << 40)
    if b"BREAK" in data:
        raise RuntimeError("a fault of ours")
    return open_mail(data)
