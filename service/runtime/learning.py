"""Learning topics, in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial

from service.curate.learned.examples import Example, topics_of
from service.curate.learned.in_use import EXTRA, needs_extra
from service.errors import LearningError


def need_extra() -> None:
    """Raise LearningError where what trains a model is not installed."""
    if needs_extra():
        raise LearningError(f"to learn topics takes more packages: {EXTRA}")


def trained(examples: Sequence[Example], seed: int) -> bytes:
    """The file of a model that was learned from the examples.

    It takes some 100 MB of memory for 1,000 texts, which the system gets back: the process ends.
    Raises LearningError.
    """
    with learner() as learned:
        return learned(examples, seed)


@contextmanager
def learner() -> Iterator[Callable[[Sequence[Example], int], bytes]]:
    """What does the same for one model after the other, in one process that ends with the block.

    It begins with the first of them: what it loads takes longer than to learn a few hundred texts.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield partial(_trained_by, pool)


def _trained_by(pool: ProcessPoolExecutor, examples: Sequence[Example], seed: int) -> bytes:
    need_extra()
    topics_of(examples)  # the process would say the same two seconds later
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
