from __future__ import annotations

import pytest

from tests.runtime.doctor.dns_server import running


@pytest.fixture
def dns():
    with running() as server:
        yield server
