"""The desk on each database."""

from __future__ import annotations

import pytest

from tests.curate.desk import Desk


@pytest.fixture
def desk(any_store, now):
    return Desk(any_store, now)
