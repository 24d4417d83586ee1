"""What the tests of this room share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from service.collect.workers.pool import Parsers
from tests.collect.processes import SHARED


@pytest.fixture
def parsers() -> Parsers:
    """The parser processes of all tests here."""
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    asyncio.run(SHARED.close())
