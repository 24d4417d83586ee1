"""Pairs that are alike by their template only: today's weather and yesterday's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from service.curate.stories.terms import PAIRS, SPECIFIC, WORDS, Ids

SAME_PHRASES, PHRASES_TO_WORDS = 0.3, 0.45
"""A template repeats phrases: so alike are its pairs of words, and to its words alone."""

FEWEST_FIGURES, SAME_FIGURES = 2, 0.5
"""How many figures tell something; the share of them that one event has in common."""

OTHER_EVENT = 1.4
"""With other figures in the title: names and figures are less alike than so often the phrases."""

FEW_SPECIFIC, SPECIFIC_SHARE, OTHER_NAMES = 4, 0.55, 1.2
"""So few names and figures in common, and at most this share; alike as OTHER_EVENT says."""

MANY_PHRASES, FORMULAS = 0.5, 0.8
"""With so many phrases the same, names in common belong to the template: less alike than so often
the phrases."""

THIN, SAME_WORDS = 2, 0.6
"""With so few names and figures, the words themselves must be the same to this extent."""

Marks = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float32]


class Looks(NamedTuple):
    """What the guard looks at, a row an article, padded by 0."""

    title_figures: Ids
    documents: Ids
    figures: Ids
    specific: Ids


def other_names(ones: Ids, others: Ids) -> Marks:
    """Which pairs say the same in their titles of two persons, or places.

    Both have a row a pair, each a `formula` of `Terms`.
    """
    frame, other_frame = ones[:, 0], others[:, 0]
    differ: Marks = (frame != 0) & (other_frame == frame) & (others[:, 1] != ones[:, 1])
    return differ


def repeats(blocks: Shares) -> Marks:
    """Which pairs share whole phrases, as a template does. `blocks`: a row each, 0 to 1 a block."""
    phrases = blocks[:, PAIRS]
    repeated: Marks = (phrases >= SAME_PHRASES) & (phrases >= PHRASES_TO_WORDS * blocks[:, WORDS])
    return repeated


def template_only(blocks: Shares, ones: Looks, others: Looks) -> Marks:
    """Which pairs, all of which `repeats`, are alike by template only. A row a pair.

    Two outlets which tell one event share its names and figures and say the rest in words of their
    own; a template is the other way round: phrases are the same, names and figures are not.
    """
    words, phrases, specific = blocks[:, WORDS], blocks[:, PAIRS], blocks[:, SPECIFIC]
    fewer = _fewer(ones.figures, others.figures)
    same = shared(ones.figures, others.figures) > SAME_FIGURES * fewer
    other_event = (
        _differ(ones.title_figures, others.title_figures)
        | _differ(ones.documents, others.documents)
    ) & (specific < OTHER_EVENT * phrases)
    common, most = shared(ones.specific, others.specific), _fewer(ones.specific, others.specific)
    strangers = (
        (common <= FEW_SPECIFIC)
        & (common <= SPECIFIC_SHARE * most)
        & (specific < OTHER_NAMES * phrases)
    )
    formulas = (phrases >= MANY_PHRASES) & (specific < FORMULAS * phrases)
    thin = (most <= THIN) & (words < SAME_WORDS)
    differs: Marks = other_event | strangers | formulas | thin
    return differs & ~(same & (fewer >= FEWEST_FIGURES))


def _fewer(ones: Ids, others: Ids) -> Counts:
    fewer: Counts = np.minimum(np.count_nonzero(ones, axis=1), np.count_nonzero(others, axis=1))
    return fewer


def _differ(ones: Ids, others: Ids) -> Marks:
    """Whether each of the two has a value that the other has not."""
    differ: Marks = shared(ones, others) < _fewer(ones, others)
    return differ


def shared(ones: Ids, others: Ids) -> Counts:
    """How many values both of a pair have; 0 is none, and no value stands twice in a row."""
    same = (others[:, :, None] == ones[:, None, :]) & (ones != 0)[:, None, :]
    counts: Counts = np.count_nonzero(same, axis=(1, 2))
    return counts
