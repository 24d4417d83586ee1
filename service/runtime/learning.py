"""Training of learned topics, in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from typing import TYPE_CHECKING

from service.errors import LearningError

if TYPE_CHECKING:
    from service.curate.learned.examples import Example

EXTRA = 'pip install "bantin[learn]"'


def needs_extra(*, training: bool = False) -> str | None:
    """What is missing to use a model, or to train one; None: nothing."""
    needed = ("numpy", "scipy", "sklearn") if training else ("numpy",)
    if all(find_spec(name) for name in needed):
        return None
    return f"learned topics need more packages: {EXTRA}"


def trained(examples: Sequence[Example], seed: int) -> bytes:
    """The file of a model that was learned from the examples.

    It takes some 100 MB of memory for 1,000 texts, which the system gets back: the process ends.
    Raises LearningError.
    """
    missing = needs_extra(training=True)
    if missing:
        raise LearningError(missing)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        try:
            return pool.submit(_train, list(examples), seed).result()
        except BrokenProcessPool as error:
            raise LearningError(
                "the process that learned was killed: 1,000 texts need some 100 MB of memory"
            ) from error


def _train(examples: Sequence[Example], seed: int) -> bytes:
    from service.curate.learned.model_file import to_bytes  # noqa: PLC0415 - needs the extra
    from service.curate.learned.training import train  # noqa: PLC0415

    return to_bytes(train(examples, seed))
