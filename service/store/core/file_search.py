"""Looks for words in the bytes of an SQLite database, in a process of its own.

A process that has opened a file once more and closes it loses all its POSIX locks on it
(https://www.sqlite.org/howtocorrupt.html, 2.2). For another process the database is then nobody's:
a command that ends would delete the log under the running service, and what that writes afterwards
would be lost. So nothing here is imported but by a child: this file is its program.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_CHUNK = 1 << 20


def stands_in(path: Path, words: Sequence[str]) -> bool:
    """Whether one of these stands in the file, in whatever case. False where there is no file.

    Raises OSError.
    """
    done = subprocess.run(  # noqa: S603 - our own file, no shell
        [sys.executable, "-I", __file__, str(path)],
        input=json.dumps([word.lower() for word in words]).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise OSError(done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}")
    return done.returncode == 1


def _stands_in(path: Path, needles: Sequence[bytes]) -> bool:
    longest = max(map(len, needles), default=0)
    try:
        with path.open("rb") as file:
            before = b""
            while chunk := file.read(_CHUNK):
                looked = (before + chunk).lower()
                if any(needle in looked for needle in needles):
                    return True
                before = looked[-longest:]
    except FileNotFoundError:
        pass
    return False


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    raise SystemExit(_stands_in(Path(sys.argv[1]), [word.encode() for word in asked]))
