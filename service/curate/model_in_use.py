"""The learned model in use: read once in a process, and again when its file is replaced.

A file that is missing or damaged is no error here: the rules of topics go on alone, and `problem`
says why.
"""

from __future__ import annotations

import os
from functools import lru_cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.errors import LearningError

if TYPE_CHECKING:
    from service.curate.learned.model import Model, TopicVerdict

NOT = "not"
"""The label of an article that is of none of the learned topics."""

EXTRA = 'pip install "bantin[learn]"'
MISSING = "it is not there; `bantin topics train` makes it"


def needs_extra() -> bool:
    """Whether what trains a model is not installed; to use one needs nothing more."""
    return not all(map(find_spec, ("scipy", "sklearn")))


class LearnedModel:
    """The model of a file, which may change while it is used."""

    def __init__(self, path: str) -> None:
        self._path = path

    def judge(self, title: str, text: str, sure: float) -> TopicVerdict | None:
        """What an article is about; None: it is not known, or there is no model."""
        model, _, _ = _current(self._path)
        return None if model is None else model.judge(title, "", text, sure)

    @property
    def problem(self) -> str | None:
        """Why there is no model; None: there is one."""
        return _current(self._path)[1]

    @property
    def digest(self) -> str:
        """Which model it is: another one has another; "" for none."""
        return _current(self._path)[2]


_Read = tuple["Model | None", str | None, str]


def _current(path: str) -> _Read:
    """The model, why there is none, and its digest."""
    try:
        found = os.stat(path)  # noqa: PTH116 - once for each article: a Path would be made anew
    except OSError:
        return None, MISSING, ""
    return _read(path, (found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=1)
def _read(path: str, stamp: Any) -> _Read:  # noqa: ARG001 - another stamp is another file
    from service.curate.learned.model_file import from_bytes  # noqa: PLC0415 - numpy is large

    try:
        data = Path(path).read_bytes()
        return from_bytes(data), None, blake2b(data, digest_size=16).hexdigest()
    except OSError as error:
        problem = error.strerror or str(error)
    except LearningError as error:
        problem = str(error)
    import structlog  # noqa: PLC0415 - hardly ever needed, and large

    log = structlog.get_logger("curate")
    log.warning("no learned topics: the rules go on alone", model=path, error=problem)
    return None, problem, ""
