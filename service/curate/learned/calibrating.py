"""Learns how far scores can be trusted, from texts that the classifier has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.curate.learned.classifier import Calibration

PRIOR = 0.5
"""How much a handful of texts may move the calibration: as many texts say as much as this."""


def fit_calibration(
    scores: NDArray[np.float64], known: NDArray[np.int64], labels: NDArray[np.int64]
) -> Calibration:
    """The calibration under which the labels are likeliest.

    `scores` has a row for each text; `known` is how many features of it are known.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - comes with scikit-learn

    grown = np.log1p(known)
    right = scores[np.arange(len(labels)), labels]

    def unlikely(point: NDArray[np.float64]) -> float:
        steep = np.exp(point[0] + point[1] * grown)
        raised = scores * steep[:, None]
        top = raised.max(axis=1)
        chances = top + np.log(np.exp(raised - top[:, None]).sum(axis=1))
        return float((chances - right * steep).sum() + PRIOR * (point @ point))

    a, b = minimize(unlikely, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return Calibration(float(a), float(b))
