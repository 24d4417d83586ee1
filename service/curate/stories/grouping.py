"""Who belongs together: average link over a matrix of similarities, and which group keeps an id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def average_link(
    alike: Matrix,
    sizes: Sequence[int],
    inner: Sequence[float],
    *,
    threshold: float,
    cohesion: float,
) -> list[list[int]]:
    """The units, grouped: the two groups that are most alike on average, again and again.

    `alike`: symmetric, a row a unit. `sizes`: how many articles each unit is; `inner`: how alike
    these are among themselves, of no account for one. It ends below `threshold`. Two groups of two
    articles or more must be as alike as `cohesion` of what the looser one is within: a chain of
    neighbours is no story. Ties go to the first units.
    """
    groups = [[number] for number in range(len(sizes))]
    counts = np.array(sizes, np.float64)
    # Sums over pairs of articles: of two groups, and within each.
    sums = alike * counts[:, None] * counts[None, :]
    within = np.array(inner, np.float64) * counts * (counts - 1) / 2
    means = alike.astype(np.float64).copy()
    np.fill_diagonal(means, -1)
    while len(groups) > 1:
        one, other = divmod(int(np.argmax(means)), len(counts))
        if means[one, other] < threshold:
            break
        if not _coheres(means[one, other], counts, within, one, other, cohesion):
            means[one, other] = means[other, one] = -1
            continue
        groups[one].extend(groups[other])
        within[one] += within[other] + sums[one, other]
        sums[one] += sums[other]
        sums[:, one] += sums[:, other]
        counts[one] += counts[other]
        counts[other] = 0
        groups[other] = []
        means[other] = means[:, other] = -1
        alive = counts > 0
        alive[one] = False
        means[one, alive] = sums[one, alive] / (counts[one] * counts[alive])
        means[alive, one] = means[one, alive]
    return [sorted(group) for group in groups if group]


def _coheres(
    mean: float,
    counts: Matrix,
    within: Matrix,
    one: int,
    other: int,
    cohesion: float,
) -> bool:
    if min(counts[one], counts[other]) < 2:  # noqa: PLR2004 - one article has no inner mean
        return True
    loosest = min(
        within[group] / (counts[group] * (counts[group] - 1) / 2) for group in (one, other)
    )
    return bool(mean >= cohesion * loosest)


def name_groups(
    groups: Sequence[Sequence[int]],
    stories: Sequence[int | None],
    kept: AbstractSet[int] = frozenset(),
    sizes: Sequence[int] | None = None,
) -> list[int | None]:
    """The story id of each group: the old one that it shares most with, ties to the lowest.

    `groups` hold numbers of units, `stories` the old id of each unit (None: it had none), `kept`
    those that win over others however little is shared, `sizes` how many articles each unit is
    (None: one each). None: a group that gets no old id.
    """
    shared = [Counter[int | None]() for _group in groups]
    for counts, units in zip(shared, groups, strict=True):
        for unit in units:
            counts[stories[unit]] += 1 if sizes is None else sizes[unit]
    overlaps = [
        (story not in kept, -articles, story, group)
        for group, counts in enumerate(shared)
        for story, articles in counts.items()
        if story is not None
    ]
    named: dict[int, int] = {}
    taken: set[int] = set()
    for _kept, _articles, story, group in sorted(overlaps):
        if group not in named and story not in taken:
            named[group] = story
            taken.add(story)
    return [named.get(group) for group in range(len(groups))]
