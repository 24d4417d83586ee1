"""Secrets, read from where the configuration says they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.config.schema import Mail, Settings
from service.config.values import Secret, SecretRef
from service.errors import Finding

LARGEST = 64 * 1024
"""Bytes of a secret's file: a key, never a disk image that was named by mistake."""

_SECRET_HEADER = re.compile(r"auth|cookie|key|pass|secret|token", re.IGNORECASE)
"""Of such a name: a text in the file itself is told. `Accept-Language` may stand there."""


def resolve(settings: Settings, environ: Mapping[str, str]) -> tuple[list[Finding], list[Finding]]:
    """Read every secret. Returns faults and warnings, none of which shows one."""
    faults: list[Finding] = []
    warnings: list[Finding] = []
    for path, ref in _places(settings):
        read = _read(ref, environ)
        if not isinstance(read, Secret):
            faults.append((path, *read))
            continue
        ref._found = read  # noqa: SLF001 - the loader puts in what it read
        if ref.written is not None and _is_secret(path):
            right = 'write { env = "NAME" } or { file = "PATH" }, which no copy of this file shows'
            warnings.append((path, "stands in the file itself", right))
    for relay in settings.mail.relay.values():
        relay._secret = relay.password.secret if relay.password else None  # noqa: SLF001 - as above
    return faults, warnings


def _places(settings: Settings) -> Iterator[tuple[tuple[str, ...], SecretRef]]:
    yield from _places_of_mail(settings.mail)
    if settings.metrics.key is not None:
        yield ("metrics", "key"), settings.metrics.key
    if settings.collect.proxy_auth is not None:
        yield ("collect", "proxy_auth", "password"), settings.collect.proxy_auth.password
    for source in settings.source.values():
        path = ("source", source.id)
        for key, login in (("auth", source.auth), ("proxy_auth", source.proxy_auth)):
            if login is not None:
                yield (*path, key, "password"), login.password
        for name, value in source.headers.items():
            yield (*path, "headers", name), value


def _places_of_mail(mail: Mail) -> Iterator[tuple[tuple[str, ...], SecretRef]]:
    for relay in mail.relay.values():
        if relay.password is not None:
            yield ("mail", "relay", relay.id, "password"), relay.password
    if mail.bounces is not None and mail.bounces.imap is not None:
        yield ("mail", "bounces", "imap", "password"), mail.bounces.imap.password
    if mail.dkim is not None:
        yield ("mail", "dkim", "key"), mail.dkim.key


def _is_secret(path: tuple[str, ...]) -> bool:
    return path[-2] != "headers" or _SECRET_HEADER.search(path[-1]) is not None


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
        return f"the file {path} is not text", "put the secret alone in it"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        return f"the file {path} cannot be read ({reason})", "let the service's user read it"
    if not text or len(raw) > LARGEST:
        return f"the file {path} is {'too long' if text else 'empty'}", "put the secret alone in it"
    return Secret(text)
