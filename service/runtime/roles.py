"""What a process of many does: the role that `bantin up --role` gives it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version

from service.config.schema import Settings
from service.errors import UsageError
from service.runtime.composition import Service
from service.store.core.database import sqlite_file
from service.store.core.processes import ServiceProcess


class Role(StrEnum):
    """Who answers requests, who collects, who sends."""

    WEB = "web"
    COLLECT = "collect"
    MAIL = "mail"
    ALL = "all"

    @property
    def has_web(self) -> bool:
        """Whether it answers requests."""
        return self in (Role.WEB, Role.ALL)

    @property
    def sends(self) -> bool:
        """Whether it hands mail over."""
        return self in (Role.MAIL, Role.ALL)

    def does(self, job: str) -> bool:
        """Whether the job of this name is one of its jobs."""
        return self is Role.ALL or job in LOCAL or job in _JOBS[self]


LOCAL = frozenset({"memory", "shown"})
"""What each process does for itself."""

_JOBS = {
    Role.WEB: frozenset[str](),
    Role.COLLECT: frozenset(
        {
            "clock",
            "house",
            "references",
            "search",
            "place",
            "collect",
            "delivered",
            "websub",
            "seek",
        }
        | {"publish"}
    ),
    # It publishes too: what collectors bring does not wait for the end of their pass.
    Role.MAIL: frozenset({"publish", "digests", "mail", "returned"}),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Which of many processes this is: its role, and its name among those of its folder."""

    role: Role
    name: str


def refuse_what_is_for_one(settings: Settings, role: Role) -> None:
    """Raise UsageError where the configuration is one for a single process."""
    if sqlite_file(settings.store.url) is not None:
        raise UsageError(
            f"--role {role} is for a service of many processes, which needs PostgreSQL "
            "(store.url); on SQLite `bantin up` does all in one"
        )
    if role.sends and not settings.mail.relay:
        raise UsageError(
            f"--role {role} sends mail, and without [mail.relay] it would write to the outbox, a "
            "folder of this machine; configure a relay"
        )


def place_of(part: Part | None) -> tuple[str, str] | None:
    """One process of many: this machine, and its name there. None: it does all."""
    return None if part is None else (socket.gethostname(), part.name)


def myself(service: Service, role: Role, name: str) -> ServiceProcess:
    """This process, as it shows itself now."""
    now = service.clock()
    return ServiceProcess(
        id=service.owner,
        machine=socket.gethostname(),
        name=name,
        role=role,
        pid=os.getpid(),
        version=version("bantin"),
        started_at=now,
        seen_at=now,
    )
