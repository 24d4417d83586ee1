"""The model of the site's learned topics: read when a job begins, if its file was replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service.config.schema import Settings
from service.curate.learned.in_use import MISSING, LearnedModel, read_model
from service.report.trouble import Trouble
from service.runtime import logs

TROUBLE = "model"


@dataclass
class ModelInUse:
    """The model as it was read last, with what its file looked like then. Threads may share it."""

    _known: tuple[object, LearnedModel] | None = None

    def current(self, settings: Settings) -> LearnedModel | None:
        """The model of the file as it stands now; None: no topic is learned."""
        if not any(topic.learn for topic in settings.topic.values()):
            return None
        path = str(settings.model_file)
        stamp = _stamp(path)
        known = self._known
        if known is None or known[0] != stamp:
            known = self._known = stamp, read_model(path)
            if known[1].problem not in (None, MISSING):
                logs.get().warning(
                    "no learned topics: the rules go on alone", model=path, error=known[1].problem
                )
        return known[1]


def troubles(model: LearnedModel | None) -> list[Trouble]:
    """What keeps learned topics from being judged, if the site has some."""
    if model is None or model.problem is None:
        return []
    return [Trouble(TROUBLE, {"file": model.path, "error": model.problem})]


def _stamp(path: str) -> object:
    try:
        found = Path(path).stat()
    except OSError:
        return path
    return path, found.st_ino, found.st_size, found.st_mtime_ns
