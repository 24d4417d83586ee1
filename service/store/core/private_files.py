"""Files and folders that nobody but the service's own user may read, whatever the umask is.

SQLite gives its -wal and -shm the mode of the database, so that is made beforehand.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def make_folder(folder: Path) -> None:
    """Make the folder, and the folders above it that are missing, private. Raises OSError.

    A folder that is there keeps its mode: it may be the home of more than this service.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=FOLDER)


def make_file(path: Path) -> None:
    """Make an empty private file; one that is there becomes private. Raises OSError.

    One that is there is not opened: to close it would end this process's locks on an SQLite
    database that it has open (core/file_search.py).
    """
    if not path.exists():
        with suppress(FileExistsError):
            os.close(opener(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    _close(path, path.lstat())


def write_new(path: Path, data: bytes) -> None:
    """Write a new private file, on the disk when it returns. Raises FileExistsError, OSError."""
    with open(path, "xb", opener=opener) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise


def opener(path: Path | str, flags: int) -> int:
    """Makes private files: `open(…, opener=opener)`."""
    return os.open(path, flags | os.O_CLOEXEC, FILE)


def close(path: Path) -> None:
    """Make a file or a folder private if it is there and ours."""
    with suppress(FileNotFoundError):
        _close(path, path.lstat())


def close_all(folder: Path) -> None:
    """The same for a folder and all that is in it."""
    for path in _inside(folder):
        close(path)


def _inside(folder: Path) -> Iterator[Path]:
    """The folder first, so that nobody looks into it meanwhile. Links are not followed."""
    yield folder
    for root, folders, files in os.walk(folder):
        yield from (Path(root, name) for name in (*folders, *files))


def _close(path: Path, found: os.stat_result) -> None:
    wanted = FOLDER if stat.S_ISDIR(found.st_mode) else FILE
    ours = found.st_uid == os.geteuid() or os.geteuid() == 0
    if not ours or stat.S_ISLNK(found.st_mode) or stat.S_IMODE(found.st_mode) == wanted:
        return
    with suppress(FileNotFoundError, PermissionError):
        path.chmod(wanted)
