"""`bantin check`: every room judges the configuration; each fault is given its file and line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.collect.faults import faults as collect_faults
from service.collect.faults import warnings as collect_warnings
from service.config.loading import Examined, Loaded, examine, judged, placed
from service.config.schema import Settings
from service.curate.faults import faults as curate_faults
from service.curate.faults import warnings as curate_warnings
from service.errors import Fault, Finding
from service.mail.faults import faults as mail_faults
from service.newsletter.faults import faults as newsletter_faults
from service.publish.faults import faults as publish_faults
from service.render.faults import faults as render_faults
from service.render.faults import template_faults
from service.runtime.monitoring.faults import faults as monitoring_faults
from service.store.faults import faults as store_faults

_ROOMS: tuple[Callable[[Settings], list[Finding]], ...] = (
    store_faults,
    render_faults,
    collect_faults,
    curate_faults,
    publish_faults,
    newsletter_faults,
    mail_faults,
    monitoring_faults,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """`loaded` None: there are faults. `warnings`: what works, but hardly as it was meant."""

    loaded: Loaded | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()

    def counts(self) -> dict[str, int]:
        """What is there: files, sources, topics, digests. Only without faults."""
        assert self.loaded is not None
        settings = self.loaded.settings
        return {
            "files": len(self.loaded.files),
            "sources": len(settings.source),
            "topics": len(settings.topic),
            "digests": len(settings.digest),
        }

    def summary(self) -> str:
        """The same in words: "3 files, 41 sources, 6 topics, 1 digest"."""
        counts = self.counts().items()
        return ", ".join(f"{n} {noun.removesuffix('s') if n == 1 else noun}" for noun, n in counts)


def check(config: Path, environ: Mapping[str, str]) -> Checked:
    """Load the configuration and let every room judge it. Never raises for a fault.

    The rooms judge what is sound even where the rest has faults, so that all are told at once.
    """
    examined = examine(config, environ)
    faults, settings = examined.faults, examined.settings
    if settings is not None:
        found = [finding for room in _ROOMS for finding in room(settings)]
        faults = (
            *judged(examined, found).faults,
            *template_faults(settings.root / "templates"),
        )
    warnings = examined.warnings
    if settings is not None and not faults:
        more = placed(collect_warnings(settings) + curate_warnings(settings), examined.places)
        warnings = (*warnings, *more)
    return Checked(_loaded(examined, faults, warnings), faults, warnings)


def check_mails(settings: Settings) -> list[Fault]:
    """Render every template of mail with invented news, in every language that readers may use.

    Where a site has no templates or sentences of its own there is nothing to try. It is no reason
    not to start: whoever gets such a mail waits for it, and nobody else.
    """
    folder = settings.root / "templates"
    if not folder.is_dir():
        return []
    # Whoever only loads a configuration makes no mails.
    from service.audience.mail_samples import SAMPLES  # noqa: PLC0415
    from service.newsletter.previews import trial  # noqa: PLC0415
    from service.newsletter.previews.trial import PersonalMailSample  # noqa: PLC0415
    from service.render.engine import Renderer  # noqa: PLC0415
    from service.render.site_facts import site_view  # noqa: PLC0415

    samples = [PersonalMailSample(name, views) for name, views in SAMPLES.items()]
    return trial.faults(settings, Renderer(site_view(settings), folder), samples)


def _loaded(
    examined: Examined, faults: tuple[Fault, ...], warnings: tuple[Fault, ...]
) -> Loaded | None:
    if faults or examined.settings is None:
        return None
    return Loaded(examined.settings, examined.places, examined.files, warnings)
