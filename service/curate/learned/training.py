"""Learns a model from examples. Needs scikit-learn, which nothing else does.

The recipe, in short: words and word pairs, (1 + ln tf) * idf^1.5, one linear support vector machine
a topic; each text once whole and once as its beginning, since many sources give no more than that.
A quarter of the texts is kept back to learn how far scores can be trusted, and then used as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.curate.learned.calibrating import fit_calibration
from service.curate.learned.classifier import Calibration, Classifier
from service.curate.learned.examples import Example, topics_of
from service.curate.learned.growing import grow
from service.curate.learned.model import Model
from service.curate.learned.reading import BEGINNING, has_marks, whole, words_of_parts
from service.curate.learned.source_words import tell_the_source
from service.curate.learned.vocabulary import Vocabulary

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Progress = Callable[[str], None]

AT_ONCE = 256
"""Texts that are counted together."""

BEGINNING_WEIGHT = 0.3
"""What the beginning of a text counts beside the whole."""

IDF_POWER = 1.5
C = 1.0
TOLERANCE = 0.1
"""When the machine stops: its own default. A thousandth takes longer and answers no better."""

CALIBRATING = 4
"""One text in so many is kept back to calibrate."""


@dataclass(frozen=True, slots=True)
class _Texts:
    """What is learned from, row by row: `labels` are numbers of topics, `sources` of sources."""

    wholes: Sequence[Sequence[str]]
    beginnings: Sequence[Sequence[str]]
    titles: Sequence[Sequence[str]]
    labels: NDArray[np.int64]
    sources: NDArray[np.int64]


def train(examples: Iterable[Example], seed: int, progress: Progress = lambda _: None) -> Model:
    """Learn which texts have which label. The same examples and seed give the same model.

    Raises LearningError where there are not two labels, or too few texts of one.
    """
    given = list(examples)
    topics = topics_of(given)
    texts = _read(given, topics)
    del given
    marked = None
    if any(map(has_marks, texts.wholes)):
        progress("text with marks")
        marked = _classifier(texts, seed, marks=True)
    progress("text without marks")
    folded = _classifier(texts, seed, marks=False)
    return Model(topics, marked, folded)


def _read(examples: Sequence[Example], topics: Sequence[str]) -> _Texts:
    wholes, beginnings, titles = [], [], []
    for one in examples:
        title, body = whole(one.title, one.lead, one.text)
        wholes.append(words_of_parts(title, body))
        beginnings.append(words_of_parts(title, body[: max(0, BEGINNING - len(title))]))
        titles.append(words_of_parts(title or body[:BEGINNING]))
    numbers = {topic: number for number, topic in enumerate(topics)}
    sources: dict[str, int] = {}
    return _Texts(
        wholes,
        beginnings,
        titles,
        np.array([numbers[one.label] for one in examples]),
        np.array([sources.setdefault(one.source, len(sources)) for one in examples]),
    )


def _classifier(texts: _Texts, seed: int, *, marks: bool) -> Classifier:
    """One classifier, calibrated on a quarter of the texts and then learned from all."""
    vocabulary = grow(texts.wholes, marks=marks)
    wholes = _Matrix.of(vocabulary, texts.wholes)
    beginnings = _Matrix.of(vocabulary, texts.beginnings)
    titles = _Matrix.of(vocabulary, texts.titles)
    frequency = wholes.frequency()
    idf = (np.log((1 + len(texts.labels)) / (1 + frequency)) + 1) ** IDF_POWER
    idf[tell_the_source(wholes.counts, frequency, texts.labels, texts.sources)] = 0
    kept = _kept_back(texts.labels, seed)
    rest = np.setdiff1d(np.arange(len(texts.labels)), kept)
    seen = np.where(wholes.frequency(rest) > 0, idf, 0)
    weights, bias = _fit(
        [wholes.weighted(seen, rest), beginnings.weighted(seen, rest)], texts.labels[rest], seed
    )
    scored = [
        (matrix @ weights + bias, np.diff(matrix.indptr))
        for matrix in (one.weighted(seen, kept) for one in (wholes, beginnings, titles))
    ]
    calibration = fit_calibration(
        np.concatenate([scores for scores, _ in scored]),
        np.concatenate([known for _, known in scored]),
        np.tile(texts.labels[kept], len(scored)),
    )
    weights, bias = _fit([wholes.weighted(idf), beginnings.weighted(idf)], texts.labels, seed)
    return _small(vocabulary, idf, weights, bias, calibration)


def _kept_back(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The rows that calibrate: a quarter of each topic."""
    random = np.random.default_rng(seed)
    chosen = []
    for label in range(int(labels.max()) + 1):
        rows = random.permutation(np.flatnonzero(labels == label))
        chosen.append(rows[: max(1, len(rows) // CALIBRATING)])
    return np.sort(np.concatenate(chosen))


def _fit(
    matrices: Sequence[csr_matrix], labels: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (features x topics) and bias, from whole texts and their beginnings."""
    from scipy.sparse import vstack  # noqa: PLC0415 - comes with scikit-learn
    from sklearn.svm import LinearSVC  # noqa: PLC0415 - an extra, and slow to load

    machine = LinearSVC(C=C, tol=TOLERANCE, random_state=seed)
    worth = np.repeat([1.0, BEGINNING_WEIGHT], len(labels))
    machine.fit(vstack(matrices, format="csr"), np.tile(labels, 2), worth)
    weights, bias = machine.coef_.T, machine.intercept_
    if weights.shape[1] == 1:  # of two topics: the score of the second
        return np.hstack([-weights, weights]), np.concatenate([-bias, bias])
    return weights, bias


def _small(
    vocabulary: Vocabulary,
    idf: NDArray[np.float64],
    weights: NDArray[np.float64],
    bias: NDArray[np.float64],
    calibration: Calibration,
) -> Classifier:
    """The classifier with weights of one byte: it answers as well, and is small."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    return Classifier(
        vocabulary,
        idf.astype(np.float16),
        np.rint(weights / scale).astype(np.int8),
        scale.astype(np.float32),
        bias.astype(np.float32),
        calibration,
    )


@dataclass(frozen=True, slots=True)
class _Matrix:
    """How often each feature stands in each text, a row a text."""

    counts: csr_matrix

    @classmethod
    def of(cls, vocabulary: Vocabulary, texts: Iterable[Sequence[str]]) -> _Matrix:
        from scipy.sparse import csr_matrix  # noqa: PLC0415

        numbers = [vocabulary.numbers(text) for text in texts]
        counted = [
            vocabulary.count(numbers[at : at + AT_ONCE]) for at in range(0, len(numbers), AT_ONCE)
        ]
        columns = np.concatenate([features.astype(np.int32) for features, _, _ in counted])
        values = np.concatenate([counts for _, counts, _ in counted])
        sizes = np.concatenate([np.diff(ends) for _, _, ends in counted])
        shape = (len(numbers), len(vocabulary))
        return cls(csr_matrix((values, columns, np.append(0, np.cumsum(sizes))), shape))

    def frequency(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """In how many texts each feature stands."""
        counts = self.counts if rows is None else self.counts[rows]
        return np.bincount(counts.indices, minlength=self.counts.shape[1])

    def weighted(
        self, idf: NDArray[np.float64], rows: NDArray[np.int64] | None = None
    ) -> csr_matrix:
        """The rows as a classifier sees them; features whose idf is 0 are not there."""
        made: Any = (self.counts if rows is None else self.counts[rows]).copy()
        small = idf.astype(np.float16).astype(np.float32)
        made.data = (1 + np.log(made.data)) * small[made.indices]
        made.eliminate_zeros()
        lengths = np.sqrt(np.add.reduceat(np.append(made.data**2, 0), made.indptr[:-1]))
        lengths[np.diff(made.indptr) == 0] = 1
        made.data /= np.repeat(lengths, np.diff(made.indptr))
        return made
