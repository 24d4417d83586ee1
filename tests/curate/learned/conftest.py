"""A model that was learned once for all tests."""

from __future__ import annotations

import pytest

from tests.curate.learned.texts import vietnamese


@pytest.fixture(scope="session")
def model():
    """Three topics and what is of none."""
    training = pytest.importorskip("service.curate.learned.training")
    return training.train(vietnamese(), seed=1)
