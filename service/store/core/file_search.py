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

_NOT_FOUND, _FOUND = 10, 11
"""What the child ends with. Neither 0 nor 1 nor 2: those it may end with by itself."""


def stands_in(path: Path, words: Sequence[str]) -> bool:
    """Whether one of these stands in the file, in whatever case. False where there is no file.

    Raises OSError, also where the child failed: what Python makes of an error is exit 1.
    """
    done = subprocess.run(  # noqa: S603 - our own file, no shell
        [sys.executable, "-I", __file__, str(path)],
        input=json.dumps([word.lower() for word in words]).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode not in (_FOUND, _NOT_FOUND):
        said = done.stderr.decode(errors="replace").split("\n")
        raise OSError(next((line for line in reversed(said) if line), f"exit {done.returncode}"))
    return done.returncode == _FOUND


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
    found = _stands_in(Path(sys.argv[1]), [word.encode() for word in asked])
    raise SystemExit(_FOUND if found else _NOT_FOUND)
