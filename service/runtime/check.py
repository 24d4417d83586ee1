"""`bantin check`: every room judges the configuration; each fault is given its file and line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.collect.faults import faults as collect_faults
from service.config.loading import Loaded, load
from service.config.schema import Settings
from service.curate.faults import faults as curate_faults
from service.errors import ConfigError, Fault
from service.mail.faults import faults as mail_faults
from service.newsletter.faults import faults as newsletter_faults
from service.publish.faults import faults as publish_faults
from service.render.faults import template_faults

Finding = tuple[tuple[str, ...], str, str]
"""Key path in the TOML, what is wrong, what would be right."""

_ROOMS: tuple[Callable[[Settings], list[Finding]], ...] = (
    collect_faults,
    curate_faults,
    publish_faults,
    newsletter_faults,
    mail_faults,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """`loaded` is None when the files could not even be read as a configuration."""

    loaded: Loaded | None
    faults: tuple[Fault, ...]

    def summary(self) -> str:
        """What is there: "3 files, 41 sources, 6 topics, 1 digest"."""
        assert self.loaded is not None
        settings = self.loaded.settings
        counts = [
            (len(self.loaded.files), "file"),
            (len(settings.source), "source"),
            (len(settings.topic), "topic"),
            (len(settings.digest), "digest"),
        ]
        return ", ".join(f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts)


def check(config: Path, environ: Mapping[str, str]) -> Checked:
    """Load the configuration and let every room judge it. Never raises for a fault."""
    try:
        loaded = load(config, environ)
    except ConfigError as error:
        return Checked(None, error.faults)
    found = [finding for room in _ROOMS for finding in room(loaded.settings)]
    faults = [_placed(loaded, finding) for finding in found]
    faults += template_faults(loaded.settings.root / "templates")
    return Checked(loaded, tuple(sorted(faults, key=lambda fault: (fault.file, fault.line or 0))))


def _placed(loaded: Loaded, finding: Finding) -> Fault:
    path, problem, remedy = finding
    file, line = loaded.places.find(path)
    return Fault(file, line, ".".join(path), problem, remedy)
