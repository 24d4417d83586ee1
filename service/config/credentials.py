"""Passwords, read from where the configuration says they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from service.config.schema import Settings
from service.config.values import Secret, SecretRef
from service.config.wording import Finding

LARGEST = 64 * 1024
"""Bytes of a secret's file: a key, never a disk image that was named by mistake."""


def resolve(settings: Settings, environ: Mapping[str, str]) -> tuple[list[Finding], list[Finding]]:
    """Give each relay its password. Returns faults and warnings, none of which shows a secret."""
    faults: list[Finding] = []
    warnings: list[Finding] = []
    for relay in settings.mail.relay.values():
        if relay.password is None:
            continue
        path = ("mail", "relay", relay.id, "password")
        read = _read(relay.password, environ)
        if not isinstance(read, Secret):
            faults.append((path, *read))
            continue
        relay._secret = read  # noqa: SLF001 - the loader gives a relay its password
        if relay.password.written is not None:
            right = 'write { env = "NAME" } or { file = "PATH" }, which no copy of this file shows'
            warnings.append((path, "stands in the file itself", right))
    return faults, warnings


def _read(ref: SecretRef, environ: Mapping[str, str]) -> Secret | tuple[str, str]:
    """The secret, else what is wrong and what would be right."""
    if ref.written is not None:
        return ref.written
    if ref.env is not None:
        text = environ.get(ref.env, "")
        if text:
            return Secret(text)
        state = "is empty" if ref.env in environ else "is not set"
        return f"the environment variable {ref.env} {state}", "set it before the service starts"
    return _from_file(Path(ref.file or ""))


def _from_file(path: Path) -> Secret | tuple[str, str]:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        text = raw.decode().rstrip("\r\n")
    except FileNotFoundError:
        return f"there is no file {path}", "put the secret there, or correct the path"
    except UnicodeDecodeError:
        return f"the file {path} is no text", "put the secret alone in it"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        return f"the file {path} cannot be read ({reason})", "let the service's user read it"
    if not text or len(raw) > LARGEST:
        return f"the file {path} is {'too long' if text else 'empty'}", "put the secret alone in it"
    return Secret(text)
