"""A learned model as rules ask it, read from its file at one time; or why there is none.

A file that is missing or damaged is no error here: the rules of topics go on alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True, eq=False)
class LearnedModel:
    """`path` of its file. `digest`: another model has another, "" for none.

    `problem`: why there is no model, None = there is one.
    """

    path: str
    digest: str
    problem: str | None
    model: Model | None

    def judge(self, title: str, text: str, sure: float) -> TopicVerdict | None:
        """What an article is about; None: it is not known, or there is no model."""
        return None if self.model is None else self.model.judge(title, "", text, sure)


def read_model(path: str) -> LearnedModel:
    """The model that stands in a file now."""
    from service.curate.learned.model_file import from_bytes  # noqa: PLC0415 - numpy is large

    try:
        data = Path(path).read_bytes()
        digest = blake2b(data, digest_size=16).hexdigest()
        return LearnedModel(path, digest, None, from_bytes(data))
    except FileNotFoundError:
        problem = MISSING
    except OSError as error:
        problem = error.strerror or str(error)
    except LearningError as error:
        problem = str(error)
    return LearnedModel(path, "", problem, None)
