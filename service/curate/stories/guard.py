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
    """What the guard looks at, a row an article, padded by 0. One article: rows of length one."""

    title_figures: Ids
    documents: Ids
    figures: Ids
    specific: Ids


def other_names(one: Ids, others: Ids) -> Marks:
    """Which of the others say the same in their titles of somebody, or some place, else.

    `one` is a `formula` of `Terms`, `others` have a row each.
    """
    differ: Marks = (one[0] != 0) & (others[:, 0] == one[0]) & (others[:, 1] != one[1])
    return differ


def repeats(blocks: Shares) -> Marks:
    """Which pairs share whole phrases, as a template does. `blocks`: a row each, 0 to 1 a block."""
    phrases = blocks[:, PAIRS]
    repeated: Marks = (phrases >= SAME_PHRASES) & (phrases >= PHRASES_TO_WORDS * blocks[:, WORDS])
    return repeated


def template_only(blocks: Shares, one: Looks, others: Looks) -> Marks:
    """Which of the others, all of which `repeats`, are like the one by template only.

    Two outlets which tell one event share its names and figures and say the rest in words of their
    own; a template is the other way round: phrases are the same, names and figures are not.
    """
    words, phrases, specific = blocks[:, WORDS], blocks[:, PAIRS], blocks[:, SPECIFIC]
    fewer = _fewer(one.figures, others.figures)
    same = shared(one.figures, others.figures) > SAME_FIGURES * fewer
    other_event = (
        _differ(one.title_figures, others.title_figures) | _differ(one.documents, others.documents)
    ) & (specific < OTHER_EVENT * phrases)
    common, most = shared(one.specific, others.specific), _fewer(one.specific, others.specific)
    strangers = (
        (common <= FEW_SPECIFIC)
        & (common <= SPECIFIC_SHARE * most)
        & (specific < OTHER_NAMES * phrases)
    )
    formulas = (phrases >= MANY_PHRASES) & (specific < FORMULAS * phrases)
    thin = (most <= THIN) & (words < SAME_WORDS)
    differs: Marks = other_event | strangers | formulas | thin
    return differs & ~(same & (fewer >= FEWEST_FIGURES))


def _fewer(one: Ids, others: Ids) -> Counts:
    fewer: Counts = np.minimum((one != 0).sum(), (others != 0).sum(axis=1))
    return fewer


def _differ(one: Ids, others: Ids) -> Marks:
    """Whether each of the two has a value that the other has not."""
    differ: Marks = shared(one, others) < _fewer(one, others)
    return differ


def shared(one: Ids, others: Ids) -> Counts:
    """How many values of the one stand in each of the others; 0 is none."""
    same = (others[:, :, None] == one[None, None, :]) & (one != 0)
    counts: Counts = same.any(axis=2).sum(axis=1)
    return counts
