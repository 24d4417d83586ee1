"""The key of the admin pages: a file that only the service's own user can read.

Where a request comes from proves nothing: behind a proxy everybody comes from loopback, and Host is
the visitor's word. So the pages need a token made with the key: a link's, which
`up`, `demo` and `admin link` print, or a cookie's, which the link is exchanged for. Neither is the
key itself, and both expire: a link may stay in a proxy's log, a cookie in a browser's backup. A
form brings a third one, which no other site knows. The key itself opens `/readyz` alone, in a
header.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from service.store.core import private_files

Kind = Literal["link", "cookie", "form"]

NAME = "admin.key"
"""In `var`."""

PARAMETER = "key"
"""Of the query of a link."""

COOKIE = "bantin-admin-"
"""With this a cookie's name begins."""

LASTS: dict[Kind, timedelta] = {
    "link": timedelta(days=1),
    "cookie": timedelta(days=30),
    "form": timedelta(days=30),
}

_KEY = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"([0-9a-f]{8})[0-9a-f]{32}")
_PRIVATE = 0o600
_OTHERS = 0o077


def token(key: str, kind: Kind, now: datetime) -> str:
    """What opens the pages from `now` on: its last second and 128 bits of HMAC, 40 hex digits."""
    return _signed(key, kind, f"{int((now + LASTS[kind]).timestamp()):08x}")


def opens(key: str | None, kind: Kind, said: str, now: datetime) -> bool:
    """Whether `said` is a token of this kind, made with this key and not expired.

    `key` None: there is none, so nothing opens. Nobody is counted or locked out: 128 bits cannot be
    guessed, and behind a proxy a stranger's guesses would shut out the admin.
    """
    found = _TOKEN.fullmatch(said)
    if key is None or found is None:
        return False
    is_ours = hmac.compare_digest(_signed(key, kind, found[1]), said)
    return is_ours and now.timestamp() < int(found[1], 16)


def is_key(key: str, said: str) -> bool:
    """Whether `said` is the key itself, as a command on this machine reads it from its file."""
    return _KEY.fullmatch(said) is not None and hmac.compare_digest(key, said)


def cookie_name(key: str) -> str:
    """Browsers share cookies between the ports of a host: two sites must not take each other's."""
    return f"{COOKIE}{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def link(base_url: str, path: str, key: str, now: datetime) -> str:
    """The address of an admin page that opens it for a day. `base_url` has no slash at its end."""
    return f"{base_url}{path}?{PARAMETER}={token(key, 'link', now)}"


def read(var: Path) -> str | None:
    """The key; None where there is none. Read at each use, so that a new one counts at once."""
    try:
        written = (var / NAME).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return written if _KEY.fullmatch(written) else None


def ensure(var: Path) -> str:
    """The key, made where there is none, and made anew where others could read it."""
    known = read(var)
    if known is None or (var / NAME).stat().st_mode & _OTHERS:
        return renew(var)
    return known


def renew(var: Path) -> str:
    """Another key: all links and cookies of the one before end. Raises OSError."""
    return keep(var, secrets.token_hex(32))


def keep(var: Path, key: str) -> str:
    """Write a key down, this one, as the one of several machines. Raises OSError."""
    private_files.make_folder(var)
    beside = var / f".{NAME}.{secrets.token_hex(4)}"
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    try:
        os.fchmod(file, _PRIVATE)  # whatever the umask has left
        owner = var.stat()
        if owner.st_uid != os.geteuid():  # root on behalf of the service, which must read it
            os.fchown(file, owner.st_uid, owner.st_gid)
        os.write(file, f"{key}\n".encode())
        os.fsync(file)
        beside.replace(var / NAME)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
    return key


def _signed(key: str, kind: Kind, until: str) -> str:
    signature = hmac.new(bytes.fromhex(key), f"{kind}\0{until}".encode(), hashlib.sha256)
    return f"{until}{signature.hexdigest()[:32]}"
