"""`bantin` that says in its log which statements a thread with an event loop has made.

Usage: watching.py up --config CONFIG
"""

from __future__ import annotations

import asyncio
import sys
from traceback import format_stack


def told(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    sys.stderr.write(f"ON THE LOOP: {statement[:90]} {''.join(format_stack(limit=40)[:-1])}\n")


if __name__ == "__main__":
    from sqlalchemy import Engine, event

    from service.cli import main

    event.listen(Engine, "before_cursor_execute", told)
    main()
